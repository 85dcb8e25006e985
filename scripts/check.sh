#!/bin/sh
# The fast checks, for every change: style, types, the documentation site, and the fast tests.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
prepare test

sh scripts/static.sh
exec .venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -q -m "not slow" "$@"
