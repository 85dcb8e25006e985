# Builds FOLDER/driver.d with FOLDER/candidate.d, which is then a module of that name, and imports what the prompt does.
# Usage: sh build.sh FOLDER PREPARED
set -e
sed -E -e '0,/^[ \t]*module +[A-Za-z0-9_.]+ *;/s///' -e '1s/^/import std.math; import std.typecons; /' \
    "$1/candidate.d" >candidate.d
exec ldc2 -conf="$2/ldc2.conf" -O0 -main -I"$2" "$1/driver.d" candidate.d "$2/support.o" -of=program
