# Fills the current folder: the precompiled header; in usual, one without the parts of the library that take the most time
# in each program and that few programs name; in options what links fastest: gold, where it is installed, takes a fifth of
# the time. Usage: sh prepare.sh FOLDER
set -e
cp "$1/support.hpp" "$1/build.sh" "$1/precompiled.sh" .
g++ -std=c++17 -O0 -w -x c++-header support.hpp -o support.hpp.gch
mkdir -p usual/bits
cp support.hpp usual
library=$(g++ -std=c++17 -M support.hpp | grep -o '[^ ]*bits/stdc++.h')
sed -E '/#include <(future|filesystem|execution)>/d' "$library" >usual/bits/stdc++.h
g++ -std=c++17 -O0 -w -Iusual -x c++-header usual/support.hpp -o usual/support.hpp.gch
: >options
echo 'int main() {}' >probe.cpp
if g++ -fuse-ld=gold probe.cpp -o probe; then echo -fuse-ld=gold >options; fi
