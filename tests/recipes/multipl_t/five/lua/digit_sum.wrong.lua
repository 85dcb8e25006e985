local function digit_sum(n)
  n = math.abs(n)
  if n < 10 then
    return n
  end
  local total = 0
  while n > 0 do
    total = total + n % 10
    n = n // 10
  end
  return total
end
