"""Isolation by the kernel's namespaces alone (``unshare(2)``), for machines without bubblewrap.

It gives the same isolation as bubblewrap. ``unshare_setup.py`` sets it up, a short Python program that starts anew for
each program, which takes about 20 ms more. It needs Linux 5.12 and user namespaces that the user may make.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from glotsmith.errors import IsolationError
from glotsmith.records import Program
from glotsmith.sandbox.base import ALL_PROMISES, Promise
from glotsmith.sandbox.fork_server.pool import FORK_SERVER, ForkServerLaunch
from glotsmith.sandbox.local import LocalSandbox
from glotsmith.sandbox.seccomp import build_filter
from glotsmith.sandbox.spawned_process import ProcessLaunch
from glotsmith.sandbox.user_namespace import NOBODY, UserNamespace
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


class Unshare(LocalSandbox):
    """Programs in namespaces made by system calls."""

    name: ClassVar[str] = "unshare"
    promises: ClassVar[frozenset[Promise]] = ALL_PROMISES
    warm: ClassVar[bool] = True

    def _prepare(self) -> None:
        if not Path("/proc/self/ns/user").exists():
            raise IsolationError("this kernel has no user namespaces")
        self._filter = build_filter().hex()
        self._namespace = UserNamespace.open()
        self._binds = [(path, path) for path in system_binds()]
        self._links = list(system_links())

    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        root = folder / "root"
        root.mkdir()
        shared = self._namespace is not None
        argv = wrap_command(
            command(program.argv, PROGRAM),
            program.limits,
            neighbours=self._jobs - 1 if shared else 0,
            build=command(program.build, PROGRAM),
        )
        enter = self._enter(program, folder / "program", root, argv, environment(program, TMP))
        return ProcessLaunch(enter, env={}, cwd="/", wrappers=2, owner=NOBODY if shared else None)

    def _fork_server_command(self, room: ForkServerLaunch) -> Sequence[str]:
        root = room.folder.with_suffix(".root")
        root.mkdir()
        return self._enter(
            room.program, room.folder, root, room.argv, room.env, nest=[(str(room.library), FORK_SERVER)]
        )

    def _enter(
        self,
        program: Program,
        files: Path,
        root: Path,
        argv: Sequence[str],
        env: Mapping[str, str],
        nest: Sequence[tuple[str, str]] = (),
    ) -> list[str]:
        """Return the command that runs ``argv`` in a new root that is built in ``root``."""
        own = [(prefix, prefix) for prefix in toolchain_prefixes(program)]
        if self._namespace is not None:
            self._namespace.check_readable(prefix for prefix, _ in own)
        spec = {
            "parent": None if nest else os.getpid(),
            "nest": bool(nest),
            "root": str(root),
            "binds": [*self._binds, *self._accounts, *own, *nest, (str(files), PROGRAM)],
            "links": self._links,
            "scratch": scratch_sizes(program.limits),
            "userns": self._namespace.path if self._namespace else "",
            "cwd": WORK,
            "env": env,
            "filter": self._filter,
            "argv": list(argv),
        }
        return [sys.executable, "-I", "-S", str(Path(__file__).with_name("unshare_setup.py")), json.dumps(spec)]
