#!/bin/sh
# Build the documentation site into site/. A warning is an error.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
prepare docs

NO_MKDOCS_2_WARNING=1 exec .venv/bin/python -m mkdocs build --quiet --strict
