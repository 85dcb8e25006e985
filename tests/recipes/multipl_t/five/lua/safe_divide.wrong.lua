local function safe_divide(a, b)
  if b == nil then
    return a
  end
  return a / b
end
