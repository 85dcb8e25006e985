(* What all programs share: how results are written. *)
module Glotsmith_driver = struct
  external leave : int -> 'a = "caml_sys_exit" (* runs no at_exit function *)

  let mark = ref ""
  let out = ref stdout

  (* Takes a second way to stdout: the program may close its own. *)
  let open_ text =
    mark := text;
    try out := open_out_gen [ Open_wronly; Open_append; Open_binary ] 0 "/dev/fd/1" with Sys_error _ -> ()

  let emit text =
    (try flush stdout with Sys_error _ -> ());
    output_string !out ("\n" ^ !mark ^ " " ^ text ^ "\n");
    flush !out

  let str s =
    let b = Buffer.create (String.length s + 2) in
    let add = function
      | ('"' | '\\') as c -> Buffer.add_char b '\\'; Buffer.add_char b c
      | ('\000' .. '\031' | '\127') as c -> Buffer.add_string b (Printf.sprintf "\\u%04x" (Char.code c))
      | c -> Buffer.add_char b c
    in
    Buffer.add_char b '"';
    String.iter add s;
    Buffer.add_char b '"';
    Buffer.contents b

  let float x =
    let text =
      if x <> x then "nan"
      else if x = infinity then "inf"
      else if x = neg_infinity then "-inf"
      else Printf.sprintf "%.17g" x
    in
    "{\"f\":\"" ^ text ^ "\"}"

  let int = string_of_int
  let bool = string_of_bool
  let unit () = "null"
  let join items = String.concat "," items
  let list print items = "[" ^ join (List.rev (List.rev_map print items)) ^ "]"
  let tuple items = "{\"t\":[" ^ join items ^ "]}"
  let dict key value pairs = "{\"m\":" ^ list (fun (k, v) -> "[" ^ key k ^ "," ^ value v ^ "]") pairs ^ "}"
  let option print = function None -> "null" | Some x -> print x
  let start () = emit "start"
  let loaded () = emit "loaded"

  let case i run =
    emit (try "value " ^ int i ^ " " ^ run () with e -> "raised " ^ int i ^ " " ^ str (Printexc.to_string e))

  let finish () = emit "end"; leave 0
  let fail e = emit ("raised load " ^ str (Printexc.to_string e)); leave 1
end
