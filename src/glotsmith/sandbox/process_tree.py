"""Process trees and their current CPU time, memory and threads, read from ``/proc`` (see ``proc(5)``)."""

import contextlib
import functools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_TICK = os.sysconf("SC_CLK_TCK")
_CPU_CLOCK = 2  #: CPUCLOCK_SCHED of a process
_READ_BYTES = 65_536
_RUNNABLE = "RD"  #: states of a task that runs or could run, and of one that waits for a disk
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class ProcessStat(NamedTuple):
    """The relevant fields of ``/proc/PID/stat``."""

    pid: int
    depth: int  #: generations below the root of the tree
    session: int  #: number of the session leader
    state: str  #: ``R``, ``S``, ``Z`` …
    own_cpu_s: float  #: user and system time
    waited_cpu_s: float  #: CPU time of the children that it has waited for
    threads: int
    memory_mb: float  #: resident


class TreeUsage(NamedTuple):
    """The sums over a process tree."""

    processes: int = 0
    tasks: int = 0  #: threads of all processes
    cpu_s: float = 0.0
    memory_mb: float = 0.0  #: resident

    def peak(self, other: "TreeUsage") -> "TreeUsage":
        """Return the maximum of each field."""
        return TreeUsage(
            max(self.processes, other.processes),
            max(self.tasks, other.tasks),
            max(self.cpu_s, other.cpu_s),
            max(self.memory_mb, other.memory_mb),
        )


def measure_tree(tree: Sequence[ProcessStat], wrappers: int) -> TreeUsage:
    """Return the sums over a process tree, of which the first ``wrappers`` generations are glotsmith's own.

    The memory is the sum of the resident memory, in which shared pages count several times.
    """
    own = own_processes(tree, wrappers)
    processes = sum(p.depth >= wrappers for p in tree)
    memory_mb = sum(p.memory_mb for p in own)
    return TreeUsage(processes, sum(p.threads for p in own), cpu_seconds(tree, wrappers), memory_mb)


def own_processes(tree: Iterable[ProcessStat], wrappers: int) -> list[ProcessStat]:
    """Return the living processes of a program."""
    return [p for p in tree if p.depth >= wrappers and p.state != "Z"]


def cpu_seconds(tree: Iterable[ProcessStat], wrappers: int) -> float:
    """Return the CPU time of a process tree, without that of glotsmith's own ``wrappers`` generations."""
    return sum(p.waited_cpu_s + p.own_cpu_s * (p.depth >= wrappers) for p in tree)


def has_runnable_task(tree: Iterable[ProcessStat], wrappers: int) -> bool:
    """Return whether a thread of the tree runs, waits for a processor, or waits for a disk.

    The first ``wrappers`` generations are glotsmith's own and do not count.
    """
    return any(p.depth >= wrappers and (p.state in _RUNNABLE or _has_runnable_thread(p)) for p in tree)


def _has_runnable_thread(process: ProcessStat) -> bool:
    if process.threads <= 1 or process.state == "Z":
        return False
    for stat in Path(f"/proc/{process.pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):  # the thread has ended
            text = stat.read_bytes()
            if chr(text[text.rindex(b")") + 2]) in _RUNNABLE:
                return True
    return False


def walk_tree(root: int) -> Iterator[ProcessStat]:
    """Yield a process and all its descendants that still exist when they are read."""
    waiting = [(root, 0)]
    while waiting:
        pid, depth = waiting.pop()
        process = read_process(pid, depth)
        if process is not None:
            yield process
            waiting.extend((child, depth + 1) for child in list_children(pid, process.threads))


def session_processes(root: int) -> Iterator[ProcessStat]:
    """Yield the processes of the session that ``root`` leads, including orphans."""
    for pid in list_pids():
        process = read_process(pid, depth=int(pid != root))
        if process is not None and process.session == root:
            yield process


def read_process(pid: int, depth: int = 0) -> ProcessStat | None:
    """Read one process; return None if it has ended."""
    f = read_stat(pid)
    if f is None:
        return None
    own_s = _read_cpu_clock(pid)
    if own_s is None:
        own_s = (int(f[11]) + int(f[12])) / _TICK
    waited_s = (int(f[13]) + int(f[14])) / _TICK
    return ProcessStat(pid, depth, int(f[3]), f[0].decode(), own_s, waited_s, int(f[17]), int(f[21]) * _PAGE_MB)


def _read_cpu_clock(pid: int) -> float | None:
    """Return the CPU time of a process from its clock, which is exact (``/proc`` has ticks of 10 ms); None if it ends.

    The number of the clock is that of ``clock_getcpuclockid(3)``.
    """
    try:
        return time.clock_gettime(~pid << 3 | _CPU_CLOCK)
    except OSError:
        return None


def read_stat(pid: int) -> list[bytes] | None:
    """Return the fields of ``/proc/PID/stat`` from field 3 of ``proc(5)`` on; None if the process has ended."""
    try:
        stat = _read_file(f"/proc/{pid}/stat")
    except OSError:
        return None
    return stat[stat.rindex(b")") + 2 :].split()  # the process name, in parentheses, may contain parentheses


def list_children(pid: int, threads: int = 1) -> list[int]:
    """Return the children of all threads of a process."""
    if not _lists_children():
        return [child for child in list_pids() if (stat := read_stat(child)) and int(stat[1]) == pid]
    try:
        tasks = [str(pid)] if threads == 1 else [task.name for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []
    return [int(child) for task in tasks for child in _read_children(pid, task)]


def list_pids() -> list[int]:
    """Return the numbers of all visible processes."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _read_file(path: str) -> bytes:
    """Return the content of a small file of ``/proc``; faster than ``Path.read_bytes``.

    Raises:
        OSError: it cannot be read.

    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(functools.partial(os.read, fd, _READ_BYTES), b""))
    finally:
        os.close(fd)


def _read_children(pid: int, task: str) -> list[bytes]:
    try:
        return _read_file(f"/proc/{pid}/task/{task}/children").split()
    except OSError:
        return []  # this thread has ended; others may exist


@functools.cache
def _lists_children() -> bool:
    """Return whether the kernel was built with CONFIG_PROC_CHILDREN, as most kernels are."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists()


def proportional_mb(processes: Iterable[ProcessStat]) -> float:
    """Return the proportional memory (PSS) of processes, in which shared pages count once.

    Processes that fork all the time delay this by seconds: the kernel locks their memory meanwhile.
    """
    return sum(map(_proportional_mb, processes))


def _proportional_mb(process: ProcessStat) -> float:
    """Return the proportional memory of a process; its resident memory if that is not readable."""
    try:
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_bytes()
    except (ProcessLookupError, FileNotFoundError):
        return 0.0  # it has ended or is ending
    except OSError:
        return process.memory_mb
    found = rollup.partition(b"\nPss:")[2].split(maxsplit=1)
    return int(found[0]) / 1024 if found else 0.0
