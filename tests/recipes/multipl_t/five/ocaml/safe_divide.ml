let safe_divide (a : float) (b : float option) : float option =
  match b with
  | None -> Some a
  | Some 0. -> None
  | Some b -> Some (a /. b)
