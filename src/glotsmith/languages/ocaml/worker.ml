(* The warm worker: `worker COMPILER.so WARM.ml PROGRAM.ml`. Loads the compiler and all modules of the standard library,
   compiles and runs WARM.ml, so that what programs use is read; then forks (sandbox/fork_server): a child compiles and runs
   PROGRAM.ml. It's linked with -linkall and support.ml. *)
external load : string -> string -> unit = "glotsmith_load"
external compile : string -> string = "glotsmith_compile"
external fork : unit -> unit = "glotsmith_fork"
external leave : int -> 'a = "caml_sys_exit"

let refuse error =
  Symtable.report_error Format.err_formatter error;
  Format.pp_print_flush Format.err_formatter ();
  leave 2

let run path =
  let made = compile path in
  if made = "" then leave 2;
  let code, relocations = (Marshal.from_string made 0 : Misc.LongString.t * (Cmo_format.reloc_info * int) list) in
  (try
     Symtable.patch_object code relocations;
     Symtable.check_global_initialized relocations;
     Symtable.update_global_table ()
   with Symtable.Error error -> refuse error);
  let _, start = Meta.reify_bytecode (Obj.magic code) [| [] |] None in
  ignore (start ())

let () =
  Sys.interactive := true; (* as for `ocaml start.ml` *)
  ignore (Symtable.init_toplevel ());
  load Sys.argv.(1) (Filename.dirname Sys.argv.(1));
  run Sys.argv.(2);
  Gc.compact ();
  Gc.set { (Gc.get ()) with minor_heap_size = 1047552 }; (* compiler.ml *)
  fork ();
  run Sys.argv.(3);
  leave 2
