"""Isolation by bubblewrap (``bwrap``, 0.8 or later): no root, no daemon, about 3 ms a program.

Every program has namespaces of its own (user, PID, network, IPC, host name, cgroup, mounts), no capabilities, a
system call filter, and is told a file system in which the toolchains are read-only and only its current directory,
``/tmp`` and ``/dev/shm`` can be written: fresh file systems in memory, of limited size, gone with the program.
"""

import os
import shutil
from pathlib import Path
from typing import ClassVar

from glotsmith.errors import IsolationError
from glotsmith.records import Limits, Program
from glotsmith.sandbox.base import ALL_PROMISES, Promise
from glotsmith.sandbox.local import LocalSandbox
from glotsmith.sandbox.process import Launch
from glotsmith.sandbox.seccomp import build_filter
from glotsmith.sandbox.view import (
    PROGRAM,
    TMP,
    WORK,
    command,
    environment,
    prefixes,
    scratch_sizes,
    system_binds,
    system_links,
)
from glotsmith.sandbox.wrapper import wrap

_NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--disable-userns", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"),
    *("--cap-drop", "ALL", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"),
)


class Bubblewrap(LocalSandbox):
    """Programs in bubblewrap."""

    name: ClassVar[str] = "bubblewrap"
    promises: ClassVar[frozenset[Promise]] = ALL_PROMISES

    def _prepare(self) -> None:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise IsolationError("bubblewrap is not installed: apt install bubblewrap")
        self._filter = build_filter()
        self._system = [bwrap, *_NAMESPACES]
        for path in system_binds():
            self._system += ("--ro-bind", path, path)
        for target, path in system_links():
            self._system += ("--symlink", target, path)
        self._system += ("--proc", "/proc", "--dev", "/dev")

    def _launch(self, program: Program, folder: Path) -> Launch:
        argv = [*self._system, *_scratch(program.limits)]
        for prefix in prefixes(program):
            argv += ("--ro-bind", prefix, prefix)
        argv += ("--ro-bind", str(folder / "program"), PROGRAM, "--remount-ro", "/dev", "--remount-ro", "/")
        argv += ("--chdir", WORK)
        for name, value in environment(program, TMP).items():
            argv += ("--setenv", name, value)
        fds: list[int] = []
        if self._filter:
            fds.append(_pipe_with(self._filter))
            argv += ("--seccomp", str(fds[0]))
        argv += ("--", *wrap(command(program, PROGRAM), program.limits, count_tasks=True))
        return Launch(argv, env={}, cwd="/", wrappers=2, fds=fds)


def _scratch(limits: Limits) -> list[str]:
    """Return the file systems that can be written."""
    argv: list[str] = []
    for path, megabytes in scratch_sizes(limits):
        argv += ("--size", str(megabytes * 2**20), "--tmpfs", path)
    return argv


def _pipe_with(data: bytes) -> int:
    """Return the read end of a pipe that holds ``data`` (less than a pipe's capacity)."""
    read, write = os.pipe()
    try:
        os.write(write, data)
    finally:
        os.close(write)
    return read
