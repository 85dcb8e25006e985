#!/bin/sh
# All checks that run no test: style, types and the documentation site. The last two run at the same time.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
prepare test
prepare docs # before its packages are in use

.venv/bin/ruff check .
.venv/bin/ruff format --check .
types=$(mktemp)
trap 'rm -f "$types"' EXIT
.venv/bin/basedpyright src >"$types" 2>&1 &
status=0
sh scripts/docs.sh || status=$?
wait $! || status=$?
cat "$types"
exit $status
