# Starts the compiler without its own launcher, whose path the archive of its classes would have to know, and what the
# compiler made. Usage: sh jvm.sh WHAT PREPARED [FOLDER], where WHAT is
#
#   build      compiles FOLDER/driver.kt and FOLDER/candidate.kt    main       compiles FOLDER/main.kt
#   run        runs what build made                                script     runs what main made
#   served     runs what the server made, in FOLDER                server     compiles on request
what=$1 prepared=$2 folder=$3
read -r library <"$prepared/library"

program() {
    classes=$library:$1
    shift
    exec java @"$prepared/program.jvm" -XX:SharedArchiveFile="$prepared/library.jsa" -cp "$classes" "$@"
}

compiler() {
    read -r classes <"$prepared/compiler"
    read -r home <"$prepared/home"
    classes=$classes$1
    shift
    exec java @"$prepared/compiler.jvm" -XX:SharedArchiveFile="$prepared/compiler.jsa" -cp "$classes" "$@" \
        -kotlin-home "$home" -nowarn -no-reflect -no-stdlib -jvm-target 1.8 -cp "$library"
}

main=org.jetbrains.kotlin.cli.jvm.K2JVMCompiler
case $what in
build) compiler "" $main -d . "$folder/driver.kt" "$folder/candidate.kt" ;;
main) compiler "" $main -d . "$folder/main.kt" ;;
server) compiler ":$prepared/support.jar" -Xmx768m glotsmith.KotlinServer ;;
run) program "$prepared/support.jar:." glotsmith.KotlinSupport "$folder/job" ;;
served) program "$prepared/support.jar:$folder" glotsmith.KotlinSupport "$folder/job" ;;
script) program . MainKt ;;
esac
