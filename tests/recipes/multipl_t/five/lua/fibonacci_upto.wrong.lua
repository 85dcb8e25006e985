local function fibonacci_upto(limit)
  local numbers, a, b = {}, 0, 1
  while a < limit do
    numbers[#numbers + 1] = a
    a, b = b, a + b
  end
  return numbers
end
