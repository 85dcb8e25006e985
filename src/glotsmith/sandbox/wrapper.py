"""The few lines of shell that stand between an isolation back end and the program.

They set the limits that are inherited, say on stderr whether the program can start, and wait for it. In a PID
namespace the shell is process 1: when it ends, the kernel kills whatever the program left behind. The shell has told
all it has to tell before the program starts, so that the program can't speak in its place.
"""

import math
import os
import re
from collections.abc import Sequence

from glotsmith.records import Limits

READY = b"\x00glotsmith:ready\n"  #: on stderr: all is set up, the program starts now
MISSING = b"\x00glotsmith:missing\n"  #: on stderr: there is no such command

NAMESPACE_FD = 9  #: where bubblewrap is handed a namespace: the shell closes it, and can only name one digit
TASKS_PER_PROCESS = 8  #: threads allowed in all, for each process allowed
_OPEN_FILES = 256

# Raising one's own oom_score_adj needs no right: if memory runs out despite all, the kernel takes the program first.
# "exit" keeps the shell from exec'ing its last command. Of a program that a signal killed, its notice ("Killed") is the
# last line on stderr, as in a terminal.
_SCRIPT = r"""exec {namespace}<&-
{limits}
{{ echo 1000 >/proc/self/oom_score_adj; }} 2>/dev/null
case $1 in */*) [ -x "$1" ] && [ ! -d "$1" ];; *) command -v -- "$1";; esac >/dev/null 2>&1 ||
{{ printf '\000glotsmith:missing\n' >&2; exit 127; }}
printf '\000glotsmith:ready\n' >&2
{become} "$@"
exit $?
"""


def wrap(command: Sequence[str], limits: Limits, *, neighbours: int | None, become: str = "") -> list[str]:
    """Return the argv that runs ``command`` within ``limits``, by way of the shell words ``become``, if any.

    RLIMIT_NPROC counts a user's threads, so it is set only if the program lives in a user namespace of ours, which it
    shares with so many ``neighbours``, and the kernel counts per namespace (since Linux 5.14). It is a backstop, for
    a fork bomb; the watchdog counts exactly.
    """
    # Each limit alone: a lower hard limit on the host must not keep the others from being set.
    settings = ["ulimit -c 0", f"ulimit -t {math.ceil(limits.cpu_s) + 2}", f"ulimit -n {_OPEN_FILES}"]
    settings.append(f"ulimit -f {limits.file_mb * 2048}")  # units of 512 bytes, as POSIX has it
    if neighbours is not None and _counts_per_namespace():
        tasks = (limits.processes * TASKS_PER_PROCESS + 8) * (neighbours + 1)
        settings.append(f"ulimit -u {tasks} || ulimit -p {tasks}")  # dash calls it -p
    script = _SCRIPT.format(
        namespace=NAMESPACE_FD, become=become, limits="\n".join(f"{{ {s}; }} 2>/dev/null" for s in settings)
    )
    return ["/bin/sh", "-c", script, "sh", *command]


def _counts_per_namespace() -> bool:
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)
