"""The shell wrapper that starts a program: sets resource limits (ulimit), reports the state on stderr, builds and runs.

In a PID namespace the shell is process 1: when it ends, the kernel kills the remaining processes. The shell reports
everything before the program starts, so the program cannot forge its reports.
"""

import functools
import math
import os
import re
import shlex
from collections.abc import Sequence

from glotsmith.records import Limits

READY = b"\x00glotsmith:ready\n"  #: on stderr: setup is complete, the program starts
MISSING = b"\x00glotsmith:missing\n"  #: on stderr: the command does not exist
BUILDING = b"\x00glotsmith:building\n"  #: on stderr: setup is complete, messages of the build follow
UNBUILT = b"\x00glotsmith:unbuilt\n"  #: on stderr: the build failed or left no command to run

_THREADS = 64  #: threads that any runtime may have; low enough to stop a fork bomb before it starves the watchdog
OPEN_FILES = 256  #: descriptors of one process
_NON_STACK_DIVISOR = 8  #: 1/8 of the memory is not stack, so endless recursion overflows before memory runs out

# Raising oom_score_adj needs no privilege; if memory runs out, the kernel kills the program first. "exit" prevents the
# shell from replacing itself by its last command. If a signal kills the program, the shell writes a notice ("Killed")
# as the last line on stderr, as in a terminal.
_SCRIPT = r"""{limits}
{{ echo 1000 >/proc/self/oom_score_adj; }} 2>/dev/null
first={first}
case $first in */*) [ -x "$first" ] && [ ! -d "$first" ];; *) command -v -- "$first";; esac >/dev/null 2>&1 ||
{{ printf '\000glotsmith:missing\n' >&2; exit 127; }}
{build}
{cpu}
printf '\000glotsmith:ready\n' >&2
{exec_as} "$@"
exit $?
"""

_BUILD = r"""{{ {limit}; }} 2>/dev/null
printf '\000glotsmith:building\n' >&2
{exec_as} {command} </dev/null >&2 && case $1 in */*) [ -x "$1" ] && [ ! -d "$1" ];; esac
code=$?
[ $code = 0 ] || {{ printf '\000glotsmith:unbuilt\n' >&2; exit $code; }}"""


def wrap_command(
    command: Sequence[str],
    limits: Limits,
    *,
    threads: int | None,
    exec_as: str = "",
    build: Sequence[str] = (),
) -> list[str]:
    """Return the argv that runs ``command`` within ``limits``.

    ``exec_as`` has shell words before the command, which run it as another user. ``build`` runs first, with its own
    limit of CPU time. Its output appears on stderr.

    RLIMIT_NPROC counts all threads of a user. It is set to ``threads`` only if the program runs in a user namespace of
    glotsmith and if the kernel counts per namespace (since Linux 5.14). It stops fork bombs; the watchdog enforces the
    exact limit.
    """
    # Each limit is set separately: a lower hard limit of the host must not prevent the others.
    ulimits = ["ulimit -c 0", f"ulimit -n {OPEN_FILES}"]
    ulimits.append(f"ulimit -f {limits.file_mb * 2048}")  # units of 512 bytes (POSIX)
    stack = stack_mb(limits) * 1024
    ulimits.append(f"ulimit -s {stack} || ulimit -s $(ulimit -H -s)")
    if threads is not None and counts_per_namespace():
        ulimits.append(f"ulimit -u {threads} || ulimit -p {threads}")  # -p in dash
    script = _SCRIPT.format(
        exec_as=exec_as,
        limits="\n".join(f"{{ {s}; }} 2>/dev/null" for s in ulimits),
        first=shlex.quote(build[0]) if build else '"$1"',
        build=_build_script(build, limits, exec_as),
        cpu=f"{{ ulimit -t {math.ceil(limits.cpu_s) + 2}; }} 2>/dev/null",
    )
    return ["/bin/sh", "-c", script, "sh", *command]


def _build_script(build: Sequence[str], limits: Limits, exec_as: str) -> str:
    if not build:
        return ""
    soft = f"ulimit -S -t {math.ceil(limits.build_cpu_s) + 2}"  # soft: the limit of the program follows
    return _BUILD.format(limit=soft, exec_as=exec_as, command=shlex.join(build))


def stack_mb(limits: Limits) -> int:
    """Return the stack limit in MiB: most of the memory, so that recursion can be as deep as memory allows."""
    return max(limits.memory_mb - max(limits.memory_mb // _NON_STACK_DIVISOR, 1), 8)


def max_threads(limits: Limits) -> int:
    """Return the maximum number of threads of a program."""
    return limits.processes * 2 + _THREADS


@functools.cache
def counts_per_namespace() -> bool:
    """Return whether the kernel counts the threads of a user per user namespace."""
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)
