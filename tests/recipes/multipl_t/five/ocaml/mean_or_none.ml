let mean_or_none (values : float list) : float option =
  match values with
  | [] -> None
  | _ -> Some (List.fold_left ( +. ) 0. values /. float_of_int (List.length values))
