# Compiles FOLDER/driver.java with FOLDER/candidate.java, or FOLDER/main.java alone. Usage: sh build.sh FOLDER PREPARED [main]
#
# A public class needs a file of its name: Problem, and in a whole program whichever it is. Texts are joined by calls of
# StringBuilder, since what invokedynamic makes of + takes longer to start than most programs run.
set -e
folder=$1 prepared=$2
if [ "$3" = main ]; then
    name=$(sed -nE 's/^public +((abstract|final|sealed|strictfp) +)*(class|interface|enum|record) +(\w+).*/\4/p' \
        "$folder/main.java" | head -n 1)
    cp "$folder/main.java" "${name:=Main}.java"
    set -- "$name.java"
else
    cp "$folder/candidate.java" Problem.java
    set -- "$folder/driver.java" Problem.java
fi
exec java @"$prepared/compiler.jvm" -XX:SharedArchiveFile="$prepared/javac.jsa" \
    -m jdk.compiler/com.sun.tools.javac.Main -encoding UTF-8 -proc:none -nowarn -XDstringConcat=inline \
    -cp "$prepared/support.jar" -d . "$@"
