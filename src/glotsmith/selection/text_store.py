"""Texts on disk, with the marks that find similar ones. A store can be kept as a segment of an index.

Only the digests, the places of the texts and the decisions are in memory: about 60 bytes an item.
"""

import os
import shutil
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from zlib import crc32

import msgspec

from glotsmith.errors import UsageError
from glotsmith.selection.signatures import SIGNATURE_BYTES

if TYPE_CHECKING:
    from glotsmith.selection.minhash import Marks
    from glotsmith.selection.token_hashes import TokenHashes

BANDS = 160  #: number of bands for similar texts (``minhash.py``)
EXACT, GROUP = BANDS, BANDS + 1  #: further bands: equal texts, and texts of one group
ALL_BANDS = BANDS + 2
DIGEST_BYTES = 16
_BLOCK = 2048  #: items whose marks are written at once, ordered by band
_WAITING_BYTES = 1 << 19  #: bytes of texts in memory whose marks are not computed
_MARK_BYTES = 4
_NAMES = ("marks", "signatures", "texts", "keys")
_TABLE = "table"  #: file with the data that are read into memory
_FORMAT = 3  #: format of the marks; no text would match the marks of another format


class StoredText(NamedTuple):
    """A text as it is stored."""

    key: str
    tokens: bytes  #: the tokens that are compared (``similarity.token_bytes``)
    exact: str  #: hexadecimal digest that equal texts share
    group: str  #: hexadecimal digest of language and group
    language: str


class TextIdentity(NamedTuple):
    """Digests of a text."""

    exact: bytearray  #: digests that equal texts share
    group: bytearray  #: digests of language and group
    language: int


class _Table(msgspec.Struct):
    """The columns of a segment that are read into memory."""

    format: int = 1
    text_ends: bytes = bytes(8)
    key_ends: bytes = bytes(8)
    exact: bytes = b""
    group: bytes = b""
    languages: bytes = b""
    counts: bytes = b""
    kept: bytes = b""


class TextStore:
    """Texts that are appended once, and then read in any order."""

    def __init__(self, folder: Path, *, similar: bool = True, saved: bool = False) -> None:
        """Create the files in a folder, or open those that were saved there.

        Args:
            folder: the folder of the files.
            similar: also compute marks that find similar texts.
            saved: read the files.

        Raises:
            UsageError: another version of glotsmith saved the files.

        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._similar = folder, similar
        read = _read_table(folder / _TABLE) if saved else _Table()
        files: list[BinaryIO] = [(folder / name).open("rb" if saved else "w+b") for name in _NAMES]
        self._marks, self._signatures, self._texts, self._keys = self._files = files
        self._text_ends, self._key_ends = array("Q", read.text_ends), array("Q", read.key_ends)
        self._exact, self._group = bytearray(read.exact), bytearray(read.group)
        self.languages, self.lengths = array("I", read.languages), array("I", read.counts)
        self._waiting, self._waiting_bytes = list[bytes](), 0
        self._columns: list[Marks] = []  #: marks of the last block
        self.kept = bytearray(read.kept)  #: 1 for each text that was kept

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.languages)

    def add(self, text: StoredText) -> None:
        """Append a text."""
        self._key_ends.append(self._key_ends[-1] + self._keys.write(text.key.encode("utf-8", "surrogatepass")))
        self._exact += bytes.fromhex(text.exact)
        self._group += bytes.fromhex(text.group)
        self.languages.append(crc32(text.language.encode()))
        self.kept.append(0)
        self._waiting.append(text.tokens)
        self._waiting_bytes += len(text.tokens)
        if len(self) % _BLOCK == 0:
            self._write_block()
        elif self._waiting_bytes >= _WAITING_BYTES:
            self._process_waiting()

    def flush(self) -> None:
        """Write what is in memory."""
        self._write_block()
        for file in self._files:
            file.flush()

    def _write_block(self) -> None:
        self._process_waiting()
        if self._columns:
            import numpy as np

            self._marks.write(np.concatenate(self._columns, axis=1).tobytes())
        self._columns.clear()

    def _process_waiting(self) -> None:
        """Hash the tokens of the texts that wait for it, and compute their marks and signatures."""
        if not self._waiting:
            return
        import numpy as np

        from glotsmith.selection.minhash import no_sketch, sketch  # imports NumPy, which only a search needs
        from glotsmith.selection.token_hashes import token_hashes

        first, found = len(self) - len(self._waiting), token_hashes(self._waiting)
        self._write_tokens(found)
        exact, group = (
            np.frombuffer(digests[first * DIGEST_BYTES :], np.uint32)[:: DIGEST_BYTES // _MARK_BYTES]
            for digests in (self._exact, self._group)
        )
        marks, signatures = sketch(found.filled(exact)) if self._similar else no_sketch(first, len(exact))
        self._signatures.write(signatures.tobytes())
        self._columns.append(np.vstack([marks, exact, group]) ^ np.array(self.languages[first:], np.uint32))
        self._waiting, self._waiting_bytes = [], 0

    def _write_tokens(self, found: "TokenHashes") -> None:
        self._texts.write(found.hashes.tobytes())
        for count in found.counts.tolist():
            self.lengths.append(count)
            self._text_ends.append(self._text_ends[-1] + count * self.lengths.itemsize)

    def band(self, number: int) -> Iterator[bytes]:
        """Yield the marks of a band, in the order of the texts, as 32-bit numbers; after ``flush``."""
        for start in range(0, len(self), _BLOCK):
            count = min(_BLOCK, len(self) - start)
            self._marks.seek((start * ALL_BANDS + number * count) * _MARK_BYTES)
            yield self._marks.read(count * _MARK_BYTES)

    def signatures(self) -> Iterator[bytes]:
        """Yield the signatures in the order of the texts, in pieces; after ``flush``."""
        self._signatures.seek(0)
        while piece := self._signatures.read(_BLOCK * SIGNATURE_BYTES):
            yield piece

    def text(self, number: int) -> "array[int]":
        """Return the hashes of the tokens of a text; after ``flush``."""
        return array("I", _slice(self._texts, self._text_ends, number))

    def key(self, number: int) -> str:
        """Return the key of a text; after ``flush``."""
        return _slice(self._keys, self._key_ends, number).decode("utf-8", "surrogatepass")

    def identity(self, number: int) -> TextIdentity:
        """Return the digests of a text, which are compared before its words."""
        digest = slice(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES)
        return TextIdentity(self._exact[digest], self._group[digest], self.languages[number])

    def close(self) -> None:
        """Close the files; idempotent."""
        for file in self._files:
            file.close()

    def save(self, place: Path) -> None:
        """Close the store, and move its files to a place, where they replace those of an earlier segment."""
        columns = (self._text_ends, self._key_ends, self._exact, self._group, self.languages, self.lengths, self.kept)
        self.close()
        (self._folder / _TABLE).write_bytes(msgspec.msgpack.encode(_Table(_FORMAT, *map(bytes, columns))))
        aside = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.copytree(self._folder, aside)
        shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)


def _read_table(file: Path) -> _Table:
    read = msgspec.msgpack.decode(file.read_bytes(), type=_Table)
    if read.format != _FORMAT:
        raise UsageError(
            f"{file.parent}: another version of glotsmith wrote this part of an index: delete it, or use another index"
        )
    return read


def _slice(file: BinaryIO, ends: "array[int]", number: int) -> bytes:
    return os.pread(file.fileno(), ends[number + 1] - ends[number], ends[number])
