# Builds the driver of a program: as it stands, and where types do not match, with conversions between the signature's
# types and the candidate's. A generic candidate takes the arguments as they are, or with elements as they are. Usage: sh build.sh SOURCE PREPARED RUSTC [OPTION ...]
source=$1 prepared=$2 rustc=$3
shift 3
compile() {
    "$rustc" --edition=2021 --cap-lints=allow -Cprefer-dynamic -Ccodegen-units=1 \
        --extern=glotsmith_support="$prepared/libglotsmith_support.rlib" "$source" -o program "$@"
}
compile "$@" 2>errors && exit
if grep -qE 'error\[E(0271|0277|0282|0283|0308|0631)\]' errors; then
    compile "$@" --cfg glotsmith_converts --cfg glotsmith_takes 2>again && exit
    compile "$@" --cfg glotsmith_converts 2>again && exit
    if grep -qE 'fn +[A-Za-z0-9_]+ *<[^(]*[A-Z]|[(:&<, ]impl ' "$source"; then
        compile "$@" --cfg glotsmith_converts --cfg glotsmith_keeps 2>again && exit
    fi
fi
cat errors >&2
exit 1
