-- Every worker's picture of the backends, decoded again only when a newer one was posted.
-- It is looked at per request, so a change of endpoints takes effect at once and without a reload.
local cjson = require("cjson.safe")
local configuration = require("configuration")

local _M = {}

local known, version = {}, nil

local function address(endpoint)
  if endpoint.address:find(":", 1, true) then
    return "[" .. endpoint.address .. "]"
  end
  return endpoint.address
end

local function peers_of(backend)
  local peers = {}
  for i, endpoint in ipairs(backend.endpoints or {}) do
    local host = address(endpoint)
    peers[i] = { host = host, port = tonumber(endpoint.port), name = host .. ":" .. endpoint.port }
  end
  return peers
end

local function refresh()
  local latest = configuration.get_backends_version()
  if latest == version then
    return
  end
  local decoded = cjson.decode(configuration.get_backends_data() or "")
  if not decoded then
    return
  end
  local fresh = {}
  for _, backend in ipairs(decoded) do
    local before = known[backend.name]
    local peers = peers_of(backend)
    fresh[backend.name] = {
      name = backend.name,
      peers = peers,
      -- workers begin at different peers, or they would all hit the first one together
      turn = before and before.turn or math.random(0, math.max(#peers - 1, 0)),
      alternatives = backend.alternativeBackends,
      shaping = backend.trafficShapingPolicy or {},
      affinity = backend.sessionAffinityConfig or {},
      hash_by = (backend.upstreamHashByConfig or {})["upstream-hash-by"],
    }
  end
  known, version = fresh, latest
end

function _M.find(name)
  refresh()
  return known[name]
end

return _M
