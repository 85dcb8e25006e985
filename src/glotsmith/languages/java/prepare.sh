# Fills the current folder: support.jar, and archives of the classes that javac and programs load. Usage: sh prepare.sh FOLDER
set -e
cp "$1"/*.jvm "$1/build.sh" .
mkdir empty
java @compiler.jvm -XX:ArchiveClassesAtExit=javac.jsa -m jdk.compiler/com.sun.tools.javac.Main \
    -encoding UTF-8 -XDstringConcat=inline -d classes "$1"/[A-Z]*.java
jar cf support.jar -C classes .
javac -encoding UTF-8 -XDstringConcat=inline -cp support.jar -d . "$1/sample.java"
printf 'mark\nf\n' >job
java -XX:DumpLoadedClassList=list -XX:+UseSerialGC -cp support.jar:. glotsmith.Support job
java -Xshare:dump -XX:SharedClassListFile=list -XX:SharedArchiveFile=library.jsa -XX:+UseG1GC -cp empty
rm -r classes list job empty ./*.class
