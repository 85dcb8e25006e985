"""The server process: it is started with its settings on stdin, and it exits when stdin closes."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from pathlib import Path

import msgspec

_STOP_S = 5.0  #: time for the process to exit after its stdin is closed; then it is killed
_LINES = 20  #: last lines of the log that a message may quote
_LINE = 300  #: characters of a line that are kept
#: OpenMP threads that wait must sleep. By default they spin, and the server is then many times slower next to busy
#: processes (``benchmarks/local_teacher.py``).
_ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}
_SCRIPT = Path(__file__).with_name("server.py")


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one server."""

    model: str  #: absolute path of the GGUF file
    key: str  #: required of every request, because other users of the machine can reach the port
    context: int  #: tokens a slot
    slots: int
    threads: int
    gpu_layers: int


class ServerExited(Exception):
    """The process exited before it served; the message quotes its log."""


class ServerProcess:
    """A running server. Its process ends when this process ends, however that happens."""

    def __init__(self, process: Process) -> None:
        self.address = ""  #: URL without a path
        self._process = process
        self._log: deque[str] = deque(maxlen=_LINES)
        self._reader = asyncio.create_task(self._read_log())

    @classmethod
    async def start(cls, settings: ServerSettings) -> "ServerProcess":
        """Start a server and wait until it serves.

        Raises:
            ServerExited: it could not load the model.

        """
        # A separate session: the terminal sends Ctrl-C only to glotsmith, which lets open requests finish.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-s", "-P", "-B", str(_SCRIPT)), stdin=PIPE, stdout=PIPE, stderr=PIPE,
            env={**os.environ, **_ENVIRONMENT}, start_new_session=True,
        )  # fmt: skip
        server = cls(process)
        try:
            server.address = await server._send(settings)
        except BaseException:  # also a cancellation: the process must not be left
            await server.stop()
            raise
        if not server.address:
            raise ServerExited(await server.exit_reason())
        return server

    async def _send(self, settings: ServerSettings) -> str:
        """Send the settings, and return the address; "" from a process that exits."""
        assert self._process.stdin is not None and self._process.stdout is not None, "both are pipes"
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(msgspec.json.encode(settings) + b"\n")
            await self._process.stdin.drain()
        return (await self._process.stdout.readline()).decode().strip()

    @property
    def is_running(self) -> bool:
        """Whether the process has not exited."""
        return self._process.returncode is None

    async def exits_within(self, seconds: float) -> bool:
        """Return whether the process has exited, or exits in this time."""
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def exit_reason(self) -> str:
        """Wait for the end of the process; return its status and the last error in its log."""
        code = await self._process.wait()
        await self._reader
        status = f"signal {-code}" if code < 0 else f"exit status {code}"
        errors = [line for line in self._log if "error" in line.lower() or "fail" in line.lower()] or list(self._log)
        return f"{status}: {errors[-1]}" if errors else status

    async def stop(self) -> None:
        """End the process; idempotent."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader

    async def _read_log(self) -> None:
        assert self._process.stderr is not None, "it is a pipe"
        rest = ""
        while block := await self._process.stderr.read(1 << 16):  # a pipe that nobody reads would block the server
            *lines, rest = (rest + block.decode("utf-8", "replace")).split("\n")
            self._log.extend(line.strip()[:_LINE] for line in lines if line.strip())
            rest = rest[:_LINE]
        if rest.strip():
            self._log.append(rest.strip())
