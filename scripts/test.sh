#!/bin/sh
# All checks: toolchains, style, types, the documentation site, and all tests.
# Usage: sh scripts/test.sh [PYTEST_ARGUMENTS]
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

sh scripts/toolchains.sh
prepare test docs
# The tests of the container back end run in this image. Without root, the engine is not used.
if [ "$(id -u)" = 0 ] && command -v podman >/dev/null 2>&1; then
    export GLOTSMITH_IMAGE=localhost/glotsmith/test GLOTSMITH_ENGINE=podman
    sh scripts/image.sh "$GLOTSMITH_IMAGE" || true  # the tests say what is missing
fi

export GLOTSMITH_TEST_EVERYTHING=1
exec sh scripts/static.sh .venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder "$@"
