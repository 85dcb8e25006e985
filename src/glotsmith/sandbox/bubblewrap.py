"""Isolation by bubblewrap (``bwrap``, 0.8 or later): no root, no daemon, about 3 ms a program.

Each program gets its own namespaces (user, PID, network, IPC, host name, cgroup, mounts), no capabilities and a system
call filter. In its file system the toolchains are read-only. It can write only to its current directory, ``/tmp`` and
``/dev/shm``: these are fresh, limited in size, kept in memory, and discarded with the program. Warm programs are
isolated in the same way by a fork server (``fork_server/``), which itself runs in bubblewrap.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from glotsmith.errors import IsolationError
from glotsmith.records import Limits, Program
from glotsmith.sandbox.fork_server.pool import FORK_SERVER, ForkServerLaunch
from glotsmith.sandbox.namespace_sandbox import NamespaceSandbox
from glotsmith.sandbox.pipes import pipe_holding
from glotsmith.sandbox.program_environment import (
    PROGRAM,
    TMP,
    WORKING_FOLDER,
    environment,
    scratch_sizes,
    system_binds,
    system_links,
)
from glotsmith.sandbox.spawned_process import ProcessLaunch
from glotsmith.sandbox.user_namespace import EXEC_AS_USER, USER

_NAMESPACES = (
    *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", "sandbox", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv", "--cap-drop", "ALL"),
)
_NEW_USER_NAMESPACE = ("--unshare-user", "--disable-userns", "--uid", str(USER), "--gid", str(USER))
#: A fork server creates namespaces and mounts. Its programs get no capabilities.
_FORK_SERVER_CAPABILITIES = ("--cap-add", "ALL")
#: Until ``EXEC_AS_USER`` drops them.
_SETUID_CAPABILITIES = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")


class Bubblewrap(NamespaceSandbox):
    """A sandbox that runs programs in bubblewrap."""

    name: ClassVar[str] = "bubblewrap"

    def _prepare(self) -> None:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise IsolationError("bubblewrap is not installed. Run: apt install bubblewrap")
        super()._prepare()
        self._base_options = [bwrap, *_NAMESPACES]
        for path in system_binds():
            self._base_options += _bind(path)
        for target, path in system_links():
            self._base_options += ("--symlink", target, path)
        self._base_options += ("--proc", "/proc", "--dev", "/dev")

    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        options = self._options(program, folder / "program", environment(program, TMP))
        fds = [pipe_holding(self._filter)]
        options += ("--seccomp", str(fds[0]))
        if self._user_namespace is None:
            argv = self._argv(options, (), self._wrapped_command(program))
        else:
            argv = self._argv(options, _SETUID_CAPABILITIES, self._wrapped_command(program, exec_as=EXEC_AS_USER))
        return ProcessLaunch(argv, env={}, cwd="/", wrappers=2, fds=fds, owner=self._owner)

    def _fork_server_argv(self, launch: ForkServerLaunch) -> Sequence[str]:
        options = self._options(launch.program, launch.folder, launch.env)
        # The parent in --die-with-parent is the thread that started bwrap, which may end before the fork server. A fork
        # server ends when its control socket is closed.
        options.remove("--die-with-parent")
        options[options.index("--remount-ro") : options.index("--remount-ro")] = _bind(str(launch.library), FORK_SERVER)
        return self._argv(options, _FORK_SERVER_CAPABILITIES, launch.argv)

    def _argv(self, options: Sequence[str], capabilities: Sequence[str], command: Sequence[str]) -> list[str]:
        """Return the argv that runs ``command`` in a new user namespace, or in the one that root prepared."""
        if self._user_namespace is None:
            return [*options, *_NEW_USER_NAMESPACE, *capabilities, "--", *command]
        return [*self._user_namespace.enter_argv, *options, *capabilities, "--", *command]

    def _options(self, program: Program, folder: Path, env: Mapping[str, str]) -> list[str]:
        """Return the options that set up the program's file system and environment."""
        prefixes = self._readable_prefixes(program)
        options = [*self._base_options, *_scratch(program.limits)]
        for path, inside in [*((prefix, prefix) for prefix in prefixes), *self._accounts]:
            options += _bind(path, inside)
        options += ("--ro-bind", str(folder), PROGRAM, "--remount-ro", "/dev", "--remount-ro", "/")
        options += ("--chdir", WORKING_FOLDER)
        for name, value in env.items():
            options += ("--setenv", name, value)
        return options


def _bind(path: str, inside: str = "") -> list[str]:
    """Return the options that bind ``path`` read-only, by default at the same path, and create its parent folders."""
    above = [str(parent) for parent in reversed(Path(inside or path).parents) if parent != Path("/")]
    folders = [word for parent in above for word in ("--perms", "0755", "--dir", parent)]
    return [*folders, "--ro-bind", path, inside or path]


def _scratch(limits: Limits) -> list[str]:
    """Return the options that create the writable file systems."""
    sizes = [(path, str(megabytes * 2**20)) for path, megabytes in scratch_sizes(limits)]
    return [word for path, size in sizes for word in ("--perms", "1777", "--size", size, "--tmpfs", path)]
