-- The certificate of a TLS handshake, by server name, without a reload when it changes.
local ssl = require("ngx.ssl")
local lrucache = require("resty.lrucache")

local _M = {}

local NONE = "-1" -- what the controller posts for a host without a certificate of its own

local parsed = assert(lrucache.new(500)) -- by PEM text, so a renewed certificate is a new entry

local function parse(pem)
  local entry = parsed:get(pem)
  if entry then
    return entry
  end
  local chain, err = ssl.parse_pem_cert(pem)
  if not chain then
    return nil, err
  end
  local key
  key, err = ssl.parse_pem_priv_key(pem)
  if not key then
    return nil, err
  end
  entry = { chain = chain, key = key }
  parsed:set(pem, entry)
  return entry
end

local function pem_of(host)
  local uid = ngx.shared.certificate_servers:get(host)
  if not uid or uid == NONE then
    uid = ngx.shared.certificate_servers:get((host:gsub("^[^.]+", "*", 1)))
  end
  if not uid or uid == NONE then
    uid = ngx.shared.certificate_servers:get("_")
  end
  return uid and uid ~= NONE and ngx.shared.certificate_data:get(uid)
end

-- Without an entry the handshake goes on with the static certificate of the configuration.
function _M.call()
  local pem = pem_of(ssl.server_name() or "_")
  if not pem then
    return
  end
  local entry, err = parse(pem)
  if not entry then
    ngx.log(ngx.ERR, "certificate of ", ssl.server_name(), ": ", err)
    return
  end
  ssl.clear_certs()
  local ok, cert_err = ssl.set_cert(entry.chain)
  local key_ok, key_err = ssl.set_priv_key(entry.key)
  if not ok or not key_ok then
    ngx.log(ngx.ERR, "certificate of ", ssl.server_name(), ": ", cert_err or key_err)
  end
end

return _M
