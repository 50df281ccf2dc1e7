-- One record per request, sent to the controller's metrics socket in batches (a JSON array each).
local cjson = require("cjson.safe")

local SOCKET = "unix:/tmp/nginx/prometheus-nginx.socket"
local FLUSH_SECONDS = 1

local _M = {}

local batch, limit = {}, 10000

local function number(value)
  return tonumber(value) or -1
end

local function record()
  local var = ngx.var
  return {
    host = var.host or "-",
    namespace = var.namespace or "-",
    ingress = var.ingress_name or "-",
    service = var.service_name or "-",
    canary = var.proxy_alternative_upstream_name or "-",
    path = var.location_path or "-",
    method = var.request_method or "-",
    status = var.status or "-",
    requestLength = number(var.request_length),
    requestTime = number(var.request_time),
    responseLength = number(var.bytes_sent),
    upstreamLatency = number(var.upstream_connect_time),
    upstreamHeaderTime = number(var.upstream_header_time),
    upstreamResponseTime = number(var.upstream_response_time),
  }
end

local function send(payload)
  local socket = ngx.socket.tcp()
  socket:settimeout(1000)
  local ok, err = socket:connect(SOCKET)
  if ok then
    ok, err = socket:send(payload)
  end
  if not ok then
    ngx.log(ngx.ERR, "metrics socket: ", err)
  end
  socket:close()
end

local function flush()
  if #batch == 0 then
    return
  end
  local full = batch
  batch = {}
  send(cjson.encode(full))
end

function _M.init_worker(max_batch_size)
  limit = max_batch_size
  local ok, err = ngx.timer.every(FLUSH_SECONDS, flush)
  if not ok then
    ngx.log(ngx.ERR, "metrics timer: ", err)
  end
end

function _M.call()
  if #batch < limit then
    batch[#batch + 1] = record()
  end
  -- the periodic timer is gone while a worker drains, and its last requests count too
  if ngx.worker.exiting() then
    ngx.timer.at(0, flush)
  end
end

return _M
