(* What a warm worker compiles and runs before it forks (worker.ml), so that the interfaces of what programs use are read. *)
let () =
  try
    let module Warm = struct
      module Strings = Map.Make (String)
      module Ints = Set.Make (Int)
      module Table = Hashtbl.Make (struct type t = string let equal = String.equal let hash = Hashtbl.hash end)
      type tree = Leaf | Node of tree * int * tree
      exception Stop of string
      let rec insert x = function
        | Leaf -> Node (Leaf, x, Leaf)
        | Node (l, y, r) when x < y -> Node (insert x l, y, r)
        | Node (l, y, r) -> Node (l, y, insert x r)
      let f (xs : int list) (s : string) (d : (string * float) list) : (string * int) option =
        let counts = Hashtbl.create 7 and buffer = Buffer.create 7 and cells = Array.make 3 0 in
        List.iteri (fun i x -> if i < 3 then cells.(i) <- x) xs;
        String.iter (fun c -> Hashtbl.replace counts c (1 + try Hashtbl.find counts c with Not_found -> 0)) s;
        for i = 0 to String.length s - 1 do Buffer.add_char buffer (Char.uppercase_ascii s.[i]) done;
        let sorted = List.sort compare (List.map (fun x -> x * x) (List.filter (fun x -> x mod 2 = 0) xs)) in
        let words = String.split_on_char ' ' (Buffer.contents buffer) in
        let total = List.fold_left (fun t (_, v) -> t +. v) 0.0 d in
        let queue = Queue.create () and stack = Stack.create () in
        Queue.add 1 queue; Stack.push 2 stack;
        let letters = List.of_seq (String.to_seq s) and size = Ints.cardinal (Ints.of_list xs) in
        let n = ref 0 in
        while !n < 2 do incr n done;
        match words, sorted with
        | [], _ -> None
        | w :: _, [] -> Some (w, int_of_float (sqrt total) + size + List.length letters)
        | w :: _, x :: _ -> Some (Printf.sprintf "%s %d %.2f" (String.concat "," (w :: words)) x total, Array.length cells)
      let () =
        ignore (f [ 2; 1 ] "a b" [ "k", 1.5 ], insert 1 Leaf, Strings.empty, Table.create 1, Option.map succ (Some 1));
        ignore (Bytes.of_string "a", Fun.id 1, Int64.of_int 1, Float.of_int 1, Result.Ok 1, lazy 1, Seq.empty)
    end in
    ()
  with Not_found -> ()
