#!/bin/sh
# Install bubblewrap, a C compiler for warm workers, a container engine, the toolchains of the languages, and for tests a
# browser and a second version of Lua.
#
#   sh scripts/toolchains.sh                  everything: some minutes and gigabytes on a new machine
#   sh scripts/toolchains.sh sandbox lua      only these: sandbox, warm, container, browser, second-lua, and languages
#
# The packages are those that the language cards name (scripts/cards.py reads them). Debian and Ubuntu, as root or with
# passwordless sudo. Installed toolchains are not changed. A toolchain that cannot be installed is named with the reason,
# and the exit code is still 0: glotsmith works with the installed languages, and the tests report missing ones.
#
# Julia is not in Debian 12. Debian 11's package is unpacked into a folder of its own, together with the libraries it
# was built with, and the packages of the system are not changed. Its libunwind is also Debian 11's: with Debian 12's,
# Julia 1.5 crashes on any exception that compiled code raises.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh

JULIA_PREFIX=/opt/glotsmith/julia
JULIA_SUITE=bullseye
# The C and C++ runtimes of the system are newer, and a process can have only one. Julia does not use the others.
JULIA_LEAVES_OUT='^(libc6|libgcc-s1|libstdc\+\+6|gcc-.*-base|libcrypt1|dpkg|tar|perl-base|debconf)$'

say() { printf 'toolchains: %s\n' "$*"; }

python=$(find_python) || exit 2
table="sandbox|bwrap|bubblewrap libseccomp2
warm|cc|gcc libc6-dev
container|podman|podman runc
browser|chromium|chromium
second-lua|lua5.3|lua5.3
$("$python" scripts/cards.py)"

# field N NAME: the names, commands or packages of a line of the table.
field() { printf '%s\n' "$table" | awk -F'|' -v n="$1" -v name="$2" '$1 == name {print $n}'; }
command_of() { field 2 "$1"; }
package_of() { field 3 "$1"; }

is_there() {
    if [ "$1" = julia ]; then
        # Starting is not enough: see libunwind above.
        [ "$(julia --startup-file=no -e 'print(try; sqrt(-1.0); catch; "caught" end)' 2>/dev/null)" = caught ]
    else
        for found in $(command_of "$1"); do command -v "$found" >/dev/null 2>&1 || return 1; done
        are_whole "$1"
    fi
}

# are_whole NAME: a command from a Debian package may lack the other packages that the card names.
are_whole() {
    packages=$(package_of "$1")
    case $packages in *' '*) command -v dpkg-query >/dev/null 2>&1 || return 0 ;; *) return 0 ;; esac
    for found in $(command_of "$1"); do
        case $(command -v "$found") in /usr/bin/* | /bin/*) ;; *) return 0 ;; esac
    done
    for package in $packages; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || return 1
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@"; }

# install_packages NAME…: one apt-get for all packages, and on failure one for each, so that a missing package affects
# no other.
install_packages() {
    packages=
    for name in "$@"; do packages="$packages $(package_of "$name")"; done
    say "installing$packages"
    # shellcheck disable=SC2086
    apt install -y --no-install-recommends $packages >"$work/log" 2>&1 && return
    apt update >"$work/log" 2>&1 || say "apt-get update failed: $(tail -n 1 "$work/log")"
    # shellcheck disable=SC2086
    apt install -y --no-install-recommends $packages >"$work/log" 2>&1 && return
    for name in "$@"; do
        # shellcheck disable=SC2046
        apt install -y --no-install-recommends $(package_of "$name") >"$work/$name.log" 2>&1 || true
    done
}

# Print every repository of the machine's apt sources.
repositories() {
    apt-get indextargets --no-release-info --format '$(REPO_URI)' 2>/dev/null | sort -u
}

# apt-get with its own lists, cache and status: it only knows Debian 11, and installs nothing.
julia_apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=0 "$@"
}

find_julia_repository() {
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    : >"$work/status"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    for repository in $(repositories); do
        echo "deb [signed-by=$keyring] $repository $JULIA_SUITE main" >"$work/sources.list"
        if julia_apt update >"$work/julia.log" 2>&1 && apt_has_julia; then return 0; fi
    done
    return 1
}

apt_has_julia() { julia_apt -s install julia 2>/dev/null | grep -q '^Inst julia '; }

install_julia() {
    find_julia_repository || { why="no repository in apt's sources serves Debian 11 ($JULIA_SUITE)"; return 1; }
    say "unpacking Julia of Debian 11 into $JULIA_PREFIX"
    names=$(julia_apt -s install julia | awk '/^Inst/ {print $2}' | grep -Ev "$JULIA_LEAVES_OUT")
    # shellcheck disable=SC2086
    (cd "$work" && julia_apt download $names) >"$work/julia.log" 2>&1 || { why=$(tail -n 1 "$work/julia.log"); return 1; }
    mkdir "$work/julia"
    for deb in "$work"/*.deb; do dpkg -x "$deb" "$work/julia"; done
    rm -rf "$work/julia/usr/share/doc" "$work/julia/usr/share/man" "$work/julia/usr/share/julia/test"
    library=$(dirname "$(find "$work/julia" -name 'libjulia.so.1' | head -n 1)")
    arch=${library##*/}
    cat >"$work/julia/julia" <<END
