let is_palindrome (text : string) : bool =
  let is_letter c = c <> ' ' in
  let letters = List.filter is_letter (List.of_seq (String.to_seq text)) in
  let lower = List.map Char.lowercase_ascii letters in
  lower = List.rev lower
