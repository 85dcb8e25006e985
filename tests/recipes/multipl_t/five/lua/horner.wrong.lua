local function horner(coefficients, x)
  local value = 0.0
  for _, coefficient in ipairs(coefficients) do
    value = (value + coefficient) * x
  end
  return value
end
