let min_max (xs : int list) : (int * int) option =
  match xs with
  | [] -> None
  | x :: rest -> Some (List.fold_left min x rest, List.fold_left max x rest)
