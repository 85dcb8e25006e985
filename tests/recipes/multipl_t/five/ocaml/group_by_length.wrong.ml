let length word =
  String.fold_left (fun n c -> if Char.code c land 0xC0 = 0x80 then n else n + 1) 0 word

let group_by_length (words : string list) : (int * string list) list =
  let lengths = List.map length words in
  List.map (fun n -> (n, List.filter (fun word -> length word = n) words)) lengths
