let rec collatz_steps (n : int) : int =
  if n <= 1 then 0
  else 1 + collatz_steps (if n mod 2 = 0 then n / 2 else (3 * n) + 1)
