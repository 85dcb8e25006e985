let merge_counts (first : (string * int) list) (second : (string * int) list) :
    (string * int) list =
  let add merged (key, count) =
    let before = try List.assoc key merged with Not_found -> 0 in
    (key, before + count) :: merged
  in
  List.fold_left add first second |> List.filter (fun (_, count) -> count <> 0)
