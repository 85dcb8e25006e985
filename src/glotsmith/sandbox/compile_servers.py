"""Compile servers: compilers that stay loaded, each in a sandbox of its own. They never run what they compile.

A request is a count of files and each one's name and content; the answer a byte (0 compiled, 1 refused), what the
compiler said, a count of files and each one's name and content. Counts and lengths are 32 bits, big-endian.
"""

import asyncio
import contextlib
import logging
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from glotsmith.records import Limits, Program, Server, content_hash
from glotsmith.sandbox.spawned_process import ProcessLaunch
from glotsmith.sandbox.temporary_folders import SessionFolders
from glotsmith.sandbox.view import file_bytes, write_files

_LIMITS = Limits(cpu_s=1e6, wall_s=1e6, memory_mb=4096, processes=128, file_mb=64)
_PATIENCE_S = 60.0  #: for one request, on a busy machine; what takes longer is compiled cold, within its limits
_MOST = 4  #: servers of one kind; each takes some hundred MB
_REQUESTS = 2000  #: before a server is replaced
_LONGEST = 1 << 28  #: bytes of a name, a content or a text
_log = logging.getLogger(__name__)


class CompileResult(NamedTuple):
    """What a compiler answered."""

    compiled: bool
    messages: bytes
    files: dict[str, bytes]


class CompileServer:
    """One running server; it answers one request at a time."""

    def __init__(self, launch: ProcessLaunch) -> None:
        """Start it.

        Raises:
            OSError: the machine can't.

        """
        self._launch = launch
        self.requests = 0
        try:
            self._process = subprocess.Popen(
                launch.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=launch.env,
                cwd=launch.cwd,
                pass_fds=launch.fds,
                start_new_session=True,
            )
        finally:
            for fd in launch.fds:
                os.close(fd)

    def answer(self, request: bytes) -> CompileResult:
        """Send a request and wait for its answer. (Blocks: ``close`` from elsewhere ends it.)

        Raises:
            OSError: the server is gone.
            ValueError: it said something that is no answer.

        """
        assert self._process.stdin is not None
        self.requests += 1
        self._process.stdin.write(request)
        self._process.stdin.flush()
        compiled = self._read(1) == b"\0"
        said = self._block()
        return CompileResult(compiled, said, {self._block().decode(): self._block() for _ in range(self._number())})

    def _number(self) -> int:
        return int.from_bytes(self._read(4), "big")

    def _block(self) -> bytes:
        return self._read(self._number())

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        if size > _LONGEST:
            raise ValueError(f"a compile server announced {size} bytes")
        data = self._process.stdout.read(size)
        if len(data) != size:
            raise BrokenPipeError("a compile server has ended")
        return data

    def close(self) -> None:
        """Kill it; idempotent."""
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
    """The compile servers of one sandbox, started when they are needed."""

    def __init__(self, launch: Callable[[Program, Path], ProcessLaunch], folders: SessionFolders) -> None:
        self._launch, self._folders = launch, folders
        self._idle: dict[str, list[CompileServer]] = {}
        self._all: dict[str, list[CompileServer]] = {}
        self._broken: set[str] = set()

    async def compile(self, program: Program) -> CompileResult | None:
        """Return what the program's compile server makes of its files; None where it can't be had."""
        assert program.server is not None
        server_files = (part for name, text in program.server.files.items() for part in (name, str(text)))
        env = (f"{name}={value}" for name, value in sorted(program.env.items()))
        key = content_hash(*program.server.argv, "", *program.read_only, "", *env, "", *server_files)
        server = self._take(key, program, program.server)
        if server is None:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                sources = {shown: program.files[name] for name, shown in program.server.sources.items()}
                made = await asyncio.to_thread(server.answer, pack_compile_request(sources))
        except (OSError, ValueError, TimeoutError) as error:
            if server.requests == 1:
                self._broken.add(key)
            _log.warning("a compile server failed, its program is compiled cold: %s", error or "it took too long")
            self._drop(key, server)
            return None
        except asyncio.CancelledError:
            self._drop(key, server)
            raise
        self._give_back(key, server)
        return made

    def _take(self, key: str, program: Program, kind: Server) -> CompileServer | None:
        if self._idle.get(key):
            return self._idle[key].pop()
        running = self._all.setdefault(key, [])
        if len(running) >= _MOST or key in self._broken:
            return None
        folder = self._folders.make()
        (folder / "program").mkdir()
        write_files(kind.files, folder / "program")
        start = Program(files={}, argv=kind.argv, env=program.env, read_only=program.read_only, limits=_LIMITS)
        running.append(CompileServer(self._launch(start, folder)))
        return running[-1]

    def _give_back(self, key: str, server: CompileServer) -> None:
        if server.requests >= _REQUESTS:
            self._drop(key, server)
        else:
            self._idle.setdefault(key, []).append(server)

    def _drop(self, key: str, server: CompileServer) -> None:
        if server in self._all.get(key, []):
            self._all[key].remove(server)
        server.close()

    def close(self) -> None:
        """Kill them all; idempotent."""
        for server in [s for servers in self._all.values() for s in servers]:
            server.close()
        self._all.clear()
        self._idle.clear()


def pack_compile_request(files: Mapping[str, str | bytes]) -> bytes:
    """Return the request for some files."""
    return b"".join((_number(len(files)), *_blocks(files)))


def _blocks(files: Mapping[str, str | bytes]) -> Iterator[bytes]:
    for name, data in files.items():
        for block in (name.encode(), file_bytes(data)):
            yield _number(len(block))
            yield block


def _number(value: int) -> bytes:
    return value.to_bytes(4, "big")
