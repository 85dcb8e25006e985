let horner (coefficients : float list) (x : float) : float =
  List.fold_left (fun value coefficient -> (value *. x) +. coefficient) 0. (List.rev coefficients)
