"""Texts in a temporary file, so that memory holds 8 bytes for each of them."""

import os
import tempfile
from array import array
from typing import IO

_BUFFER = 1 << 16  #: bytes


class TextFile:
    """Texts by number, in the order in which they were added. The file has no name and disappears when it is closed."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=_BUFFER)  # noqa: SIM115 - closed with the object
        self._ends = array("Q", [0])
        self._unwritten = False

    def __len__(self) -> int:
        """Count the texts."""
        return len(self._ends) - 1

    def add(self, text: str) -> None:
        """Add the next text, which may hold lone surrogates."""
        data = text.encode("utf-8", "surrogatepass")
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))
        self._unwritten = True

    def __getitem__(self, number: int) -> str:
        """Return a text by its number, from 0."""
        if self._unwritten:
            self._file.flush()
            self._unwritten = False
        start, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._file.fileno(), end - start, start).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
