#!/bin/sh
# All checks that run no test: style first, then types and the documentation site at the same time.
# Usage: sh scripts/static.sh [COMMAND…]      also runs a command, such as tests, beside types and the site
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
prepare test docs # before the packages of both are in use

.venv/bin/ruff check .
.venv/bin/ruff format --check .
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
.venv/bin/basedpyright src >"$output/types" 2>&1 &
types=$!
sh scripts/docs.sh >"$output/site" 2>&1 &
site=$!
trap 'kill $types $site 2>/dev/null || true; exit 130' INT TERM # the shell starts them with SIGINT ignored
status=0
"$@" || status=$?
wait $types || status=$?
wait $site || status=$?
cat "$output/types" "$output/site"
exit $status
