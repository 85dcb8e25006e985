"""``glotsmith verify --format agnostics``: answer each line at once, as the containers of Agnostics do."""

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

_LARGEST_IN_FLIGHT = 64  #: largest number of lines in flight
_Queue = asyncio.Queue[asyncio.Task[AgnosticsAnswer] | None]


async def answer_lines(source: BinaryIO, sink: BinaryIO, language: str, isolation: str, workers: int | None) -> None:
    """Write an answer to ``sink`` for each line of ``source``, in order, until its end."""
    sandbox, running, loop = open_sandbox(isolation, workers), _Queue(_LARGEST_IN_FLIGHT), asyncio.get_running_loop()

    async def ask(line: bytes | None) -> None:
        task = asyncio.create_task(answer_line(sandbox.run, language, line)) if line is not None else None
        await running.put(task)

    def read() -> None:
        with suppress(CancelledError, RuntimeError):  # the event loop has stopped
            for line in _read_lines(source.fileno()):
                asyncio.run_coroutine_threadsafe(ask(line), loop).result()
            asyncio.run_coroutine_threadsafe(ask(None), loop).result()

    try:
        threading.Thread(target=read, daemon=True).start()  # a thread, so that an interrupt does not wait for a line
        while (task := await running.get()) is not None:
            sink.write(msgspec.json.encode(await task) + b"\n")
            sink.flush()
    finally:
        await sandbox.close()


def _read_lines(descriptor: int) -> Iterator[bytes]:
    """Yield lines that are not blank, without a buffer of Python, whose lock could block the exit of the process."""
    rest = list[bytes]()  # parts of a line, which may have a hundred megabytes and is joined once
    while data := os.read(descriptor, 2**16):
        *whole, last = data.split(b"\n")
        for end in whole:
            line, rest = b"".join((*rest, end)), []
            if line.strip():
                yield line
        rest.append(last)
    if (line := b"".join(rest)).strip():
        yield line
