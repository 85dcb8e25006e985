"""The nests of one sandbox: one for each warm interpreter, and one for all that is merely executed."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from glotsmith.records import Program, Warm, content_hash
from glotsmith.sandbox.fork_server.server import ForkServer, compile_fork_server
from glotsmith.sandbox.seccomp import build_filter
from glotsmith.sandbox.temporary_folders import remove_folder
from glotsmith.sandbox.view import PROGRAM, TMP, WORK, command, environment, write_files

FORK_SERVER = "/box/fork_server"  #: where the compiled nest is, inside
_MOST = 8  #: nests kept; an interpreter takes 10 to 200 MB
_HIDDEN = (WORK, TMP, "/dev/shm")  # noqa: S108 - where each program gets a fresh file system
_MOST_KEYS = 1024  #: remembered
_STACK_MB = 2048  #: that an interpreter keeps free for the stacks of its children, whose limits come later
FAILURES = 3  #: of a nest in a row, before its programs start cold for good

_log = logging.getLogger(__name__)


class ForkServerLaunch(NamedTuple):
    """What a back end is to start, with rights to make namespaces."""

    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path  #: to be shown at ``/box/program``, read-only
    library: Path  #: to be shown at ``INSIDE``, read-only
    program: Program  #: whose prefixes are to be shown


class ForkServerCommand(Protocol):
    """How a back end starts a nest."""

    def __call__(self, room: ForkServerLaunch) -> Sequence[str]:
        """Return the argv of a command that starts ``room.argv`` in the room."""
        ...


class _Known(NamedTuple):
    """A key, and what it was made of."""

    key: str
    warm: Warm
    others: tuple[Sequence[str], Mapping[str, str]]


class ForkServerPool:
    """Opens nests when they are needed, closes those that nobody has needed for longest."""

    def __init__(self, furnish: ForkServerCommand, folder: Path) -> None:
        """Keep files of interpreters in ``folder``, which is private and will be removed."""
        self._furnish, self._folder = furnish, folder
        self._library = compile_fork_server()
        self._servers: dict[str, ForkServer] = {}  #: the one needed last comes last
        self._failures: dict[str, int] = {}
        self._keys: dict[int, _Known] = {}  #: by the identity of ``Program.warm``, which programs of a task share

    def get(self, program: Program) -> tuple[str, ForkServer] | None:
        """Return the nest for a program and its key, started where it is not there; None where there can be none."""
        if any(Path(prefix).is_relative_to(place) for prefix in program.read_only for place in _HIDDEN):
            return None  # a nest's programs find nothing there
        key = self._key(program)
        if self._library is None or self._failures.get(key, 0) >= FAILURES:
            return None
        nest = self._servers.pop(key, None)
        if nest is not None and not nest.alive:
            self._fail(key, nest)
            nest = None
        nest = nest or self._open(program, self._library)
        if nest is None:
            self._failures[key] = FAILURES
            return None
        self._servers[key] = nest
        self._retire()
        return key, nest

    def _key(self, program: Program) -> str:
        """Return the key of a program's nest."""
        warm, others = program.warm, (program.read_only, program.env)
        if warm is None:
            return content_hash(*program.read_only)
        known = self._keys.get(id(warm))
        if known is None or known.warm is not warm or known.others != others:
            if len(self._keys) > _MOST_KEYS:
                self._keys.clear()
            known = self._keys[id(warm)] = _Known(_key(program, warm), warm, others)
        return known.key

    def succeed(self, key: str) -> None:
        """Note that a nest has made a program and told of its end."""
        self._failures.pop(key, None)

    def _fail(self, key: str, nest: ForkServer) -> None:
        self._failures[key] = self._failures.get(key, 0) + 1
        _log.warning("a warm worker has ended: %s", nest.stderr_text())
        nest.close()

    def _retire(self) -> None:
        for key in [k for k, n in self._servers.items() if not n.busy][: max(0, len(self._servers) - _MOST)]:
            self._servers.pop(key).close()

    def _open(self, program: Program, library: Path) -> ForkServer | None:
        warm = program.warm
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            write_files(warm.files if warm else {}, folder)
            env = environment(program, TMP)
            argv = _with_room_for_stacks(command(warm.argv, PROGRAM)) if warm else [f"{FORK_SERVER}/fork_server"]
            preload = {"LD_PRELOAD": f"{FORK_SERVER}/fork_server.so"} if warm else {}

            def start(number: int) -> Sequence[str]:
                settings = {**env, **preload, "GLOTSMITH_FORK_SERVER": str(number)}
                return self._furnish(ForkServerLaunch(argv, settings, folder, library, program))

            return ForkServer(start, build_filter())
        except OSError as error:
            _log.warning("no warm worker can be started: %s", error)
            remove_folder(folder)
            return None

    def close(self) -> None:
        """Kill them all; idempotent."""
        for nest in self._servers.values():
            nest.close()
        self._servers.clear()
        self._library = None


def _with_room_for_stacks(argv: Sequence[str]) -> list[str]:
    """Return the argv of a process whose stack can grow: what it maps lies below the limit at its start."""
    raised = f"{{ ulimit -S -s {_STACK_MB * 1024} || ulimit -S -s $(ulimit -H -s); }} 2>/dev/null"
    return ["/bin/sh", "-c", f'{raised}; exec "$@"', "sh", *argv]


def _key(program: Program, warm: Warm) -> str:
    files = (text for name in sorted(warm.files) for text in (name, str(warm.files[name])))
    env = (f"{k}={v}" for k, v in sorted(program.env.items()))
    return content_hash(*warm.argv, "", *program.read_only, "", *env, "", *files)
