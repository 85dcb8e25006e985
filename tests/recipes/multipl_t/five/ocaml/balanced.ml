let balanced (text : string) : bool =
  let rec check stack = function
    | [] -> stack = []
    | (('(' | '[' | '{') as c) :: rest -> check (c :: stack) rest
    | ((')' | ']' | '}') as c) :: rest -> (
        match (stack, c) with
        | '(' :: below, ')' | '[' :: below, ']' | '{' :: below, '}' -> check below rest
        | _ -> false)
    | _ :: rest -> check stack rest
  in
  check [] (List.of_seq (String.to_seq text))
