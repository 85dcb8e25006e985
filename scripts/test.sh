#!/bin/sh
# Every check there is: toolchains, style, types, and all tests. Usage: sh scripts/test.sh [PYTEST_ARGUMENTS]
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

sh scripts/toolchains.sh
prepare test

.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/basedpyright src
exec env GLOTSMITH_TEST_EVERYTHING=1 .venv/bin/python -m pytest -n 2 --dist loadfile "$@"
