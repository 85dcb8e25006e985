#!/bin/sh
# The whole main job on real Python, with no key, no GPU and no Docker: functions of the standard library and of four
# packages become Lua that passes their tests. The teacher is `offline`, a rule-based translator.
# Usage: sh scripts/demo.sh [RUN_FOLDER]      An interrupted demo goes on where it was.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

sh scripts/toolchains.sh sandbox warm lua
prepare demo

folder=${1:-runs/demo}
.venv/bin/glotsmith run multipl-t \
    --source stdlib: --source package:more_itertools --source package:toolz \
    --source package:networkx --source package:sympy \
    --language lua --teacher offline --output "$folder" \
    --set helpers=true --set imports=true
