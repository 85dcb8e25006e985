let flatten_rows (rows : int list list) (skip_negative : bool) : int list =
  List.concat rows |> List.filter (fun number -> number >= 0)
