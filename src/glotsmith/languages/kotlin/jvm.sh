# Starts the compiler without its own launcher, whose path the archive of its classes would have to know, and what the
# compiler made. Usage: sh jvm.sh WHAT PREPARED [FOLDER], where WHAT is
#
#   build      compiles FOLDER/driver.kt and FOLDER/candidate.kt    main       compiles FOLDER/main.kt
#   run        runs what build made                                script     runs what main made
#   served     runs what the server made, in FOLDER                server     compiles on request
what=$1 prepared=$2 folder=$3
. "$prepared/start.sh"
read -r home <"$prepared/home"

compile() {
    compiler "$@" -kotlin-home "$home" -nowarn -no-reflect -no-stdlib -jvm-target 1.8 -cp "$library"
}

main=org.jetbrains.kotlin.cli.jvm.K2JVMCompiler
case $what in
build) compile "" $main -d . "$folder/driver.kt" "$folder/candidate.kt" ;;
main) compile "" $main -d . "$folder/main.kt" ;;
server) compile ":$prepared/support.jar" -Xmx768m glotsmith.KotlinServer ;;
run) program "$prepared/support.jar:." glotsmith.KotlinSupport "$folder/job" ;;
served) program "$prepared/support.jar:$folder" glotsmith.KotlinSupport "$folder/job" ;;
script) program . MainKt ;;
esac
