let fibonacci_upto (limit : int) : int list =
  let rec from a b = if a > limit then [] else a :: from b (a + b) in
  from 1 1
