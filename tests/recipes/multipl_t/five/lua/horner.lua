local function horner(coefficients, x)
  local value = 0.0
  for _, coefficient in ipairs(coefficients) do
    value = value * x + coefficient
  end
  return value
end
