-- The local API that the controller posts to (status port): backends, general settings, certificates.
-- What it receives lives in shared dictionaries, so it is there for every worker and survives a reload.
local cjson = require("cjson.safe")

local data = ngx.shared.configuration_data
local certificates = ngx.shared.certificate_data
local certificate_servers = ngx.shared.certificate_servers

local _M = {}

function _M.get_backends_data()
  return data:get("backends")
end

-- A number that grows with every accepted post of backends; nil before the first.
function _M.get_backends_version()
  return data:get("backends_version")
end

local function request_body()
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  if body then
    return body
  end
  local path = ngx.req.get_body_file()
  if not path then
    return nil
  end
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  body = file:read("*a")
  file:close()
  return body
end

local function store(key, value)
  local ok, err = data:safe_set(key, value)
  if not ok then
    ngx.log(ngx.ERR, "storing ", key, ": ", err)
    return ngx.HTTP_INTERNAL_SERVER_ERROR
  end
  return ngx.HTTP_CREATED
end

local function post_backends()
  local body = request_body()
  if not body or not cjson.decode(body) then
    return ngx.HTTP_BAD_REQUEST
  end
  local status = store("backends", body)
  if status == ngx.HTTP_CREATED then
    data:incr("backends_version", 1, 0)
  end
  return status
end

local function post_general()
  local body = request_body()
  if not body then
    return ngx.HTTP_BAD_REQUEST
  end
  return store("general", body)
end

local function store_all(dictionary, entries)
  for key, value in pairs(entries or {}) do
    local ok, err = dictionary:safe_set(key, value)
    if not ok then
      ngx.log(ngx.ERR, "storing certificate of ", key, ": ", err)
      return false
    end
  end
  return true
end

-- {"certificates": {uid: PEM of chain and key}, "servers": {host: uid}}; certificates come first, so
-- that no host ever names one that is not there.
local function post_servers()
  local posted = cjson.decode(request_body() or "")
  if type(posted) ~= "table" then
    return ngx.HTTP_BAD_REQUEST
  end
  if not store_all(certificates, posted.certificates) then
    return ngx.HTTP_INTERNAL_SERVER_ERROR
  end
  for _, host in ipairs(certificate_servers:get_keys(0)) do
    if not posted.servers or not posted.servers[host] then
      certificate_servers:delete(host)
    end
  end
  if not store_all(certificate_servers, posted.servers) then
    return ngx.HTTP_INTERNAL_SERVER_ERROR
  end
  return ngx.HTTP_CREATED
end

local function get_certificate()
  local uid = certificate_servers:get(ngx.var.arg_hostname or "")
  return uid and certificates:get(uid)
end

local routes = {
  ["GET /configuration/backends"] = _M.get_backends_data,
  ["GET /configuration/general"] = function() return data:get("general") end,
  ["GET /configuration/certs"] = get_certificate,
  ["POST /configuration/backends"] = post_backends,
  ["POST /configuration/general"] = post_general,
  ["POST /configuration/servers"] = post_servers,
}

function _M.call()
  local method = ngx.req.get_method()
  local route = routes[method .. " " .. ngx.var.uri]
  if not route then
    return ngx.exit(ngx.HTTP_NOT_FOUND)
  end
  local result = route()
  if method == "POST" then
    ngx.status = result
    return
  end
  if not result then
    return ngx.exit(ngx.HTTP_NOT_FOUND)
  end
  ngx.print(result)
end

return _M
