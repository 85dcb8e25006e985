#!/bin/sh
# Make a small image for the container back end from packages that are installed here: nothing is downloaded.
#
#   sh scripts/image.sh IMAGE [PACKAGE…]      by default the packages that the tests of the sandbox need
#
# The image contains the files of the packages and of their installed dependencies. $GLOTSMITH_ENGINE (by default podman)
# makes it, unless an image with the same versions exists. Debian and Ubuntu.
set -eu

[ $# -gt 0 ] || { echo "image: usage: sh scripts/image.sh IMAGE [PACKAGE…]" >&2; exit 2; }
image=$1
shift
has() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }
if [ $# = 0 ]; then
    set -- bash dash coreutils util-linux grep sed procps findutils python3
    for package in lua5.4; do
        if has "$package"; then set -- "$@" "$package"; fi
    done
fi
engine=${GLOTSMITH_ENGINE:-podman}
command -v "$engine" >/dev/null 2>&1 || { echo "image: $engine is not installed: apt install podman runc" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for package in "$@"; do
    has "$package" ||
        { echo "image: the package $package is not installed" >&2; exit 1; }
done

apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$@" | grep '^[a-z0-9]' | sort -u >"$work/packages"
contents=$({ cat "$0"; xargs dpkg-query -W <"$work/packages" 2>/dev/null; } | sha256sum | cut -c1-16)
if [ "$("$engine" image inspect --format '{{.Config.Labels.contents}}' "$image" 2>/dev/null)" = "$contents" ]; then
    echo "image: $image is up to date"
    exit 0
fi
root=$work/root
mkdir -p "$root/proc" "$root/dev" "$root/sys" "$root/run" "$root/tmp" "$root/etc" "$root/box"
chmod 1777 "$root/tmp"
for folder in bin sbin lib lib32 lib64 libx32; do
    if [ -L "/$folder" ]; then mkdir -p "$root/usr/$folder" && cp -a "/$folder" "$root/$folder"; fi
done
# Packages may list files under their old paths: /bin/sh is /usr/bin/sh.
xargs dpkg-query -L <"$work/packages" 2>/dev/null | sed -nE 's#^/(bin|sbin|lib|lib32|lib64|libx32)/#/usr/\1/#; \#^/usr/#p' |
    grep -vE '^/usr/share/(doc|man|locale|info)/' | sort -u | while read -r file; do
    if [ -L "$file" ] || [ -f "$file" ]; then echo "${file#/}"; fi
done >"$work/files"
tar -C / -cf - --no-recursion --files-from "$work/files" etc/alternatives etc/ld.so.cache | tar -C "$root" -xf -
find /usr/bin /usr/lib -maxdepth 2 -type l -lname '/etc/alternatives/*' | sed 's#^/##' | tar -C / -cf - --files-from - |
    tar -C "$root" -xf -
tar -C "$root" -cf - . | "$engine" import --change "LABEL contents=$contents" - "$image" >/dev/null
echo "image: $image of $(wc -l <"$work/packages") packages, $(du -sm "$root" | cut -f1) MB"
