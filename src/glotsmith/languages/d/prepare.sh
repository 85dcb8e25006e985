# Fills the current folder: our module, compiled, and the compiler's configuration, wherever it keeps it.
# Usage: sh prepare.sh FOLDER
set -e
cp "$1/build.sh" .
cp "$1/support.d" glotsmith_support.d
cp "$(ldc2 -v -O0 -c glotsmith_support.d -of=support.o | sed -n 's/^config *\(.*\) (.*/\1/p')" ldc2.conf
