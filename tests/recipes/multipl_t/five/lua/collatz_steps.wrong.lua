local function collatz_steps(n)
  local steps = 1
  while n > 1 do
    n = n % 2 == 0 and n // 2 or 3 * n + 1
    steps = steps + 1
  end
  return steps
end
