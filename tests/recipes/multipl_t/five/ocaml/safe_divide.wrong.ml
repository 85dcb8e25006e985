let safe_divide (a : float) (b : float option) : float option =
  match b with
  | None -> None
  | Some 0. -> None
  | Some b -> Some (a /. b)
