"""A nest: one sandbox that lives long, in which ``fork_server.c`` makes one program's process after another."""

import contextlib
import hashlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from glotsmith.places import make_once
from glotsmith.sandbox.pipes import renumber_above
from glotsmith.sandbox.spawned_process import kill_namespace

_PATIENCE_S = 20.0  #: how long a nest may take to read a request
_LAST_WORDS = 2000
_ABOVE_SHELLS = 10  #: an interpreter may be started by a shell script, which uses single digits as it likes


class ForkServer:
    """A running nest. Programs that it has made end with it."""

    def __init__(self, start: Callable[[int], Sequence[str]], system_calls: bytes) -> None:
        """Start the nest; ``start`` returns the argv, given the number of the descriptor that it is to inherit.

        Raises:
            OSError: the machine can't start it.

        """
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.settimeout(_PATIENCE_S)
        inside = renumber_above(far.detach(), _ABOVE_SHELLS)
        try:
            self._process = subprocess.Popen(
                start(inside),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,  # of the kind that programs will have, which some interpreters look at
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
                pass_fds=(inside,),
                start_new_session=True,
            )
        except OSError:
            self._control.close()
            raise
        finally:
            os.close(inside)
        self._slots = set[int]()  #: of programs that run
        self.broken = False
        self._words = b""
        self._send(len(system_calls).to_bytes(4, "little") + system_calls, ())

    @property
    def busy(self) -> bool:
        """Whether a program runs."""
        return bool(self._slots)

    def take_slot(self) -> int:
        """Return the lowest number that no running program has."""
        slot = next(n for n in itertools.count() if n not in self._slots)
        self._slots.add(slot)
        return slot

    def free_slot(self, slot: int) -> None:
        """Let another program have the number."""
        self._slots.discard(slot)

    def send_request(self, request: bytes, fds: Sequence[int]) -> bool:
        """Hand on a request with its four descriptors; whether the nest still listens."""
        return not self.broken and self._send(request, fds)

    def _send(self, data: bytes, fds: Sequence[int]) -> bool:
        try:
            sent = socket.send_fds(self._control, [data], fds) if fds else 0
            if sent < len(data):
                self._control.sendall(data[sent:])
        except OSError:
            self.broken = True
        return not self.broken

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self.broken and self._process.poll() is None

    def stderr_text(self) -> str:
        """Return what the nest said on stderr."""
        if self._process.stderr is not None and not self._process.stderr.closed:
            os.set_blocking(self._process.stderr.fileno(), False)
            with contextlib.suppress(OSError):
                self._words += self._process.stderr.read(_LAST_WORDS) or b""
        return f"{self._words.decode(errors='replace').strip()} (exit code {self._process.poll()})"

    def close(self) -> None:
        """Kill it, and all that it made; idempotent."""
        self.broken = True
        self.stderr_text()
        self._control.close()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                kill_namespace(self._process.pid)
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                os.kill(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._process.stderr):
            if file is not None:
                file.close()


_SOURCE = Path(__file__).with_name("fork_server.c")
_FLAGS = ("-O2", "-Wall", "-Wl,-z,now")  # now: else each program looks up each function anew
NO_COMPILER = "warm workers need a C compiler (apt install gcc libc6-dev): programs start cold"


@cache
def compile_fork_server() -> Path | None:
    """Return the folder with ``fork_server`` and ``fork_server.so``; None where there is no C compiler that works."""
    compiler = _compiler()
    if compiler is None:
        return None
    digest = hashlib.blake2b(_SOURCE.read_bytes() + repr(compiler).encode(), digest_size=8).hexdigest()
    try:
        return make_once(f"fork-server-{digest}", lambda folder: _compile(compiler, folder))
    except (OSError, subprocess.SubprocessError):
        return None


def _compiler() -> list[str] | None:
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if found is not None:
        return [found]
    return [sys.executable, "-m", "ziglang", "cc"] if find_spec("ziglang") else None


def _compile(compiler: list[str], folder: Path) -> None:
    for name, flags in (("fork_server", ()), ("fork_server.so", ("-DPRELOAD", "-shared", "-fPIC"))):
        argv = [*compiler, *_FLAGS, *flags, str(_SOURCE), "-o", str(folder / name), "-ldl"]
        subprocess.run(argv, check=True, capture_output=True, timeout=120)
