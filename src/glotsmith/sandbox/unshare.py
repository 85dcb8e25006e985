"""Isolation by the kernel's namespaces alone (``unshare(2)``), for machines without bubblewrap.

It gives what bubblewrap gives, built by a short Python program (``enter.py``) that starts anew for each program, which
costs some 20 ms more. It needs Linux 5.12 and user namespaces that the user may make.
"""

import json
import os
import sys
from pathlib import Path
from typing import ClassVar

from glotsmith.errors import IsolationError
from glotsmith.records import Program
from glotsmith.sandbox.base import ALL_PROMISES, Promise
from glotsmith.sandbox.local import LocalSandbox
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
        own = [(prefix, prefix) for prefix in prefixes(program)]
        if self._namespace is not None:
            self._namespace.check_readable(prefix for prefix, _ in own)
        spec = {
            "parent": os.getpid(),
            "root": str(root),
            "binds": [*self._binds, *own, (str(folder / "program"), PROGRAM)],
            "links": self._links,
            "scratch": scratch_sizes(program.limits),
            "userns": self._namespace.path if self._namespace else "",
            "cwd": WORK,
            "env": environment(program, TMP),
            "filter": self._filter,
            "argv": wrap(
                command(program.argv, PROGRAM),
                program.limits,
                neighbours=self._jobs - 1 if shared else 0,
                build=command(program.build, PROGRAM),
            ),
        }
        enter = str(Path(__file__).with_name("enter.py"))
        argv = [sys.executable, "-I", "-S", enter, json.dumps(spec)]
        return Launch(argv, env={}, cwd="/", wrappers=2, owner=NOBODY if shared else None)
