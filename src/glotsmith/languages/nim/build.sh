# Builds SOURCE into the file program. Usage: sh build.sh PREPARED SOURCE
exec nim c --path:"$1" --gcc.path:"$1" --gcc.exe:cc.sh --gcc.linkerexe:cc.sh --nimcache:cache --hints:off --warnings:off \
    --stackTrace:off --lineTrace:off --opt:none --passC:-O0 -d:noSignalHandler -o:program --outdir:. "$2"
