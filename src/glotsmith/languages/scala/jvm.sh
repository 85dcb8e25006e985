# Starts the compiler without its own launcher, which is slow to start, and what the compiler made.
# Usage: sh jvm.sh WHAT PREPARED [FOLDER], where WHAT is
#
#   build      compiles FOLDER/driver.scala, FOLDER/candidate.scala    main       compiles FOLDER/main.scala
#   run        runs what build made                                   script     runs what main made
#   served     runs what the server made, in FOLDER                   server     compiles on request
what=$1 prepared=$2 folder=$3
. "$prepared/start.sh"

compile() {
    compiler "$@" -nowarn -encoding UTF-8 -target:jvm-1.8 -cp "$library:$prepared/support.jar"
}

# The object with a main: one that extends App, or has a method of main's type.
find_main() {
    object=$(sed -nE 's/^object +([A-Za-z0-9_]+) +extends +App.*/\1/p' "$folder/main.scala" | head -n 1)
    [ -n "$object" ] || for file in *\$.class; do
        if grep -qsF '([Ljava/lang/String;)V' "${file%\$.class}.class"; then object=${file%\$.class}; fi
    done
    echo "${object:-Main}"
}

case $what in
build) compile "" scala.tools.nsc.Main -d . "$folder/driver.scala" "$folder/candidate.scala" ;;
main) compile "" scala.tools.nsc.Main -d . "$folder/main.scala" ;;
server) compile ":$prepared/support.jar" -Xmx768m glotsmith.ScalaServer ;;
run) program "$prepared/support.jar:." glotsmith.ScalaSupport "$folder/job" ;;
served) program "$prepared/support.jar:$folder" glotsmith.ScalaSupport "$folder/job" ;;
script) program . "$(find_main)" ;;
esac
