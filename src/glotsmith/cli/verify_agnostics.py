"""``glotsmith verify --format agnostics``: a line is answered as soon as it can be, as Agnostics' containers do."""

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import BinaryIO

import msgspec

from glotsmith.sandbox import open_sandbox
from glotsmith.verification.agnostics_protocol import AgnosticsAnswer, answer_line

_MANY = 64  #: lines in flight
_Queue = asyncio.Queue[asyncio.Task[AgnosticsAnswer] | None]


async def answer_lines(source: BinaryIO, sink: BinaryIO, language: str, isolation: str, workers: int | None) -> None:
    """Answer each line of ``source`` on ``sink``, in order, until there are no more."""
    sandbox, running, loop = open_sandbox(isolation, workers), _Queue(_MANY), asyncio.get_running_loop()

    async def ask(line: bytes | None) -> None:
        task = asyncio.create_task(answer_line(sandbox.run, language, line)) if line is not None else None
        await running.put(task)

    def read() -> None:
        with suppress(CancelledError, RuntimeError):  # nobody listens any more
            for line in _lines(source.fileno()):
                asyncio.run_coroutine_threadsafe(ask(line), loop).result()
            asyncio.run_coroutine_threadsafe(ask(None), loop).result()

    try:
        threading.Thread(target=read, daemon=True).start()  # an interrupt does not wait for a line
        while (task := await running.get()) is not None:
            sink.write(msgspec.json.encode(await task) + b"\n")
            sink.flush()
    finally:
        await sandbox.close()


def _lines(descriptor: int) -> Iterator[bytes]:
    """Yield lines that are not blank. No buffer of Python's is used: its lock could be held at the process's end."""
    rest = list[bytes]()  # of a line: one may have a hundred megabytes, and is put together once
    while data := os.read(descriptor, 2**16):
        *whole, last = data.split(b"\n")
        for end in whole:
            line, rest = b"".join((*rest, end)), []
            if line.strip():
                yield line
        rest.append(last)
    if (line := b"".join(rest)).strip():
        yield line
