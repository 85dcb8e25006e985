"""What a tree of processes uses right now, read from ``/proc`` (see ``proc(5)``)."""

import functools
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class ProcessStat(NamedTuple):
    """One line of ``/proc/PID/stat``, as far as it matters here."""

    pid: int
    depth: int  #: generations below the tree's root
    session: int  #: number of the session's first process
    state: str  #: ``R``, ``S``, ``Z`` …
    cpu_s: float  #: user and system time, with that of children it has waited for
    threads: int
    memory_mb: float  #: resident


class TreeUsage(NamedTuple):
    """The sum over a tree."""

    processes: int = 0
    tasks: int = 0  #: threads of all processes
    cpu_s: float = 0.0
    memory_mb: float = 0.0  #: resident; pages shared by several processes count once when it would matter

    def peak(self, other: "TreeUsage") -> "TreeUsage":
        """Return the larger of each figure."""
        return TreeUsage(
            max(self.processes, other.processes),
            max(self.tasks, other.tasks),
            max(self.cpu_s, other.cpu_s),
            max(self.memory_mb, other.memory_mb),
        )


def measure_tree(tree: Iterable[ProcessStat], wrappers: int, *, most: int, enough_mb: float) -> TreeUsage:
    """Sum up a tree of processes.

    The first ``wrappers`` generations are ours: only the CPU time of children they have waited for counts. Not many
    more than ``most`` processes are looked at: a fork bomb grows faster than anyone can count. Resident memory is
    summed first, which counts shared pages several times and costs next to nothing; only a sum of more than
    ``enough_mb`` is looked at more closely.
    """
    tree = list(itertools.islice(tree, most + wrappers + 1))
    own = [p for p in tree if p.depth >= wrappers and p.state != "Z"]
    memory = sum(p.memory_mb for p in own)
    if memory > enough_mb and 1 < len(own) <= most:
        memory = sum(_proportional_mb(p) for p in own)
    processes = sum(p.depth >= wrappers for p in tree)
    return TreeUsage(processes, sum(p.threads for p in own), sum(p.cpu_s for p in tree), memory)


def walk_tree(root: int) -> Iterator[ProcessStat]:
    """Yield a process and all its descendants, as far as they are still there when they are looked at."""
    waiting = [(root, 0)]
    while waiting:
        pid, depth = waiting.pop()
        process = read_process(pid, depth)
        if process is not None:
            yield process
            waiting.extend((child, depth + 1) for child in list_children(pid, process.threads))


def session_processes(root: int) -> Iterator[ProcessStat]:
    """Yield the processes of the session that ``root`` leads: also those that have lost their parents."""
    for pid in list_pids():
        process = read_process(pid, depth=int(pid != root))
        if process is not None and process.session == root:
            yield process


def read_process(pid: int, depth: int = 0) -> ProcessStat | None:
    """Read one process; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name, in parentheses, may hold anything, so count from the last one. f[0] is field 3 of proc(5).
    f = stat[stat.rindex(b")") + 2 :].split()
    cpu_s = (int(f[11]) + int(f[12]) + int(f[13]) + int(f[14])) / _TICK
    return ProcessStat(pid, depth, int(f[3]), f[0].decode(), cpu_s, int(f[17]), int(f[21]) * _PAGE_MB)


def list_children(pid: int, threads: int = 1) -> list[int]:
    """Return the children of all threads of a process."""
    if not _lists_children():
        return [child for child in list_pids() if _parent(child) == pid]
    try:
        tasks = [str(pid)] if threads == 1 else [task.name for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []
    return [int(child) for task in tasks for child in _read_children(pid, task)]


def list_pids() -> list[int]:
    """Return all processes that can be seen."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _read_children(pid: int, task: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/task/{task}/children").read_bytes().split()
    except OSError:
        return []  # this thread has ended, which says nothing about the others


@functools.cache
def _lists_children() -> bool:
    """Whether the kernel was built with CONFIG_PROC_CHILDREN, as nearly all are."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists()


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(stat[stat.rindex(b")") + 2 :].split()[1])


def _proportional_mb(process: ProcessStat) -> float:
    """Memory with shared pages divided among those that share them; the resident figure where we may not know."""
    try:
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_bytes()
    except (ProcessLookupError, FileNotFoundError):
        return 0.0  # it has ended, or is about to
    except OSError:
        return process.memory_mb
    found = rollup.partition(b"\nPss:")[2].split(maxsplit=1)
    return int(found[0]) / 1024 if found else 0.0
