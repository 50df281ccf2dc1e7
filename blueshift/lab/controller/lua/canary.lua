-- Does this request go to an alternative backend? Header first, then cookie, then weight.
local _M = {}

local function by_header(policy)
  if not policy.header or policy.header == "" then
    return nil
  end
  local value = ngx.var["http_" .. policy.header:lower():gsub("-", "_")]
  if not value then
    return nil
  end
  if policy.headerValue and policy.headerValue ~= "" then
    if value == policy.headerValue then
      return true
    end
    return nil
  end
  if policy.headerPattern and policy.headerPattern ~= "" then
    if ngx.re.find(value, policy.headerPattern, "jo") then
      return true
    end
    return nil
  end
  if value == "always" then
    return true
  end
  if value == "never" then
    return false
  end
  return nil
end

local function by_cookie(policy)
  if not policy.cookie or policy.cookie == "" then
    return nil
  end
  local value = ngx.var["cookie_" .. policy.cookie]
  if value == "always" then
    return true
  end
  if value == "never" then
    return false
  end
  return nil
end

function _M.chosen(policy)
  local choice = by_header(policy)
  if choice == nil then
    choice = by_cookie(policy)
  end
  if choice ~= nil then
    return choice
  end
  local total = policy.weightTotal or 0
  if total < 1 then
    total = 100
  end
  return math.random(total) <= (policy.weight or 0)
end

return _M
