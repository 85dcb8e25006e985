# Fills the current folder: glotsmith.nim, the scripts that build a program, and the objects of what most programs share.
# Usage: sh prepare.sh FOLDER
set -e
cp "$1/glotsmith.nim" "$1/build.sh" "$1/cc.sh" .
chmod +x cc.sh
mkdir objects
# Names in C files depend on the depth of the folder: that of /box/program. Without such a folder, nothing is shared.
sample=$(mktemp -d /tmp/glotsmith-XXXXXX) || exit 0
trap 'rm -rf "$sample"' EXIT
prepared=$PWD
cd "$sample"
for value in 1 '"a"' '@[1]'; do
    cat >driver.nim <<END
import std/[options, sets, tables]
from glotsmith import nil
let value = $value
glotsmith.start("mark")
proc f[T](x: T): T = x
glotsmith.loaded()
glotsmith.test(0, f(value))
glotsmith.finish()
END
    GLOTSMITH_STORES_OBJECTS=1 sh "$prepared/build.sh" "$prepared" driver.nim
    rm -r cache
done
