"""A fork server: a long-lived sandbox in which ``fork_server.c`` forks one warm program after another."""

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

from glotsmith.cache_paths import make_once
from glotsmith.sandbox.pipes import renumber_above
from glotsmith.sandbox.spawned_process import kill_namespace

_TIMEOUT_S = 20.0  #: time for a fork server to read a request, and to die
_STDERR_BYTES = 2000
_LOWEST_DESCRIPTOR = 10  #: a shell script may start the interpreter, and scripts use single digits for their own files
_SOURCE = Path(__file__).with_name("fork_server.c")
_FLAGS = ("-O2", "-Wall", "-Wl,-z,now")  # now: resolve functions once, not again in each program


class ForkServer:
    """A running fork server. The programs that it has forked end with it."""

    def __init__(self, start: Callable[[int], Sequence[str]], seccomp_filter: bytes) -> None:
        """Start the fork server; ``start`` returns the argv for the number of the inherited control socket.

        Raises:
            OSError: the machine cannot start it.

        """
        self._control, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.settimeout(_TIMEOUT_S)
        inherited = renumber_above(peer.detach(), _LOWEST_DESCRIPTOR)
        try:
            self._process = subprocess.Popen(
                start(inherited),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,  # a pipe, as programs have: some interpreters check the type once at the start
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
                pass_fds=(inherited,),
                start_new_session=True,
            )
        except OSError:
            self._control.close()
            raise
        finally:
            os.close(inherited)
        self._slots = set[int]()  #: the numbers of running programs
        self.broken = False
        self._stderr = b""
        self._send(len(seccomp_filter).to_bytes(4, "little") + seccomp_filter, ())

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
        """Make the number available to other programs."""
        self._slots.discard(slot)

    def send_request(self, request: bytes, fds: Sequence[int]) -> bool:
        """Send a request with its four descriptors; return whether the fork server accepts requests."""
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
        """Whether the fork server runs and accepts requests."""
        return not self.broken and self._process.poll() is None

    def describe_end(self) -> str:
        """Return what the fork server wrote to stderr, and its exit code."""
        if self._process.stderr is not None and not self._process.stderr.closed:
            os.set_blocking(self._process.stderr.fileno(), False)
            with contextlib.suppress(OSError):
                self._stderr += self._process.stderr.read(_STDERR_BYTES) or b""
        return f"{self._stderr.decode(errors='replace').strip()} (exit code {self._process.poll()})"

    def close(self) -> None:
        """Kill the fork server and its programs; idempotent."""
        self.broken = True
        self.describe_end()
        self._control.close()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                kill_namespace(self._process.pid)
            try:
                self._process.wait(_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.kill(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._process.stderr):
            if file is not None:
                file.close()


@cache
def compile_fork_server() -> Path | None:
    """Return the folder with ``fork_server`` and ``fork_server.so``; None if no C compiler works.

    They are compiled once per machine and compiler.
    """
    compiler = _find_compiler()
    if compiler is None:
        return None
    digest = hashlib.blake2b(_SOURCE.read_bytes() + repr(compiler).encode(), digest_size=8).hexdigest()
    try:
        return make_once(f"fork-server-{digest}", lambda folder: _compile(compiler, folder))
    except (OSError, subprocess.SubprocessError):
        return None


def _find_compiler() -> list[str] | None:
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if found is not None:
        return [found]
    return [sys.executable, "-m", "ziglang", "cc"] if find_spec("ziglang") else None


def _compile(compiler: list[str], folder: Path) -> None:
    for name, flags in (("fork_server", ()), ("fork_server.so", ("-DPRELOAD", "-shared", "-fPIC"))):
        argv = [*compiler, *_FLAGS, *flags, str(_SOURCE), "-o", str(folder / name), "-ldl"]
        subprocess.run(argv, check=True, capture_output=True, timeout=120)