#!/bin/sh
LD_LIBRARY_PATH=$JULIA_PREFIX/usr/lib/$arch:$JULIA_PREFIX/lib/$arch exec $JULIA_PREFIX/usr/bin/julia "\$@"
END
    chmod -R go+rX,+x "$work/julia/julia" && chmod 755 "$work/julia"
    as_root rm -rf "$JULIA_PREFIX" && as_root mkdir -p "$(dirname "$JULIA_PREFIX")"
    as_root cp -R "$work/julia" "$JULIA_PREFIX"
    if ! command -v julia >/dev/null 2>&1; then as_root ln -s "$JULIA_PREFIX/julia" /usr/local/bin/julia; fi
}

why_not() {
    if [ -z "$(package_of "$1")" ]; then echo "Debian has no package for it; its language card may name another installer"; return; fi
    tail -n 1 "$work/$1.log" 2>/dev/null || tail -n 1 "$work/log"
}

# ------------------------------------------------------------------------------------------------------------------

known=$(printf '%s\n' "$table" | cut -d'|' -f1 | tr '\n' ' ')
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $known
missing=
for name in "$@"; do
    [ -n "$(field 1 "$name")" ] || { say "unknown toolchain '$name'. Known: $known" >&2; exit 2; }
    is_there "$name" || missing="$missing $name"
done
if [ -z "$missing" ]; then say "already installed: $*"; exit 0; fi

if ! command -v apt-get >/dev/null 2>&1; then
    say "missing:$missing. This script only installs on Debian and Ubuntu. Put $(
        for name in $missing; do printf '%s ' "$(command_of "$name")"; done)on the PATH yourself."
    exit 0
fi
if ! can_be_root; then
    say "missing:$missing. Run this command as root to install them: sh scripts/toolchains.sh$missing"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
packaged=
for name in $missing; do [ -z "$(package_of "$name")" ] || packaged="$packaged $name"; done
# shellcheck disable=SC2086
[ -z "$packaged" ] || install_packages $packaged
why=
case " $missing " in *" julia "*) install_julia || true ;; esac
hash -r
there=
for name in "$@"; do
    case " $missing " in
        *" $name "*)
            if is_there "$name"; then
                say "$name: installed"
            else
                [ "$name" = julia ] || why=$(why_not "$name")
                say "$name: cannot be installed: ${why:-it was unpacked into $JULIA_PREFIX but does not run}"
            fi ;;
        *) there="$there $name" ;;
    esac
done
[ -z "$there" ] || say "already installed:$there"
