"""Descriptors that are passed to a child under the number that they have here."""

import fcntl
import os

STREAMS = 3  #: standard streams; a child's own take the place of an inherited descriptor with a lower number


def above(fd: int, lowest: int = STREAMS) -> int:
    """Return a descriptor of the same file with a free number that is not below ``lowest``; ``fd`` is closed.

    A process that has closed its standard streams gets their numbers for what it opens next.

    Raises:
        OSError: the process has no more descriptors.

    """
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
    finally:
        os.close(fd)


def pipe_with(data: bytes) -> int:
    """Return the read end of a pipe that holds ``data``, which must be smaller than a pipe's capacity.

    Raises:
        OSError: the process has no more descriptors.

    """
    read, write = os.pipe()
    try:
        os.write(write, data)
    finally:
        os.close(write)
    return above(read)
