local function clamp_all(xs, low, high)
  local result = {}
  for i, x in ipairs(xs) do
    if x < low then
      x = low
    elseif x > high then
      x = high
    end
    result[i] = x
  end
  return result
end
