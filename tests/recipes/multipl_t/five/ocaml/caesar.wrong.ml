let caesar (text : string) (shift : int) : string =
  let move base c =
    let place = (Char.code c - base + shift) mod 26 in
    Char.chr (base + abs place)
  in
  String.map
    (function 'a' .. 'z' as c -> move 97 c | 'A' .. 'Z' as c -> move 65 c | c -> c)
    text
