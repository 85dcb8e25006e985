# Fills the current folder: the compiler, and server.exe, which keeps it loaded. Usage: sh prepare.sh FOLDER MCS
set -e
ln -s "$(dirname "$(dirname "$(readlink -f "$2")")")/lib/mono/4.5/mcs.exe" .
"$2" -nologo -r:mcs.exe -out:server.exe "$1/CSharpServer.cs"
