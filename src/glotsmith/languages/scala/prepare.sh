# Fills the current folder: support.jar, archives of the classes that the compiler and programs load, and in compiler and
# library where they are. A library may be missing. Usage: sh prepare.sh FOLDER SCALAC
set -e
lib=$(dirname "$(dirname "$(readlink -f "$2")")")/lib
library=$lib/scala-library.jar:$lib/scala-reflect.jar:$lib/scala-parser-combinators.jar:$lib/scala-xml.jar
compiler=$lib/scala-compiler.jar:$library
cp "$1"/../java/*.jvm "$1/../java/start.sh" "$1/jvm.sh" .
echo "$compiler" >compiler
echo "$library" >library
javac -nowarn -proc:none -encoding UTF-8 -XDstringConcat=inline -cp "$compiler" -d classes \
    "$1"/../java/[CES]*.java "$1"/*.java
java @compiler.jvm -cp "$compiler" scala.tools.nsc.Main -nowarn -encoding UTF-8 -target:jvm-1.8 \
    -cp "$compiler:classes" -d classes "$1/ScalaServer.scala" "$1/Conversions.scala"
jar cf support.jar -C classes .
java @compiler.jvm -XX:ArchiveClassesAtExit=compiler.jsa -cp "$compiler" scala.tools.nsc.Main \
    -nowarn -encoding UTF-8 -target:jvm-1.8 -cp "$library" -d . "$1/sample.scala"
printf 'mark\nf\n' >job
java -XX:DumpLoadedClassList=list -XX:+UseSerialGC -cp "$library:support.jar:." glotsmith.ScalaSupport job
java -Xshare:dump -XX:SharedClassListFile=list -XX:SharedArchiveFile=library.jsa -XX:+UseG1GC -cp "$library"
rm -r classes list job ./*.class
