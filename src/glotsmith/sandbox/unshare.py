"""Isolation by namespaces of the kernel only (``unshare(2)``), for machines without bubblewrap.

The isolation is the same as in bubblewrap. ``unshare_setup.py`` sets it up: a short Python program that starts for each
program. It needs Linux 5.12 and the permission to create user namespaces.
"""

import marshal
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from glotsmith.errors import IsolationError
from glotsmith.records import Program
from glotsmith.sandbox.fork_server.pool import FORK_SERVER, ForkServerLaunch
from glotsmith.sandbox.namespace_sandbox import NamespaceSandbox
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

#: imports ``unshare_setup`` from the folder that the next argument names
_START = "import sys; sys.path.append(sys.argv.pop(1)); import unshare_setup; unshare_setup.run()"


class Unshare(NamespaceSandbox):
    """A sandbox that creates namespaces by system calls."""

    name: ClassVar[str] = "unshare"

    def _prepare(self) -> None:
        if not Path("/proc/self/ns/user").exists():
            raise IsolationError("this kernel has no user namespaces")
        super()._prepare()
        self._binds = [(path, path) for path in system_binds()]
        self._links = list(system_links())

    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        files, root, env = folder / "program", folder / "root", environment(program, TMP)
        root.mkdir()
        argv = self._setup_argv(program, files, root, self._wrapped_command(program), env)
        return ProcessLaunch(argv, env={}, cwd="/", wrappers=2, owner=self._owner)

    def _fork_server_argv(self, launch: ForkServerLaunch) -> Sequence[str]:
        root = launch.folder.with_suffix(".root")
        root.mkdir()
        library = [(str(launch.library), FORK_SERVER)]
        return self._setup_argv(launch.program, launch.folder, root, launch.argv, launch.env, fork_server=library)

    def _setup_argv(
        self,
        program: Program,
        files: Path,
        root: Path,
        argv: Sequence[str],
        env: Mapping[str, str],
        fork_server: Sequence[tuple[str, str]] = (),
    ) -> list[str]:
        """Return the command that builds a new root in ``root`` and runs ``argv`` in it.

        ``fork_server`` has the pair (host path, path inside) of the folder of the fork server if ``argv`` starts one.
        """
        prefixes = [(prefix, prefix) for prefix in self._readable_prefixes(program)]
        spec = {
            "parent": None if fork_server else os.getpid(),
            "fork_server": bool(fork_server),
            "root": str(root),
            "binds": [*self._binds, *self._accounts, *prefixes, *fork_server, (str(files), PROGRAM)],
            "links": self._links,
            "scratch": scratch_sizes(program.limits),
            "userns": self._user_namespace.path if self._user_namespace else "",
            "cwd": WORKING_FOLDER,
            "env": env,
            "filter": self._filter.hex(),
            "argv": list(argv),
        }
        return [sys.executable, "-I", "-S", "-c", _START, str(Path(__file__).parent), marshal.dumps(spec).hex()]
