"""No isolation: limits only. For machines where nothing else works and programs one trusts; only by explicit name.

What is covered: CPU and wall time, resident memory, number of processes, size of each file, size of the output; a
temporary folder of its own, removed afterwards; no environment of the caller's; children are killed, as long as they
don't clear their environment and leave the process tree in order to hide.

What is *not* covered: everything else. The program runs with all rights of the user: it can read and change the user's
files, reach the network, see and kill the user's processes, change its own files, and fill the disk with many files.
The limits do not see a process that opens a session of its own while it runs.
"""

import contextlib
import itertools
import os
import secrets
import signal
import time
from pathlib import Path
from typing import ClassVar

from glotsmith.records import Program
from glotsmith.sandbox.base import Promise
from glotsmith.sandbox.local import LocalSandbox
from glotsmith.sandbox.process_tree import list_pids, read_process, session_processes, walk_tree
from glotsmith.sandbox.spawned_process import ProcessLaunch
from glotsmith.sandbox.view import command, environment, own_user_name, toolchain_prefixes
from glotsmith.sandbox.wrapper import wrap_command

_BURIAL_S = 5.0
_MOST = 10_000  #: processes looked at: a bomb may grow faster than anyone can count
_TOKEN = "GLOTSMITH_RUN"  # noqa: S105 - the name of a variable


class Unisolated(LocalSandbox):
    """Programs as ordinary processes."""

    name: ClassVar[str] = "none"
    promises: ClassVar[frozenset[Promise]] = frozenset()

    def _prepare(self) -> None:
        pass

    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        work, tmp = folder / "work", folder / "tmp"
        work.mkdir()
        tmp.mkdir()
        toolchain_prefixes(program)  # the same complaint about a missing toolchain as with isolation
        token = f"{_TOKEN}={secrets.token_hex(16)}"
        env = environment(program, str(tmp), own_user_name()) | dict([token.split("=")])
        files = str(folder / "program")
        build = command(program.build, files)
        argv = wrap_command(command(program.argv, files), program.limits, neighbours=None, build=build)
        return ProcessLaunch(
            argv,
            env,
            str(work),
            wrappers=1,
            kill=kill_tree,
            members=session_processes,
            reap=lambda: kill_marked(token.encode()),
        )


def kill_tree(root: int) -> None:
    """Kill a process's group and all its descendants; they are stopped first, so that none gets away by forking."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(root, signal.SIGSTOP)
    tree = [process.pid for process in itertools.islice(walk_tree(root), _MOST)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in tree:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(root, signal.SIGKILL)


def kill_marked(token: bytes) -> None:
    """Kill every process that was started with ``token`` in its environment, and wait until they are dead.

    Two looks in a row must find none: a process has no environment for the moment in which it starts a program.
    """
    deadline = time.monotonic() + _BURIAL_S
    unseen = 0
    while unseen < 2 and time.monotonic() < deadline:
        marked = _marked(token)
        unseen = 0 if marked else unseen + 1
        for pid in marked:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _marked(token: bytes) -> list[int]:
    return [
        pid for pid in list_pids() if _has(pid, token) and (process := read_process(pid)) and process.state not in "ZX"
    ]


def _has(pid: int, token: bytes) -> bool:
    try:
        return token in Path(f"/proc/{pid}/environ").read_bytes().split(b"\x00")
    except OSError:
        return False
