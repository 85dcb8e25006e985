"""Candidates for near duplicates: locality-sensitive hashing over MinHash signatures.

Why it finds what ROUGE-L F1 > 0.6 calls similar: a common subsequence is part of the common multiset of tokens, so
F1 > t bounds the Jaccard similarity of the token multisets from below by t / (2 - t), 0.43 for 0.6. With 128 bands of
4 rows a pair at that bound is found with probability 1 - (1 - 0.43⁴)¹²⁸ = 0.988, one at 0.5 with 0.9997, while one at
0.2 is looked at in vain with 0.18. ``benchmarks/deduplication.py`` measures it on real functions.

MinHash is rensa's. The table of bands is our own, as rensa's takes about 15 KB an item and this one 2 KB.
"""

from array import array
from collections.abc import Sequence
from typing import Protocol, cast
from zlib import crc32

BANDS = 128
ROWS_PER_BAND = 4  #: signature slots in a band
_SEED = 42
_SLOT_BYTES = 4


class _MinHash(Protocol):
    def update(self, items: list[str]) -> None: ...
    def digest(self) -> list[int]: ...


def multiset_features(words: Sequence[str]) -> list[str]:
    """Return a multiset of tokens as a set: a token's second occurrence is a feature of its own, and so on."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for word in words:
        count = seen[word] = seen.get(word, 0) + 1
        found.append(word if count == 1 else f"{word} {count}")
    return found


def minhash_signature(words: Sequence[str]) -> list[int]:
    """Return one 32-bit mark for each band; the same on every machine and in every process."""
    import rensa  # it comes without types

    minhash = cast(_MinHash, rensa.RMinHash(num_perm=BANDS * ROWS_PER_BAND, seed=_SEED))  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    minhash.update(multiset_features(words))
    data, step = array("I", minhash.digest()).tobytes(), ROWS_PER_BAND * _SLOT_BYTES
    return [crc32(data[start : start + step], start) for start in range(0, len(data), step)]


class MinHashIndex:
    """An index of signatures: which earlier items share a band with this one?

    A hash table with chains in flat arrays: 16 bytes a band at most, so about 2 KB an item.
    """

    def __init__(self) -> None:
        self._heads = array("I", bytes(4 * 1024))  #: slot → node, 0 for none
        self._next = array("I", [0])  #: node → next node of its slot
        self._marks = array("I", [0])  #: node → its band's mark

    def __len__(self) -> int:
        """Count the items."""
        return len(self._marks) // BANDS

    def find_similar(self, marks: Sequence[int]) -> list[int]:
        """Return the numbers of all items that share a band, ascending."""
        heads, following, known = self._heads, self._next, self._marks
        mask = len(heads) - 1
        found: set[int] = set()
        for mark in marks:
            node = heads[mark & mask]
            while node:
                if known[node] == mark:
                    found.add((node - 1) // BANDS)
                node = following[node]
        return sorted(found)

    def add(self, marks: Sequence[int]) -> None:
        """Add the next item; items are numbered from 0."""
        first = len(self._marks)
        self._marks.extend(marks)
        self._next.extend([0] * len(marks))
        if len(self._marks) > len(self._heads):
            self._heads = array("I", bytes(4 * 2 * len(self._heads)))
            first = 1
        self._link(first)

    def _link(self, first: int) -> None:
        """Put all nodes from ``first`` on into the chains."""
        heads, following, mask = self._heads, self._next, len(self._heads) - 1
        for node in range(first, len(self._marks)):
            slot = self._marks[node] & mask
            following[node] = heads[slot]
            heads[slot] = node
