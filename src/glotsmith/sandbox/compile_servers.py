"""Compile servers: compilers that stay loaded, each in its own sandbox. They never run what they compile.

A request consists of the number of files, then the name and content of each. The answer consists of a byte (0 compiled,
1 failed), the messages of the compiler, the number of files, then the name and content of each. Numbers and lengths
have 32 bits, big-endian.
"""

import asyncio
import contextlib
import logging
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from glotsmith.records import CompilerServer, Limits, Program
from glotsmith.sandbox.base import worker_key
from glotsmith.sandbox.program_environment import file_bytes, write_files
from glotsmith.sandbox.spawned_process import ProcessLaunch
from glotsmith.sandbox.temporary_folders import SessionFolders

_LIMITS = Limits(cpu_s=1e6, wall_s=1e6, memory_mb=4096, processes=128, file_mb=64)
_REQUEST_TIMEOUT_S = 60.0  #: for a busy machine; a program that takes longer is compiled cold, within its limits
_MAX_SERVERS = 4  #: largest number of servers of one kind; each takes some hundred MB
_MAX_REQUESTS = 2000  #: after which a server is replaced
_MAX_BLOCK = 1 << 28  #: bytes of a name, a content or the messages
_log = logging.getLogger(__name__)


class CompileResult(NamedTuple):
    """The answer of a compile server."""

    succeeded: bool
    messages: bytes
    files: dict[str, bytes]


class CompileServer:
    """A running compile server; it answers one request at a time."""

    def __init__(self, launch: ProcessLaunch) -> None:
        """Start the server.

        Raises:
            OSError: the machine cannot start it.

        """
        self._launch = launch
        self.requests = 0
        self._process = launch.start(stderr=subprocess.DEVNULL)

    def compile(self, request: bytes) -> CompileResult:
        """Send a request and return its answer. This blocks; ``close`` in another thread interrupts it.

        Raises:
            OSError: the server has ended.
            ValueError: the answer is malformed.

        """
        assert self._process.stdin is not None
        self.requests += 1
        self._process.stdin.write(request)
        self._process.stdin.flush()
        succeeded = self._read(1) == b"\0"
        messages = self._read_block()
        files = {self._read_block().decode(): self._read_block() for _ in range(self._read_number())}
        return CompileResult(succeeded, messages, files)

    def _read_number(self) -> int:
        return int.from_bytes(self._read(4), "big")

    def _read_block(self) -> bytes:
        return self._read(self._read_number())

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        if size > _MAX_BLOCK:
            raise ValueError(f"the compile server announced {size} bytes, more than {_MAX_BLOCK}")
        data = self._process.stdout.read(size)
        if len(data) != size:
            raise BrokenPipeError("the compile server has ended")
        return data

    def close(self) -> None:
        """Kill the server; idempotent."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                self._launch.kill(self._process.pid)
            self._process.wait()
            self._launch.reap()
        for file in (self._process.stdin, self._process.stdout):
            assert file is not None
            with contextlib.suppress(OSError):
                file.close()


class CompileServerPool:
    """The compile servers of one sandbox, started on demand."""

    def __init__(self, launch: Callable[[Program, Path], ProcessLaunch], folders: SessionFolders) -> None:
        self._launch, self._folders = launch, folders
        self._idle: dict[str, list[CompileServer]] = {}
        self._all: dict[str, list[CompileServer]] = {}
        self._broken: set[str] = set()

    async def compile(self, program: Program) -> CompileResult | None:
        """Compile a program's files in its compile server; return None if no server is available."""
        assert program.server is not None
        key = worker_key(program, program.server)
        server = self._take(key, program, program.server)
        if server is None:
            return None
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                sources = {shown: program.files[name] for name, shown in program.server.sources.items()}
                compiled = await asyncio.to_thread(server.compile, pack_compile_request(sources))
        except (OSError, ValueError, TimeoutError) as error:
            if server.requests == 1:
                self._broken.add(key)
            _log.warning("A compile server failed; the program is compiled cold: %s", error or "timeout")
            self._drop(key, server)
            return None
        except asyncio.CancelledError:
            self._drop(key, server)
            raise
        self._give_back(key, server)
        return compiled

    def _take(self, key: str, program: Program, kind: CompilerServer) -> CompileServer | None:
        if self._idle.get(key):
            return self._idle[key].pop()
        running = self._all.setdefault(key, [])
        if len(running) >= _MAX_SERVERS or key in self._broken:
            return None
        folder = self._folders.create_folder()
        (folder / "program").mkdir()
        write_files(kind.files, folder / "program")
        start = Program(files={}, argv=kind.argv, env=program.env, read_only=program.read_only, limits=_LIMITS)
        running.append(CompileServer(self._launch(start, folder)))
        return running[-1]

    def _give_back(self, key: str, server: CompileServer) -> None:
        if server.requests >= _MAX_REQUESTS:
            self._drop(key, server)
        else:
            self._idle.setdefault(key, []).append(server)

    def _drop(self, key: str, server: CompileServer) -> None:
        if server in self._all.get(key, []):
            self._all[key].remove(server)
        server.close()

    def close(self) -> None:
        """Kill all servers; idempotent."""
        for server in [s for servers in self._all.values() for s in servers]:
            server.close()
        self._all.clear()
        self._idle.clear()


def pack_compile_request(files: Mapping[str, str | bytes]) -> bytes:
    """Return the request that compiles these files."""
    return b"".join((_pack_number(len(files)), *_pack_blocks(files)))


def _pack_blocks(files: Mapping[str, str | bytes]) -> Iterator[bytes]:
    for name, data in files.items():
        for block in (name.encode(), file_bytes(data)):
            yield _pack_number(len(block))
            yield block


def _pack_number(value: int) -> bytes:
    return value.to_bytes(4, "big")
