(* The compiler of warm programs (worker.c): from a file to bytecode, which the worker runs. Native code. *)
let unit = "Driver"
let env = ref Env.empty

(* Read the interfaces of all programs, in [folder] and in the standard library. *)
let start folder =
  Clflags.dont_write_files := true;
  Clflags.include_dirs := [ folder ];
  Clflags.open_modules := [ "Glotsmith_support" ];
  ignore (Warnings.parse_options false "-a");
  Compmisc.init_path ();
  Env.set_unit_name unit;
  env := Compmisc.initial_env ()

let read path =
  let channel = open_in_bin path in
  let text = really_input_string channel (in_channel_length channel) in
  close_in channel;
  text

let translate path =
  let lexbuf = Lexing.from_string (read path) in
  Location.init lexbuf path;
  let typed = Typemod.type_implementation path path unit !env (Parse.implementation lexbuf) in
  let program = Translmod.transl_implementation unit (typed.structure, typed.coercion) in
  let code, functions = Bytegen.compile_phrase (Simplif.simplify_lambda program.code) in
  let code, relocations, _ = Emitcode.to_memory code functions in
  Marshal.to_string (code, relocations) []

(* Return what [Worker.run] links; nothing where the program is refused. The compiler's own failure is not caught: its
   process ends, and the program is compiled again, cold. *)
let compile path =
  try translate path with
  | (Stack_overflow | Out_of_memory) as e -> raise e
  | e ->
    Location.report_exception Format.err_formatter e;
    Format.pp_print_flush Format.err_formatter ();
    ""

(* A new minor heap that no child has to copy: 8 MB less two pages, so that it lies in whole huge pages (worker.c). *)
let tidy _ = Gc.compact (); Gc.set { (Gc.get ()) with minor_heap_size = 1047552 }

let () =
  Callback.register "start" start;
  Callback.register "compile" compile;
  Callback.register "tidy" tidy
