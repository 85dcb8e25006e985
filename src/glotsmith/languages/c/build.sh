# Builds the driver of a program: first for parameters of the signature's types, then for the others that programs declare,
# which C cannot find out while it compiles. Usage: sh build.sh COMPILER [OPTION ...]
"$@" 2>errors && exit
try() { "$@" 2>again && exit; }
if grep -qE 'undeclared|unknown type name|implicit|conflicting types' errors; then
    set -- "$@" -DGLOTSMITH_HEADERS
    try "$@"
    mv again errors
fi
if grep -qE 'may change|loses|incompatible (integer )?pointer|changes? sign' errors; then
    for texts in 'const char *' 'char *'; do
        [ "$texts" = 'char *' ] && try "$@" "-DGLOTSMITH_TEXTS=$texts"
        try "$@" -DGLOTSMITH_INTS=int "-DGLOTSMITH_TEXTS=$texts"
        try "$@" -DGLOTSMITH_INT=int -DGLOTSMITH_INTS=int "-DGLOTSMITH_TEXTS=$texts"
        try "$@" -DGLOTSMITH_INT=int "-DGLOTSMITH_TEXTS=$texts"
        grep -q 'char' errors || break
    done
fi
cat errors >&2
exit 1
