"""The worker pool of a sandbox: one fork server for each warm interpreter, and others for other commands.

A program without a warm interpreter has a fork server for its set of toolchain prefixes.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from glotsmith.records import Program, WarmInterpreter, content_hash
from glotsmith.sandbox.base import worker_key
from glotsmith.sandbox.fork_server.server import ForkServer, compile_fork_server
from glotsmith.sandbox.program_environment import (
    PROGRAM,
    TMP,
    WORKING_FOLDER,
    command,
    environment,
    toolchain_prefixes,
    write_files,
)
from glotsmith.sandbox.seccomp import build_filter
from glotsmith.sandbox.temporary_folders import remove_folder

FORK_SERVER = "/box/fork_server"  #: the folder of the compiled fork server, inside the sandbox
_MAX_SERVERS = 11  #: an interpreter takes 10 to 200 MB; suites have three interpreters
_SCRATCH = (WORKING_FOLDER, TMP, "/dev/shm")  # noqa: S108 - each program gets fresh file systems here
_MAX_PREFIX_BYTES = 16_000  #: ``prefixes`` in ``fork_server.c``
_MAX_KEYS = 1024  #: number of remembered keys
_STACK_MB = 2048  #: reserved by an interpreter for the stacks of its children, which set their limits later
FAILURES = 3  #: consecutive failures of a fork server after which its programs always start cold

_log = logging.getLogger(__name__)


class ForkServerLaunch(NamedTuple):
    """A command that a back end starts as a fork server, with the capabilities to create namespaces."""

    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path  #: appears at ``/box/program``, read-only
    library: Path  #: folder of the compiled fork server; appears at ``FORK_SERVER``, read-only
    program: Program  #: its toolchain prefixes are visible


class _CachedKey(NamedTuple):
    key: str
    warm: WarmInterpreter
    others: tuple[Sequence[str], Mapping[str, str]]


class ForkServerPool:
    """Starts fork servers when they are needed and closes the least recently used ones."""

    def __init__(self, build_argv: Callable[[ForkServerLaunch], Sequence[str]], folder: Path) -> None:
        """Create an empty pool.

        ``build_argv`` returns the command that isolates and starts a launch. Files of interpreters are stored in
        ``folder``, which is private and which the caller removes.
        """
        self._build_argv, self._folder = build_argv, folder
        self._library = compile_fork_server()
        self._servers: dict[str, ForkServer] = {}  #: the most recently used one comes last
        self._failures: dict[str, int] = {}
        self._keys: dict[int, _CachedKey] = {}  #: ``id`` of ``Program.warm``, shared by the programs of a task → key

    def get(self, program: Program) -> tuple[str, ForkServer] | None:
        """Return the key and fork server of a program, started if necessary; None if the program must start cold."""
        key = self._key(program)
        if self._library is None or self._failures.get(key, 0) >= FAILURES:
            return None
        server = self._servers.pop(key, None)
        if server is not None and not server.alive:
            self._record_failure(key, server)
            server = None
        server = server or self._start(program, self._library)
        if server is None:
            self._failures[key] = FAILURES
            return None
        self._servers[key] = server
        self._close_unused()
        return key, server

    def _key(self, program: Program) -> str:
        """Return the key of the program's fork server."""
        warm, others = program.warm, (program.read_only, program.env)
        if warm is None:
            return content_hash(*program.read_only)
        cached = self._keys.get(id(warm))
        if cached is None or cached.warm is not warm or cached.others != others:
            if len(self._keys) > _MAX_KEYS:
                self._keys.clear()
            cached = self._keys[id(warm)] = _CachedKey(worker_key(program, warm), warm, others)
        return cached.key

    def record_success(self, key: str) -> None:
        """Reset the count of failures: the fork server has run a program and reported its end."""
        self._failures.pop(key, None)

    def _record_failure(self, key: str, server: ForkServer) -> None:
        self._failures[key] = self._failures.get(key, 0) + 1
        _log.warning("A warm worker ended: %s", server.describe_end())
        server.close()

    def _close_unused(self) -> None:
        idle = [key for key, server in self._servers.items() if not server.busy]
        for key in idle[: max(0, len(self._servers) - _MAX_SERVERS)]:
            self._servers.pop(key).close()

    def _start(self, program: Program, library: Path) -> ForkServer | None:
        warm = program.warm
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            write_files(warm.files if warm else {}, folder)
            env, hidden = environment(program, TMP), _hidden_prefixes(program)
            argv = _with_growing_stack(command(warm.argv, PROGRAM)) if warm else [f"{FORK_SERVER}/fork_server"]
            preload = {"LD_PRELOAD": f"{FORK_SERVER}/fork_server.so"} if warm else {}

            def start(number: int) -> Sequence[str]:
                variables = {**env, **preload, "GLOTSMITH_FORK_SERVER": "\n".join((str(number), *hidden))}
                return self._build_argv(ForkServerLaunch(argv, variables, folder, library, program))

            return ForkServer(start, build_filter())
        except OSError as error:
            _log.warning("cannot start a warm worker; its programs start cold: %s", error)
            remove_folder(folder)
            return None

    def close(self) -> None:
        """Kill all fork servers; idempotent."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        self._library = None


def _hidden_prefixes(program: Program) -> list[str]:
    """Return the toolchain prefixes that the fresh file systems of a program would hide.

    Raises:
        OSError: a prefix contains a line break, or all prefixes are longer than the buffer of the fork server.

    """
    found = [p for p in toolchain_prefixes(program) if any(Path(p).is_relative_to(folder) for folder in _SCRATCH)]
    if any("\n" in prefix for prefix in found) or sum(len(os.fsencode(p)) + 1 for p in found) > _MAX_PREFIX_BYTES:
        raise OSError(f"a fork server cannot mount these toolchain folders: {found}")
    return found


def _with_growing_stack(argv: Sequence[str]) -> list[str]:
    """Return the argv that starts ``argv`` with a high stack limit.

    The kernel places mappings below the stack limit that a process has at its start.
    """
    raised = f"{{ ulimit -S -s {_STACK_MB * 1024} || ulimit -S -s $(ulimit -H -s); }} 2>/dev/null"
    return ["/bin/sh", "-c", f'{raised}; exec "$@"', "sh", *argv]
