(* One generated program, run after support.ml. Arguments and printer are bound before the candidate, which can then shadow
   anything but what its calls, outside of its module, mean. It and its calls are one phrase, so that all of it is
   type-checked before any of it runs: a program that does not compile never prints `start`. *)
module Glotsmith_arguments = struct
  let () = Glotsmith_driver.open_ "@{mark}"
  let result = let open Glotsmith_driver in @{printer}
@{bindings}
end

let () =
  try
    let module Glotsmith_candidate = struct
      let _ = Glotsmith_driver.start ();;
# 1 "candidate.ml"
@{candidate}
;;
# 1 "calls.ml"
    end in
    Glotsmith_driver.loaded ();
@{cases}
    Glotsmith_driver.finish ()
  with e -> Glotsmith_driver.fail e
