local function safe_divide(a, b)
  if b == nil then
    return a
  end
  if b == 0 then
    return nil
  end
  return a / b
end
