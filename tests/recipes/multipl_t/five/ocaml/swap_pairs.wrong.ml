let swap_pairs (pairs : (int * string) list) : (string * int) list =
  List.filter_map (fun (number, word) -> if number <= 0 then None else Some (word, number)) pairs
