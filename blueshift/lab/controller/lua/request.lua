-- What happens to a request before it is proxied, and to the headers of its answer.
local _M = {}

local settings = {}

function _M.set_config(given)
  settings = given
end

local function certificate_configured(host)
  local uid = ngx.shared.certificate_servers:get(host)
  if not uid then
    uid = ngx.shared.certificate_servers:get((host:gsub("^[^.]+", "*", 1)))
  end
  return uid and uid ~= "-1"
end

local function first_of(list)
  return list and list:match("^[^,%s]+")
end

local function take_forwarded_headers()
  ngx.var.pass_access_scheme = first_of(ngx.var.http_x_forwarded_proto) or ngx.var.scheme
  ngx.var.pass_port = first_of(ngx.var.http_x_forwarded_port) or ngx.var.server_port
  ngx.var.best_http_host = first_of(ngx.var.http_x_forwarded_host) or ngx.var.http_host
end

local function wants_https(location)
  if location.force_no_ssl_redirect or ngx.var.pass_access_scheme ~= "http" then
    return false
  end
  return location.force_ssl_redirect or (location.ssl_redirect and certificate_configured(ngx.var.host))
end

local function redirect_to_https(location)
  local uri = ngx.var.request_uri
  if not location.preserve_trailing_slash and #uri > 1 then
    uri = uri:gsub("/$", "")
  end
  local port = ""
  if location.use_port_in_redirects then
    port = ":" .. settings.listen_ports.https
  end
  local host = (ngx.var.best_http_host or ngx.var.host):gsub(":%d+$", "")
  return ngx.redirect("https://" .. host .. port .. uri, settings.http_redirect_code)
end

function _M.rewrite(location)
  if settings.use_proxy_protocol and ngx.var.proxy_protocol_server_port == "443" then
    ngx.var.pass_access_scheme = "https"
  end
  if settings.use_forwarded_headers then
    take_forwarded_headers()
  end
  if wants_https(location) then
    return redirect_to_https(location)
  end
end

local function add_cookie(cookie)
  local present = ngx.header["Set-Cookie"] or {}
  if type(present) ~= "table" then
    present = { present }
  end
  present[#present + 1] = cookie
  ngx.header["Set-Cookie"] = present
end

function _M.header()
  if settings.hsts and ngx.var.scheme == "https" and certificate_configured(ngx.var.host) then
    local value = "max-age=" .. settings.hsts_max_age
    if settings.hsts_include_subdomains then
      value = value .. "; includeSubDomains"
    end
    if settings.hsts_preload then
      value = value .. "; preload"
    end
    ngx.header["Strict-Transport-Security"] = value
  end
  if ngx.ctx.sticky_cookie then
    add_cookie(ngx.ctx.sticky_cookie)
  end
end

return _M
