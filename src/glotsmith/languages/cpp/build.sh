# Builds the driver of a program, first for a candidate that is a function, then for one that is an object, which C++ cannot
# tell apart while it compiles. Usage: sh build.sh COMPILER [OPTION ...]
"$@" 2>errors && exit
if grep -qE 'different kind|conflicts with|redefinition of' errors; then
    "$@" -DGLOTSMITH_OBJECT 2>again && exit
    mv again errors
fi
cat errors >&2
exit 1
