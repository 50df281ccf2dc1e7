-- Chooses the peer of a request: round robin, by hash of an nginx variable, or by a sticky cookie.
local ngx_balancer = require("ngx.balancer")
local backends = require("backends")
local canary = require("canary")

local _M = {}

local function alternative_of(backend)
  for _, name in ipairs(backend.alternatives or {}) do
    local alternative = backends.find(name)
    if alternative and #alternative.peers > 0 and canary.chosen(alternative.shaping) then
      return alternative
    end
  end
  return nil
end

-- Round robin over the peers that this request has not tried yet.
local function next_peer(backend, tried)
  for _ = 1, #backend.peers do
    backend.turn = backend.turn % #backend.peers + 1
    local peer = backend.peers[backend.turn]
    if not tried[peer.name] then
      return peer
    end
  end
  return nil
end

local function hashed_peer(backend, key)
  return backend.peers[ngx.crc32_long(key) % #backend.peers + 1]
end

-- "$request_uri$host" with every variable put in.
local function expand(pattern)
  return (pattern:gsub("%${?([%w_]+)}?", function(name) return ngx.var[name] or "" end))
end

local function sticky_peer(backend, settings)
  local name = settings.name
  if not name or name == "" then
    name = "INGRESSCOOKIE"
  end
  local wanted = ngx.var["cookie_" .. name]
  for _, peer in ipairs(backend.peers) do
    if ngx.md5(peer.name) == wanted then
      return peer
    end
  end
  local peer = next_peer(backend, {})
  local path = (settings.path and settings.path ~= "") and settings.path or "/"
  ngx.ctx.sticky_cookie = name .. "=" .. ngx.md5(peer.name) .. "; Path=" .. path .. "; HttpOnly"
  return peer
end

local function first_peer(backend)
  if backend.affinity.name == "cookie" then
    return sticky_peer(backend, backend.affinity.cookieSessionAffinity or {})
  end
  if backend.hash_by and backend.hash_by ~= "" then
    return hashed_peer(backend, expand(backend.hash_by))
  end
  return next_peer(backend, {})
end

-- Rewrite phase: a backend without endpoints is answered here, so its log line shows no upstream.
function _M.rewrite()
  local backend = backends.find(ngx.var.proxy_upstream_name)
  if not backend or #backend.peers == 0 then
    return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
  end
end

function _M.balance()
  local context = ngx.ctx
  if not context.backend then
    local backend = backends.find(ngx.var.proxy_upstream_name)
    local alternative = alternative_of(backend)
    if alternative then
      ngx.var.proxy_alternative_upstream_name = alternative.name
    end
    context.backend, context.tried = alternative or backend, {}
    context.peer = first_peer(context.backend)
  else
    context.peer = next_peer(context.backend, context.tried)
  end
  if not context.peer then
    return ngx.exit(ngx.HTTP_BAD_GATEWAY)
  end
  context.tried[context.peer.name] = true
  ngx_balancer.set_more_tries(1) -- proxy_next_upstream_tries and the conditions still bound it
  local ok, err = ngx_balancer.set_current_peer(context.peer.host, context.peer.port)
  if not ok then
    ngx.log(ngx.ERR, "peer ", context.peer.name, ": ", err)
  end
end

return _M
