let count_words (text : string) : (string * int) list =
  let add counts word =
    let count = try List.assoc word counts with Not_found -> 0 in
    (word, count + 1) :: List.remove_assoc word counts
  in
  String.split_on_char ' ' text
  |> List.fold_left add []
