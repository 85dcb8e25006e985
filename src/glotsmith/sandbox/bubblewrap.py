"""Isolation by bubblewrap (``bwrap``, 0.8 or later): no root, no daemon, about 3 ms a program.

Every program has namespaces of its own (user, PID, network, IPC, host name, cgroup, mounts), no capabilities, a
system call filter, and is told a file system in which the toolchains are read-only and only its current directory,
``/tmp`` and ``/dev/shm`` can be written: fresh file systems in memory, of limited size, gone with the program.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from glotsmith.errors import IsolationError
from glotsmith.records import Limits, Program
from glotsmith.sandbox.base import ALL_PROMISES, Promise
from glotsmith.sandbox.fork_server.pool import FORK_SERVER, ForkServerLaunch
from glotsmith.sandbox.local import LocalSandbox
from glotsmith.sandbox.pipes import pipe_holding
from glotsmith.sandbox.seccomp import build_filter
from glotsmith.sandbox.spawned_process import ProcessLaunch
from glotsmith.sandbox.user_namespace import BECOME_USER, NOBODY, USER, UserNamespace
from glotsmith.sandbox.view import (
    PROGRAM,
    TMP,
    WORK,
    command,
    environment,
    scratch_sizes,
    system_binds,
    system_links,
    toolchain_prefixes,
)
from glotsmith.sandbox.wrapper import wrap_command

_NAMESPACES = (
    *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", "sandbox", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv", "--cap-drop", "ALL"),
)
_OWN_USER = ("--unshare-user", "--disable-userns", "--uid", str(USER), "--gid", str(USER))
_NEST_RIGHTS = ("--cap-add", "ALL")  # a nest makes namespaces and mounts; its programs get no rights
_RIGHTS = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")  # until BECOME_USER


class Bubblewrap(LocalSandbox):
    """Programs in bubblewrap."""

    name: ClassVar[str] = "bubblewrap"
    promises: ClassVar[frozenset[Promise]] = ALL_PROMISES
    warm: ClassVar[bool] = True

    def _prepare(self) -> None:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise IsolationError("bubblewrap is not installed: apt install bubblewrap")
        self._filter = build_filter()
        self._namespace = UserNamespace.open()
        self._system = [bwrap, *_NAMESPACES]
        for path in system_binds():
            self._system += _bind(path)
        for target, path in system_links():
            self._system += ("--symlink", target, path)
        self._system += ("--proc", "/proc", "--dev", "/dev")

    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        argv = self._describe(program, folder / "program", environment(program, TMP))
        fds = [pipe_holding(self._filter)]
        argv += ("--seccomp", str(fds[0]))
        inside, build = command(program.argv, PROGRAM), command(program.build, PROGRAM)
        if self._namespace is None:
            argv += (*_OWN_USER, "--", *wrap_command(inside, program.limits, neighbours=0, build=build))
            return ProcessLaunch(argv, env={}, cwd="/", wrappers=2, fds=fds)
        wrapped = wrap_command(inside, program.limits, neighbours=self._jobs - 1, become=BECOME_USER, build=build)
        entered = [*self._namespace.enter, *argv, *_RIGHTS, "--", *wrapped]
        return ProcessLaunch(entered, env={}, cwd="/", wrappers=2, fds=fds, owner=NOBODY)

    def _fork_server_command(self, room: ForkServerLaunch) -> Sequence[str]:
        argv = self._describe(room.program, room.folder, room.env)
        argv.remove("--die-with-parent")  # that is the thread which started it; a nest ends with its control socket
        argv[argv.index("--remount-ro") : argv.index("--remount-ro")] = _bind(str(room.library), FORK_SERVER)
        if self._namespace is None:
            return [*argv, *_OWN_USER, *_NEST_RIGHTS, "--", *room.argv]
        return [*self._namespace.enter, *argv, *_NEST_RIGHTS, "--", *room.argv]

    def _describe(self, program: Program, folder: Path, env: Mapping[str, str]) -> list[str]:
        """Return the options that tell what the program sees."""
        own = toolchain_prefixes(program)
        if self._namespace is not None:
            self._namespace.check_readable(own)
        argv = [*self._system, *_scratch(program.limits)]
        for path, inside in [*((prefix, prefix) for prefix in own), *self._accounts]:
            argv += _bind(path, inside)
        argv += ("--ro-bind", str(folder), PROGRAM, "--remount-ro", "/dev", "--remount-ro", "/")
        argv += ("--chdir", WORK)
        for name, value in env.items():
            argv += ("--setenv", name, value)
        return argv


def _bind(path: str, inside: str = "") -> list[str]:
    """Show ``path`` read-only, by default where it is; the folders above it are made, and open to all."""
    above = [str(parent) for parent in reversed(Path(inside or path).parents) if parent != Path("/")]
    folders = [word for parent in above for word in ("--perms", "0755", "--dir", parent)]
    return [*folders, "--ro-bind", path, inside or path]


def _scratch(limits: Limits) -> list[str]:
    """Return the file systems that can be written."""
    argv: list[str] = []
    for path, megabytes in scratch_sizes(limits):
        argv += ("--perms", "1777", "--size", str(megabytes * 2**20), "--tmpfs", path)
    return argv
