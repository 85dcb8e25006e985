#!/bin/sh
# The fast checks, for every change: style, types, the documentation site, and the fast tests.
# Usage: sh scripts/check.sh [PYTEST_ARGUMENTS]
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
prepare test docs

exec sh scripts/static.sh .venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -q -m "not slow" "$@"
