# Fills the current folder: the compiled support, and the file that builds programs. Usage: sh prepare.sh FOLDER COMPILER
set -e
cp "$1/build.sh" .
"$2" -std=gnu17 -O1 -w -c "$1/support.c" -o support.o
