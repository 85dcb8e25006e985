"""The parent's ends of a program's pipes: nothing here blocks, whatever the program does."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from typing import Protocol

from glotsmith.sandbox.wrapper import BUILDING, MISSING, READY, UNBUILT

_CHUNK = 65536


class ByteConsumer(Protocol):
    """Something that takes what was read."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        ...


class LimitedBuffer:
    """Keeps everything up to a limit, then calls for the end of the program."""

    data: bytearray

    def __init__(self, limit: int, overflow: Callable[[], None]) -> None:
        self.data = bytearray()
        self._limit, self._overflow = limit, overflow

    def feed(self, data: bytes) -> None:
        """Keep what fits."""
        self.data += data
        if len(self.data) > self._limit:
            del self.data[self._limit :]
            self._overflow()


class TailBuffer:
    """Keeps the last bytes."""

    data: bytearray

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> None:
        """Forget what came long before."""
        self.data += data
        if len(self.data) > self._limit:
            del self.data[: len(self.data) - self._limit]


#: state → (the wrapper's word, the next state). Once a builder may speak, only what follows a build is listened for:
#: a source's text that it quotes can make its own program fail, and nothing else.
_WORDS = {
    "setup": ((READY, "ready"), (MISSING, "missing"), (BUILDING, "building")),
    "building": ((READY, "ready"), (UNBUILT, "unbuilt")),
}


class StderrParser:
    """Splits what the wrapper said from what the program said, and keeps the tail of the latter."""

    state: str  #: ``setup`` until the wrapper has spoken, then ``building`` or not, then ``ready unbuilt missing``
    data: bytearray  #: what the program said; where it was not built, the builder

    def __init__(self, limit: int, changed: Callable[[], None] = lambda: None) -> None:
        self.state, self.data = "setup", bytearray()
        self._limit, self._changed = limit, changed

    def feed(self, data: bytes) -> None:
        """Look for the wrapper's words; then keep the tail."""
        self.data += data
        while self._look():
            self._changed()
        if self.state != "setup" and len(self.data) > self._limit:
            del self.data[: len(self.data) - self._limit]

    def _look(self) -> bool:
        """Take the wrapper's next word, if it is there."""
        for word, state in _WORDS.get(self.state, ()):
            before, found, after = self.data.partition(word)
            if found:
                self.state, self.data = state, before if state == "unbuilt" else after
                return True
        return False


class PipeReader:
    """Feeds a stream from a pipe: while the loop runs, once it listens, and when it is drained."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, stream: ByteConsumer) -> None:
        self._loop, self._fd, self._stream = loop, fd, stream
        self._listens = False
        os.set_blocking(fd, False)

    def listen(self) -> None:
        """Begin to read what comes; idempotent. A program that writes more than a pipe holds waits for this."""
        if self._fd >= 0 and not self._listens:
            self._listens = True
            self._loop.add_reader(self._fd, self._read)

    def drain(self) -> None:
        """Read all that is there, without waiting for more: for when all writers are dead."""
        while self._fd >= 0 and self._read():
            pass

    def close(self) -> None:
        """Close the pipe; idempotent."""
        if self._fd >= 0:
            if self._listens:
                self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> bool:
        """Read once; whether there was something."""
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._stream.feed(data)
        else:
            self.close()
        return bool(data)


class PipeWriter:
    """Writes the program's stdin while the loop runs, and closes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, data: bytes) -> None:
        self._loop, self._fd, self._rest = loop, fd, memoryview(data)
        os.set_blocking(fd, False)
        loop.add_writer(fd, self._write)
        self._write()

    def close(self) -> None:
        """Close the pipe; idempotent."""
        if self._fd >= 0:
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _write(self) -> None:
        try:
            self._rest = self._rest[os.write(self._fd, self._rest) :]
        except BlockingIOError:
            return
        except OSError:  # EPIPE: the program does not care to read
            self._rest = self._rest[:0]
        if not self._rest:
            self.close()


STREAMS = 3  #: standard streams; a child's own take the place of an inherited descriptor with a lower number


def renumber_above(fd: int, lowest: int = STREAMS) -> int:
    """Return a descriptor of the same file with a free number that is not below ``lowest``; ``fd`` is closed.

    A process that has closed its standard streams gets their numbers for what it opens next.

    Raises:
        OSError: the process has no more descriptors.

    """
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
    finally:
        os.close(fd)


def pipe_holding(data: bytes) -> int:
    """Return the read end of a pipe that holds ``data``, which must be smaller than a pipe's capacity.

    Raises:
        OSError: the process has no more descriptors.

    """
    read, write = os.pipe()
    try:
        os.write(write, data)
    finally:
        os.close(write)
    return renumber_above(read)
