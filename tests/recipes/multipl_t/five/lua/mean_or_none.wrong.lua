local function mean_or_none(values)
  if #values == 0 then
    return 0.0
  end
  local total = 0
  for _, value in ipairs(values) do
    total = total + value
  end
  return total / #values
end
