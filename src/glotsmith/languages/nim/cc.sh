#!/bin/sh
# Compiles a C file for Nim, or links, as gcc does. The objects of C files that many programs share are in the folder
# objects, where prepare.sh stores them. Their key: the options, and the file without its first comments, which hold paths.
[ "$1" = -c ] || exec gcc "$@"
options=
for word; do
    case $word in
    -I* | -o | *.c) ;;
    *.o) object=$word ;;
    *) options="$options $word" ;;
    esac
done # now the word is the C file
key=$({ echo "$options"; sed '1,/^#/{/^#/!d}' "$word"; } | sha1sum)
stored=${0%/*}/objects/${key%% *}.o
[ ! -f "$stored" ] || ! cp "$stored" "$object" 2>/dev/null || exit 0
gcc "$@" || exit
[ -z "$GLOTSMITH_STORES_OBJECTS" ] || cp "$object" "$stored"
