(* Runs in a toplevel that is warm: type-check and run what programs use, then fork (sandbox/nest). *)
#use "support.ml";;
let () =
  let module Warm = struct
    module Table = Hashtbl.Make (struct type t = string let equal = String.equal let hash = Hashtbl.hash end)
    let f xs s = List.sort compare xs, String.concat "," (List.map string_of_int xs), Printf.sprintf "%d %s" 1 s
    let () = ignore (f [ 2; 1 ] "a", Buffer.create 1, Array.make 1 0, Option.map succ (Some 1), Seq.empty, Bytes.empty)
  end in
  ();;
let () =
  let open struct
    external putenv : string -> string -> unit = "unix_putenv"
    external fork : unit -> int = "unix_fork"
  end in
  putenv "GLOTSMITH_FORK" "1";
  ignore (fork ());;
#use "/box/program/driver.ml";; (* an absolute path: what is in the load path was looked up before *)
exit 2;;
