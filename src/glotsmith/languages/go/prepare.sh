# Fills the current folder: packages/, the archives of the standard library and of glotsmith.go, and tool/, the compiler
# and linker. Usage: sh prepare.sh FOLDER
set -e
GOCACHE=$PWD/cache
export GOCACHE
go list -export -f '{{.ImportPath}} {{.Export}}' std >list
while read -r name file; do
    [ -n "$file" ] || continue
    mkdir -p "$(dirname "packages/$name")"
    case $file in
    "$GOCACHE"/*) mv "$file" "packages/$name.a" ;;
    *) ln -s "$file" "packages/$name.a" ;;
    esac
done <list
ln -s "$(go env GOTOOLDIR)" tool
tool/compile -p glotsmith -I packages -complete -o packages/glotsmith.a "$1/glotsmith.go"
chmod -R u+w cache
rm -rf cache list
