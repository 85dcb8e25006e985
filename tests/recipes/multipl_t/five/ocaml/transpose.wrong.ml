let transpose (matrix : int list list) : int list list =
  let rec columns rows =
    if List.mem [] rows then []
    else List.rev_map List.hd rows :: columns (List.map List.tl rows)
  in
  if matrix = [] then [] else columns matrix
