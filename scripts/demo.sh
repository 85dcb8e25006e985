#!/bin/sh
# Run the three recipes without a key, a GPU or Docker. inverse-instruct and xcoder need the words of a model: their replies
# were written by hand and are stored in the package; every program is executed. multipl-t translates functions of the
# standard library and of four packages into Lua that passes their tests; the teacher `offline` translates by rules.
# Usage: sh scripts/demo.sh [RUN_FOLDER]      Run it again to resume an interrupted demo.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

sh scripts/toolchains.sh sandbox warm lua
prepare demo

folder=${1:-runs/demo}
recipes=src/glotsmith/recipes

.venv/bin/glotsmith run inverse-instruct --source $recipes/inverse_instruct/recorded/corpus.jsonl \
    --teacher scripted --model $recipes/inverse_instruct/recorded/replies.jsonl --output "$folder-inverse-instruct" --set summaries=3

.venv/bin/glotsmith run xcoder --source $recipes/xcoder/recorded/snippets.jsonl --language python --language lua \
    --teacher scripted --model $recipes/xcoder/recorded/replies.jsonl --output "$folder-xcoder" \
    --set sessions=10 --set epoch=5 --set samples=4 --set wanted=1
.venv/bin/glotsmith show "$folder-xcoder" --memory lua

.venv/bin/glotsmith run multipl-t \
    --source stdlib: --source package:more_itertools --source package:toolz \
    --source package:networkx --source package:sympy \
    --language lua --teacher offline --output "$folder" \
    --set helpers=true --set imports=true --set max_functions=700
echo "The command glotsmith is in .venv/bin. Run this before the commands above:  . .venv/bin/activate"
