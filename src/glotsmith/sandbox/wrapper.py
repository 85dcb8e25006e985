"""The few lines of shell that stand between an isolation back end and the program.

They set the limits that are inherited, say on stderr whether the program can start, and wait for it. In a PID
namespace the shell is process 1: when it ends, the kernel kills whatever the program left behind. The shell has told
all it has to tell before the program starts, so that the program can't speak in its place.
"""

import functools
import math
import os
import re
import shlex
from collections.abc import Sequence

from glotsmith.records import Limits

READY = b"\x00glotsmith:ready\n"  #: on stderr: all is set up, the program starts now
MISSING = b"\x00glotsmith:missing\n"  #: on stderr: there is no such command
BUILDING = b"\x00glotsmith:building\n"  #: on stderr: all is set up, what follows are the builder's words
UNBUILT = b"\x00glotsmith:unbuilt\n"  #: on stderr: the build failed or left no command; the program will not start

_THREADS = 64  #: that any runtime may have; a fork bomb must end before it has starved the watchdog
OPEN_FILES = 256  #: descriptors of one process
_NOT_STACK = 8  #: part of the memory that is no stack: an endless recursion overflows before memory runs out

# Raising one's own oom_score_adj needs no right: if memory runs out despite all, the kernel takes the program first.
# "exit" keeps the shell from exec'ing its last command. Of a program that a signal killed, its notice ("Killed") is the
# last line on stderr, as in a terminal.
_SCRIPT = r"""{limits}
{{ echo 1000 >/proc/self/oom_score_adj; }} 2>/dev/null
first={first}
case $first in */*) [ -x "$first" ] && [ ! -d "$first" ];; *) command -v -- "$first";; esac >/dev/null 2>&1 ||
{{ printf '\000glotsmith:missing\n' >&2; exit 127; }}
{build}
{cpu}
printf '\000glotsmith:ready\n' >&2
{become} "$@"
exit $?
"""

_BUILD = r"""{{ {limit}; }} 2>/dev/null
printf '\000glotsmith:building\n' >&2
{become} {command} </dev/null >&2 && case $1 in */*) [ -x "$1" ] && [ ! -d "$1" ];; esac
code=$?
[ $code = 0 ] || {{ printf '\000glotsmith:unbuilt\n' >&2; exit $code; }}"""


def wrap_command(
    command: Sequence[str],
    limits: Limits,
    *,
    neighbours: int | None,
    become: str = "",
    build: Sequence[str] = (),
) -> list[str]:
    """Return the argv that runs ``command`` within ``limits``, by way of the shell words ``become``, if any.

    ``build`` runs before it, with CPU time of its own; what it prints comes out on stderr.

    RLIMIT_NPROC counts a user's threads, so it is set only if the program lives in a user namespace of ours, which it
    shares with so many ``neighbours``, and the kernel counts per namespace (since Linux 5.14). It is a backstop, for
    a fork bomb; the watchdog counts exactly.
    """
    # Each limit alone: a lower hard limit on the host must not keep the others from being set.
    settings = ["ulimit -c 0", f"ulimit -n {OPEN_FILES}"]
    settings.append(f"ulimit -f {limits.file_mb * 2048}")  # units of 512 bytes, as POSIX has it
    stack = stack_mb(limits) * 1024
    settings.append(f"ulimit -s {stack} || ulimit -s $(ulimit -H -s)")
    if neighbours is not None and counts_per_namespace():
        tasks = max_tasks(limits, neighbours)
        settings.append(f"ulimit -u {tasks} || ulimit -p {tasks}")  # dash calls it -p
    script = _SCRIPT.format(
        become=become,
        limits="\n".join(f"{{ {s}; }} 2>/dev/null" for s in settings),
        first=shlex.quote(build[0]) if build else '"$1"',
        build=_build_script(build, limits, become),
        cpu=f"{{ ulimit -t {math.ceil(limits.cpu_s) + 2}; }} 2>/dev/null",
    )
    return ["/bin/sh", "-c", script, "sh", *command]


def _build_script(build: Sequence[str], limits: Limits, become: str) -> str:
    if not build:
        return ""
    soft = f"ulimit -S -t {math.ceil(limits.build_cpu_s) + 2}"  # soft: the program's own limit comes after it
    return _BUILD.format(limit=soft, become=become, command=shlex.join(build))


def stack_mb(limits: Limits) -> int:
    """Return the limit of a stack in MiB: nearly all of the memory, so that recursion is as deep as memory allows."""
    return max(limits.memory_mb - max(limits.memory_mb // _NOT_STACK, 1), 8)


def max_tasks(limits: Limits, neighbours: int) -> int:
    """Return how many threads a program and its neighbours may have together."""
    return (limits.processes * 2 + _THREADS) * (neighbours + 1)


@functools.cache
def counts_per_namespace() -> bool:
    """Whether the kernel counts a user's threads per user namespace."""
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)
