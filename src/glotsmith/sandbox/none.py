"""Run programs without isolation, with limits only. Use it for trusted programs on machines where no other back end
works. It is selected only by name.

This back end limits CPU and wall time, resident memory, the number of processes, the size of each file and the size of
the output. Each program gets a temporary folder, which is removed afterwards, and none of the caller's environment. A
child process survives only if it clears its environment and leaves the process tree.

Nothing else is covered. The program runs with all permissions of the user: it can read and change the user's files,
reach the network, see and kill the user's processes, change its own files, and fill the disk with many files. The
measured CPU time, memory and number of processes do not include a process that opens its own session.
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
from glotsmith.sandbox.local_sandbox import LocalSandbox
from glotsmith.sandbox.process_tree import list_pids, read_process, read_stat, session_processes, walk_tree
from glotsmith.sandbox.program_environment import command, environment, own_user_name, toolchain_prefixes
from glotsmith.sandbox.shell_wrapper import wrap_command
from glotsmith.sandbox.spawned_process import ProcessLaunch

_MAX_UNDECIDED_SEARCHES = 25  #: consecutive searches that find a new process without an environment
_NEW_S = 2.0  #: age up to which a process without an environment may be in execve
_KERNEL_THREAD = 0x00200000  #: PF_KTHREAD, a flag of proc_pid_stat(5)
_KILL_TIMEOUT_S = 5.0
_MAX_PROCESSES = 10_000  #: number of listed processes: a fork bomb may grow faster than they can be listed
_TOKEN = "GLOTSMITH_RUN"  # noqa: S105 - the name of a variable


class Unisolated(LocalSandbox):
    """A sandbox that runs programs as ordinary processes of the user."""

    name: ClassVar[str] = "none"
    promises: ClassVar[frozenset[Promise]] = frozenset()

    def _prepare(self) -> None:
        pass

    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        working_folder, tmp = folder / "work", folder / "tmp"
        working_folder.mkdir()
        tmp.mkdir()
        toolchain_prefixes(program)  # raises for a missing toolchain, as with isolation
        token = f"{_TOKEN}={secrets.token_hex(16)}"
        env = environment(program, str(tmp), own_user_name()) | dict([token.split("=")])
        files = str(folder / "program")
        build = command(program.build, files)
        argv = wrap_command(command(program.argv, files), program.limits, threads=None, build=build)
        return ProcessLaunch(
            argv,
            env,
            str(working_folder),
            wrappers=1,
            kill=kill_tree,
            members=session_processes,
            reap=lambda: kill_marked(token.encode()),
        )


def kill_tree(root: int) -> None:
    """Kill a process group and all its descendants. They are stopped first, so that none escapes by forking."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(root, signal.SIGSTOP)
    tree = [process.pid for process in itertools.islice(walk_tree(root), _MAX_PROCESSES)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in tree:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(root, signal.SIGKILL)


def kill_marked(token: bytes) -> None:
    """Kill every process with ``token`` in its initial environment.

    Wait until they are dead, for at most ``_KILL_TIMEOUT_S``.

    While a process starts to execute a program, it has no environment. On a loaded machine this may take long. So two
    consecutive searches must find neither a marked process nor a new one without an environment. A process may stay
    without an environment, so the number of such searches is limited.
    """
    deadline = time.monotonic() + _KILL_TIMEOUT_S
    empty_searches = undecided_searches = 0
    while empty_searches < 2 and undecided_searches < _MAX_UNDECIDED_SEARCHES and time.monotonic() < deadline:
        marked, undecided = _find_marked(token)
        empty_searches = 0 if marked or undecided else empty_searches + 1
        undecided_searches = undecided_searches + 1 if undecided and not marked else 0
        for pid in marked:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _find_marked(token: bytes) -> tuple[list[int], bool]:
    """Return the processes with ``token`` in their environment, and whether a new one has no environment."""
    marked, undecided = list[int](), False
    for pid in list_pids():
        entries = _environment_entries(pid)
        if entries == [b""]:
            undecided |= _is_new(pid)
        elif token in entries and (process := read_process(pid)) and process.state not in "ZX":
            marked.append(pid)
    return marked, undecided


def _is_new(pid: int) -> bool:
    """Return whether a process of this user started a moment ago, and is neither dead nor of the kernel."""
    stat = read_stat(pid)
    if stat is None or stat[0] in b"ZX" or int(stat[6]) & _KERNEL_THREAD:
        return False
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[19]) / os.sysconf("SC_CLK_TCK")
    try:
        return age_s < _NEW_S and Path(f"/proc/{pid}").stat().st_uid == os.getuid()
    except OSError:
        return False


def _environment_entries(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\x00")
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has ended
    except OSError:
        return [b""]  # the process is another user's, or is in execve
