let rec count_subsets (numbers : int list) (target : int) : int =
  match numbers with
  | [] -> if target = 0 then 1 else 0
  | x :: rest -> count_subsets rest target + count_subsets rest (target - abs x)
