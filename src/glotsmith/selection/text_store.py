"""Texts on disk, with the marks that find similar ones. A store can be kept as a segment of an index.

Only the digests, the places of the texts and the decisions are in memory: about 60 bytes an item.
"""

import os
import shutil
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

import msgspec

from glotsmith.selection.minhash import BANDS, minhash_signature

EXACT, GROUP = BANDS, BANDS + 1  #: further bands: equal texts, and texts of one group
ALL_BANDS = BANDS + 2
DIGEST_BYTES = 16
_BLOCK = 2048  #: items whose marks are written at once, ordered by band
_MARK_BYTES = 4
_NAMES = ("marks", "texts", "keys")
_TABLE = "table"  #: file with what is in memory


class StoredText(NamedTuple):
    """A text as it is stored."""

    key: str
    words: Sequence[str]  #: tokens that are compared
    exact: str  #: hexadecimal digest that equal texts share
    group: str  #: hexadecimal digest of language and group
    language: str


class _Table(msgspec.Struct):
    """The columns of a segment that are read into memory."""

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
            folder: of the files.
            similar: also compute marks that find similar texts.
            saved: read the files.

        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._similar = folder, similar
        files: list[BinaryIO] = [(folder / name).open("rb" if saved else "w+b") for name in _NAMES]
        self._marks, self._texts, self._keys = files
        read = msgspec.msgpack.decode((folder / _TABLE).read_bytes(), type=_Table) if saved else _Table()
        self._text_ends, self._key_ends = array("Q", read.text_ends), array("Q", read.key_ends)
        self._exact, self._group = bytearray(read.exact), bytearray(read.group)
        self._languages, self._counts = array("I", read.languages), array("I", read.counts)
        self._columns = [array("I") for _ in range(ALL_BANDS)]  #: marks of the last block, by band
        self.kept = bytearray(read.kept)  #: 1 for each text that was kept

    def __len__(self) -> int:
        """Count the texts."""
        return len(self._languages)

    def add(self, text: StoredText) -> None:
        """Append a text."""
        self._text_ends.append(self._text_ends[-1] + self._texts.write(" ".join(text.words).encode()))
        self._key_ends.append(self._key_ends[-1] + self._keys.write(text.key.encode("utf-8", "surrogatepass")))
        exact, group, language = bytes.fromhex(text.exact), bytes.fromhex(text.group), crc32(text.language.encode())
        self._exact += exact
        self._group += group
        self._languages.append(language)
        self._counts.append(len(text.words))
        self.kept.append(0)
        marks = minhash_signature(text.words) if self._similar else [len(self)] * BANDS
        for column, mark in zip(self._columns, (*marks, crc32(exact), crc32(group)), strict=True):
            column.append(mark ^ language)
        if len(self._columns[0]) == _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write the marks of the last block."""
        for column in self._columns:
            self._marks.write(column)
            del column[:]
        for file in (self._marks, self._texts, self._keys):
            file.flush()

    def band(self, number: int) -> Iterator[bytes]:
        """Yield the marks of a band, in the order of the texts, as 32-bit numbers; after ``flush``."""
        for start in range(0, len(self), _BLOCK):
            count = min(_BLOCK, len(self) - start)
            self._marks.seek((start * ALL_BANDS + number * count) * _MARK_BYTES)
            yield self._marks.read(count * _MARK_BYTES)

    def text(self, number: int) -> list[str]:
        """Return the words of a text."""
        return _slice(self._texts, self._text_ends, number).decode().split()

    def length(self, number: int) -> int:
        """Return the number of words of a text."""
        return self._counts[number]

    def key(self, number: int) -> str:
        """Return the key of a text."""
        return _slice(self._keys, self._key_ends, number).decode("utf-8", "surrogatepass")

    def exact(self, number: int) -> bytes:
        """Return the digest that equal texts share."""
        return bytes(self._exact[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES])

    def group(self, number: int) -> bytes:
        """Return the digest of a text's language and group."""
        return bytes(self._group[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES])

    def language(self, number: int) -> int:
        """Return a number for the language of a text."""
        return self._languages[number]

    def close(self) -> None:
        """Close the files; idempotent."""
        for file in (self._marks, self._texts, self._keys):
            file.close()

    def save(self, place: Path) -> None:
        """Close the store, and move its files to a place, where they replace those of an earlier segment."""
        columns = (self._text_ends, self._key_ends, self._exact, self._group, self._languages, self._counts, self.kept)
        self.close()
        (self._folder / _TABLE).write_bytes(msgspec.msgpack.encode(_Table(*map(bytes, columns))))
        aside = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.copytree(self._folder, aside)
        shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)


def _slice(file: BinaryIO, ends: "array[int]", number: int) -> bytes:
    file.seek(ends[number])
    return file.read(ends[number + 1] - ends[number])
