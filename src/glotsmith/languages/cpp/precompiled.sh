# Builds the driver of a program with the smaller precompiled header, unless the candidate may name what that lacks.
# Usage: sh precompiled.sh PREPARED FOLDER COMPILER [OPTION ...]
prepared=$1 header=$1/usual folder=$2
shift 2
lacking='future|promise|packaged_task|async|launch|filesystem|execution'
if [ ! -f "$header/support.hpp.gch" ] || grep -qE "$lacking" "$folder/candidate.cpp"; then
    header=$prepared
fi
set -- "$@" "-I$header"
. "$prepared/build.sh"
