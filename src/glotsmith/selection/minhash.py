"""Find pairs that may be near-duplicates: locality-sensitive hashing over MinHash signatures.

The index finds pairs with ROUGE-L F1 > 0.6 for this reason: a common subsequence is part of the common multiset of
tokens, so that F1 > t implies a Jaccard similarity of the token multisets of at least t / (2 - t), which is 0.43 for
0.6. With 128 bands of 4 rows, a pair with similarity 0.43 is found with probability 1 - (1 - 0.43⁴)¹²⁸ = 0.988, a pair
with 0.5 with probability 0.9997, and a pair with 0.2 is compared needlessly with probability 0.18.
``benchmarks/deduplication.py`` measures this on real functions.

MinHash comes from rensa. Signatures are in a temporary file, 512 bytes for an item; memory holds one part of their
columns at a time. The items that share a mark are found by sorting each band, because tables of bands in memory need 2
to 30 KB for an item.
"""

import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Protocol, cast

import numpy as np
from numpy.typing import NDArray

BANDS = 128
ROWS_PER_BAND = 4  #: signature slots in a band
_SEED = 42
_BLOCK = 1024  #: items that are written and read at once
_COLUMN_BYTES = 1 << 26  #: maximum size of the columns that are sorted in one pass over the file
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)

Marks = NDArray[np.uint32]


class _MinHash(Protocol):
    def update(self, items: list[str]) -> None: ...
    def digest(self) -> list[int]: ...


def multiset_features(words: Sequence[str]) -> list[str]:
    """Return a multiset of tokens as a set, in which each occurrence of a token is a feature of its own."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for word in words:
        count = seen[word] = seen.get(word, 0) + 1
        found.append(word if count == 1 else f"{word} {count}")
    return found


def minhash_digest(words: Sequence[str]) -> "array[int]":
    """Return the signature of a multiset of tokens, the same on every machine and in every process."""
    import rensa  # has no type annotations

    minhash = cast(_MinHash, rensa.RMinHash(num_perm=BANDS * ROWS_PER_BAND, seed=_SEED))  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    minhash.update(multiset_features(words))
    return array("I", minhash.digest())


def band_marks(digests: "array[int]") -> Marks:
    """Return one 32-bit mark for each band of each signature, as a table with a row for each item."""
    slots = np.frombuffer(digests, np.uint32).reshape(-1, BANDS, ROWS_PER_BAND).astype(np.uint64)
    mixed = (slots * _MIX).sum(axis=2, dtype=np.uint64)
    mixed ^= mixed >> np.uint64(29)
    return ((mixed * _MIX[1]) >> np.uint64(32)).astype(np.uint32)


class BandTable:
    """The marks of all items in a temporary file; ``number_groups`` replaces them by groups of items that share one."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the table
        self._digests = array("I")
        self._written = 0

    def __len__(self) -> int:
        """Count the items."""
        return self._written + len(self._digests) // (BANDS * ROWS_PER_BAND)

    def add(self, words: Sequence[str]) -> None:
        """Add the tokens of the next item; items are numbered from 0."""
        self._digests.extend(minhash_digest(words))
        if len(self._digests) == _BLOCK * BANDS * ROWS_PER_BAND:
            self._flush()

    def _flush(self) -> None:
        if self._digests:
            marks = band_marks(self._digests)
            self._write(self._written, marks)
            self._written += len(marks)
            self._digests = array("I")

    def _write(self, first: int, rows: Marks) -> None:
        self._file.seek(first * BANDS * 4)
        data = memoryview(rows.tobytes())
        while data:
            data = data[self._file.write(data) :]

    def _read(self, first: int, count: int) -> Marks:
        size, data = count * BANDS * 4, b""
        while len(data) < size:
            if not (part := os.pread(self._file.fileno(), size - len(data), first * BANDS * 4 + len(data))):
                raise OSError("a temporary file of signatures ends early")
            data += part
        return np.frombuffer(data, np.uint32).reshape(count, BANDS)

    def number_groups(self) -> int:
        """Replace each mark by the number of its group, or by 0 if no other item shares it; return the last number.

        Numbers begin at 1. Groups of different bands have different numbers.
        """
        self._flush()
        count, last = self._written, 0
        width = max(1, min(BANDS, _COLUMN_BYTES // (4 * max(count, 1))))
        for left in range(0, BANDS, width):
            part = slice(left, min(left + width, BANDS))
            columns = np.empty((part.stop - left, count), np.uint32)
            for first, rows in self._blocks():
                columns[:, first : first + len(rows)] = rows[:, part].T
            for column in columns:
                last = _number_column(column, last)
            for first, rows in self._blocks():
                changed = rows.copy()
                changed[:, part] = columns[:, first : first + len(rows)].T
                self._write(first, changed)
        return last

    def _blocks(self) -> Iterator[tuple[int, Marks]]:
        for first in range(0, self._written, _BLOCK):
            yield first, self._read(first, min(_BLOCK, self._written - first))

    def groups(self, order: Iterable[int]) -> Iterator[tuple[int, Marks | None]]:
        """Yield the number of each item and its groups, without 0, in an order; None if it shares no mark."""
        block, start, end = np.empty((0, BANDS), np.uint32), 0, 0
        expected = 0
        for number in order:
            if not start <= number < end:
                # items in their own order are read in blocks
                count = min(_BLOCK, self._written - number) if number == expected else 1
                block, start, end = self._read(number, count), number, number + count
            expected = number + 1
            row = block[number - start]
            yield number, row[row > 0] if row.any() else None

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def _number_column(marks: Marks, last: int) -> int:
    """Replace the marks of one band by numbers of groups after ``last``; return the last number."""
    keys = (marks.astype(np.uint64) << np.uint64(32)) | np.arange(len(marks), dtype=np.uint64)
    keys.sort()
    same = (keys[1:] >> np.uint64(32)) == (keys[:-1] >> np.uint64(32))
    shared = np.zeros(len(marks), bool)
    shared[1:] |= same
    shared[:-1] |= same
    begins = shared.copy()
    begins[1:] &= ~same
    numbers = np.cumsum(begins) + last
    marks[:] = 0
    marks[(keys & np.uint64(0xFFFFFFFF))[shared].astype(np.int64)] = numbers[shared]
    return last + int(begins.sum())


class GroupMembers:
    """The kept items of each group: chains in flat arrays, of 8 bytes for a kept item in a group."""

    def __init__(self, groups: int) -> None:
        """Create it for groups from 1 to ``groups``."""
        self._heads = np.zeros(groups + 1, np.uint32)  #: group → node, 0 for none
        self._next = np.zeros(1024, np.uint32)  #: node → next node of its group
        self._items = np.zeros(1024, np.uint32)  #: node → item
        self._size = 1

    def add(self, groups: Marks, item: int) -> None:
        """Add an item to groups."""
        end = self._size + len(groups)
        if end > len(self._next):
            length = max(end, len(self._next) + (len(self._next) >> 1))
            self._next = np.resize(self._next, length)
            self._items = np.resize(self._items, length)
        self._next[self._size : end] = self._heads[groups]
        self._items[self._size : end] = item
        self._heads[groups] = np.arange(self._size, end, dtype=np.uint32)
        self._size = end

    def of(self, groups: Marks) -> list[int]:
        """Return the items of groups, each once, in ascending order."""
        nodes = self._heads[groups]
        found: list[Marks] = []
        while len(nodes := nodes[nodes > 0]):
            found.append(self._items[nodes])
            nodes = self._next[nodes]
        return np.unique(np.concatenate(found)).tolist() if found else []
