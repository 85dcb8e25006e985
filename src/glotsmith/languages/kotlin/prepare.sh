# Fills the current folder: support.jar, archives of the classes that the compiler and programs load, and in home, compiler
# and library where they are. A library may be missing. Usage: sh prepare.sh FOLDER KOTLINC
set -e
home=$(dirname "$(dirname "$(readlink -f "$2")")") lib=$home/lib compiler=
for jar in compiler stdlib reflect script-runtime; do compiler=$compiler$lib/kotlin-$jar.jar:; done
compiler=$compiler$lib/annotations-13.0.jar:$lib/trove4j.jar:$lib/kotlinx-coroutines-core-jvm.jar
library=$lib/kotlin-stdlib.jar:$lib/kotlin-stdlib-jdk7.jar:$lib/kotlin-stdlib-jdk8.jar
cp "$1"/../java/*.jvm "$1/../java/start.sh" "$1/jvm.sh" .
echo "$home" >home
echo "$compiler" >compiler
echo "$library" >library
javac -nowarn -proc:none -encoding UTF-8 -XDstringConcat=inline -cp "$compiler" -d classes \
    "$1"/../java/[CES]*.java "$1"/*.java
jar cf support.jar -C classes .
java @compiler.jvm -XX:ArchiveClassesAtExit=compiler.jsa -cp "$compiler" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler \
    -kotlin-home "$home" -nowarn -no-reflect -no-stdlib -jvm-target 1.8 -cp "$library" -d . "$1/sample.kt"
printf 'mark\nf\n' >job
java -XX:DumpLoadedClassList=list -XX:+UseSerialGC -cp "$library:support.jar:." glotsmith.KotlinSupport job
java -Xshare:dump -XX:SharedClassListFile=list -XX:SharedArchiveFile=library.jsa -XX:+UseG1GC -cp "$library"
rm -r classes list job ./*.class META-INF
