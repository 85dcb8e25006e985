# Makes the warm worker once a machine: the compiler as native code in a library, and the bytecode program that loads it.
# (`ocaml` itself is bytecode, and takes five times as long to type-check and compile a program.)
set -e
cp "$1/support.ml" glotsmith_support.ml
cp "$1/compiler.ml" "$1/worker.ml" "$1/worker.c" .
cp worker.c bridge.c
ocamlc -w -a -c glotsmith_support.ml
ocamlopt -I +compiler-libs -output-obj -runtime-variant _pic -ccopt "-O2 -DCOMPILER -Wl,-Bsymbolic" -o compiler.so \
  ocamlcommon.cmxa ocamlbytecomp.cmxa compiler.ml bridge.c
ocamlc -ccopt "-O2 -fPIC" -c worker.c
ocamlmklib -o glotsmith worker.o
ocamlc -I +compiler-libs -linkall -dllib -lglotsmith -o worker ocamlcommon.cma ocamlbytecomp.cma glotsmith_support.cmo worker.ml
rm -f bridge.* worker.* compiler.[cmo]* libglotsmith.a
