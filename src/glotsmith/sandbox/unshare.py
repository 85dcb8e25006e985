"""Isolation by the kernel's namespaces alone (``unshare(2)``), for machines without bubblewrap.

It gives what bubblewrap gives, built by a short Python program (``enter.py``) that starts anew for each program, which
costs some 20 ms more. It needs Linux 5.12 and user namespaces that the user may make.
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
from glotsmith.sandbox.local import LocalSandbox
from glotsmith.sandbox.nest.nests import INSIDE, Room
from glotsmith.sandbox.nobody import NOBODY, Namespace
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


class Unshare(LocalSandbox):
    """Programs in namespaces made by system calls."""

    name: ClassVar[str] = "unshare"
    promises: ClassVar[frozenset[Promise]] = ALL_PROMISES
    warm: ClassVar[bool] = True

    def _prepare(self) -> None:
        if not Path("/proc/self/ns/user").exists():
            raise IsolationError("this kernel has no user namespaces")
        self._filter = build_filter().hex()
        self._namespace = Namespace.open()
        self._binds = [(path, path) for path in system_binds()]
        self._links = list(system_links())

    def _launch(self, program: Program, folder: Path) -> Launch:
        root = folder / "root"
        root.mkdir()
        shared = self._namespace is not None
        argv = wrap(
            command(program.argv, PROGRAM),
            program.limits,
            neighbours=self._jobs - 1 if shared else 0,
            build=command(program.build, PROGRAM),
        )
        enter = self._enter(program, folder / "program", root, argv, environment(program, TMP))
        return Launch(enter, env={}, cwd="/", wrappers=2, owner=NOBODY if shared else None)

    def _furnish(self, room: Room) -> Sequence[str]:
        root = room.folder.with_suffix(".root")
        root.mkdir()
        return self._enter(room.program, room.folder, root, room.argv, room.env, nest=[(str(room.nest), INSIDE)])

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
        own = [(prefix, prefix) for prefix in prefixes(program)]
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
        return [sys.executable, "-I", "-S", str(Path(__file__).with_name("enter.py")), json.dumps(spec)]
