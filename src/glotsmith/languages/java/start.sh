# Sourced by what starts a compiler without its own launcher, and what that compiler made: $prepared is where prepare.sh has
# left their archives of classes, and in compiler and library where those classes are.
read -r library <"$prepared/library"

# Runs a program: the places of its classes, then its main class and arguments.
program() {
    classes=$library:$1
    shift
    exec java @"$prepared/program.jvm" -XX:SharedArchiveFile="$prepared/library.jsa" -cp "$classes" "$@"
}

# Runs the compiler: the places of classes besides its own, then its main class and arguments.
compiler() {
    read -r classes <"$prepared/compiler"
    classes=$classes$1
    shift
    exec java @"$prepared/compiler.jvm" -XX:SharedArchiveFile="$prepared/compiler.jsa" -cp "$classes" "$@"
}
