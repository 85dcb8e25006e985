let rec digit_sum (n : int) : int =
  let n = abs n in
  let rec total n = if n = 0 then 0 else (n mod 10) + total (n / 10) in
  if n < 10 then n else digit_sum (total n)
