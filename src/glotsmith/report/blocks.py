"""Blocks of compressed data inside an HTML page, which the browser's ``DecompressionStream`` reads."""

import base64
import gzip
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

import msgspec

BLOCK_BYTES = 256 * 1024  #: largest size of a block before compression; a larger value has a separate block
_LEVEL = 6  #: compression level of gzip
_WAITING = 4  #: number of blocks that a thread compresses while later ones are filled (zlib releases the GIL)

_encode = msgspec.json.Encoder().encode


def compress(value: object) -> str:
    """Return a value as JSON, compressed, in base64; equal values give equal texts."""
    return base64.b64encode(gzip.compress(_encode(value), _LEVEL, mtime=0)).decode("ascii")


def data_element(name: str, value: object) -> str:
    """Return an HTML element that contains a value. A browser does not run it, because of its type."""
    return f'<script type="application/gzip" id="{name}">{compress(value)}</script>\n'


class BlockWriter:
    """Writes values to a file, several in one block. The number of the block and an index in it identify a value."""

    def __init__(self, file: IO[str], prefix: str) -> None:
        """Write to ``file`` elements with the ids ``PREFIX0``, ``PREFIX1`` and so on."""
        self._file, self._prefix = file, prefix
        self._values: list[Any] = []
        self._bytes = 0
        self._threads = ThreadPoolExecutor(max_workers=1)
        self._elements = deque[Future[str]]()  #: the elements that are not written yet, in order
        self.blocks = 0  #: number of complete blocks

    def add(self, value: object) -> tuple[int, int]:
        """Add a value; return the number of its block and its index in the block."""
        data = msgspec.Raw(_encode(value))
        if self._values and self._bytes + len(bytes(data)) > BLOCK_BYTES:
            self._end_block()
        self._values.append(data)
        self._bytes += len(bytes(data))
        return self.blocks, len(self._values) - 1

    def _end_block(self) -> None:
        name, values = f"{self._prefix}{self.blocks}", self._values
        self._elements.append(self._threads.submit(data_element, name, values))
        self.blocks += 1
        self._values, self._bytes = [], 0
        while len(self._elements) > _WAITING:
            self._file.write(self._elements.popleft().result())

    def close(self) -> None:
        """Write the remaining blocks."""
        if self._values:
            self._end_block()
        for element in self._elements:
            self._file.write(element.result())
        self._threads.shutdown()
