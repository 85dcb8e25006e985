let rotate (words : string list) (k : int) (left : bool) : string list =
  let n = List.length words in
  if n = 0 then []
  else
    let start = (((if left then k else -k) mod n) + n) mod n in
    List.filteri (fun i _ -> i >= start) words @ List.filteri (fun i _ -> i < start) words
