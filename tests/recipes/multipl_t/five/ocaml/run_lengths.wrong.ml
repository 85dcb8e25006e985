(* UTF-8: bytes 10xxxxxx go on with the character before them. *)
let characters text =
  let continues c = Char.code c land 0xC0 = 0x80 in
  let add c = function
    | (last :: _ as bytes) :: rest when continues last -> (c :: bytes) :: rest
    | pieces -> [ c ] :: pieces
  in
  List.fold_right add (List.of_seq (String.to_seq text)) []
  |> List.map (fun bytes -> String.of_seq (List.to_seq bytes))

let run_lengths (text : string) : (string * int) list =
  let add c = function
    | (d, count) :: rest when c = d -> (c, count + 1) :: rest
    | runs -> (c, 1) :: runs
  in
  List.fold_left (fun runs c -> add c runs) [] (characters text)
