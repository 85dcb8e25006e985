let clamp_all (xs : int list) (low : int) (high : int) : int list =
  List.map (fun x -> if x < low then low else if x > high then high else x) xs
