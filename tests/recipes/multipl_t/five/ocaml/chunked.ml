let rec chunked (items : string list) (size : int) : string list list =
  if size < 1 || items = [] then []
  else
    let piece = List.filteri (fun i _ -> i < size) items in
    let rest = List.filteri (fun i _ -> i >= size) items in
    piece :: chunked rest size
