"""The parent's ends of a program's pipes, which never block, and descriptors that a child inherits."""

import asyncio
import fcntl
import os
from collections.abc import Callable

from glotsmith.sandbox.shell_wrapper import BUILDING, MISSING, READY, UNBUILT

_CHUNK = 65536


class LimitedBuffer:
    """Keeps the bytes up to a limit; calls ``overflow`` beyond it."""

    def __init__(self, limit: int, overflow: Callable[[], None]) -> None:
        self.data = bytearray()
        self._limit, self._overflow = limit, overflow

    def feed(self, data: bytes) -> None:
        """Keep what fits into the limit."""
        self.data += data
        if len(self.data) > self._limit:
            del self.data[self._limit :]
            self._overflow()


class TailBuffer:
    """Keeps the last bytes up to a limit."""

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> None:
        """Append the bytes and drop the oldest."""
        self.data += data
        if len(self.data) > self._limit:
            del self.data[: len(self.data) - self._limit]


#: State → (marker of the wrapper, next state). During a build only the markers that may follow it are recognized: a
#: source text that the compiler quotes can thus make only its own program fail.
_MARKERS = {
    "setup": ((READY, "ready"), (MISSING, "missing"), (BUILDING, "building")),
    "building": ((READY, "ready"), (UNBUILT, "unbuilt")),
}


class StderrParser:
    """Separates the markers of the shell wrapper from the program's stderr; keeps the tail of the latter."""

    state: str  #: ``setup``, then ``building`` if there is a build, then ``ready``, ``unbuilt`` or ``missing``
    data: bytearray  #: stderr of the program, or of its build if that failed

    def __init__(self, limit: int, changed: Callable[[], None] = lambda: None) -> None:
        self.state, self.data = "setup", bytearray()
        self._limit, self._changed = limit, changed

    def feed(self, data: bytes) -> None:
        """Parse markers, then keep the tail."""
        self.data += data
        while self._parse_marker():
            self._changed()
        if self.state != "setup" and len(self.data) > self._limit:
            del self.data[: len(self.data) - self._limit]

    def _parse_marker(self) -> bool:
        """Consume the next marker; return whether there was one."""
        for marker, state in _MARKERS.get(self.state, ()):
            before, found, after = self.data.partition(marker)
            if found:
                self.state, self.data = state, before if state == "unbuilt" else after
                return True
        return False


class PipeReader:
    """Passes the bytes from a pipe to ``feed``: in the event loop after ``start``, and in ``drain``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int, feed: Callable[[bytes], None]) -> None:
        self._loop, self._fd, self._feed = loop, fd, feed
        self._started = False
        os.set_blocking(fd, False)

    def start(self) -> None:
        """Read what is in the pipe, and further data in the event loop; idempotent.

        A program that fills the pipe blocks until then.
        """
        if self._fd >= 0 and not self._started:
            self._started = True
            self._loop.add_reader(self._fd, self._read)
            self._read()

    def drain(self) -> None:
        """Read everything that is in the pipe, without waiting; call it when all writers are dead."""
        while self._fd >= 0 and self._read():
            pass

    def close(self) -> None:
        """Close the pipe; idempotent."""
        if self._fd >= 0:
            if self._started:
                self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> bool:
        """Read once; return whether there was data."""
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._feed(data)
        else:
            self.close()
        return bool(data)


class PipeWriter:
    """Writes the program's stdin in the event loop, then closes the pipe."""

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
        except OSError:  # EPIPE: the program does not read stdin
            self._rest = self._rest[:0]
        if not self._rest:
            self.close()


_STREAMS = 3  #: number of standard streams; in a child they replace inherited descriptors with lower numbers


def renumber_above(fd: int, lowest: int = _STREAMS) -> int:
    """Return a descriptor of the same file with a free number of at least ``lowest``; close ``fd``.

    A process that has closed its standard streams gets their numbers for the files that it opens next.

    Raises:
        OSError: the process has no free descriptors.

    """
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
    finally:
        os.close(fd)


def pipe_holding(data: bytes) -> int:
    """Return the read end of a pipe that holds ``data``, which must be smaller than the capacity of a pipe.

    Raises:
        OSError: the process has no free descriptors.

    """
    read, write = os.pipe()
    try:
        os.write(write, data)
    finally:
        os.close(write)
    return renumber_above(read)
