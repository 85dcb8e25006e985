let rec to_binary (n : int) : string =
  if n < 0 then to_binary (-n)
  else if n < 2 then string_of_int n
  else to_binary (n / 2) ^ string_of_int (n mod 2)
