"""Find pairs that may be near-duplicates: locality-sensitive hashing over MinHash signatures.

The index finds pairs with ROUGE-L F1 > 0.6 for this reason: a common subsequence is part of the common multiset of
tokens, so that F1 > t implies a Jaccard similarity of the token multisets of at least t / (2 - t), which is 0.43 for
0.6. With 128 bands of 4 rows, a pair with similarity 0.43 is found with probability 1 - (1 - 0.43⁴)¹²⁸ = 0.988, a pair
with 0.5 with probability 0.9997, and a pair with 0.2 is compared needlessly with probability 0.18.
``benchmarks/deduplication.py`` measures this on real functions.

MinHash comes from rensa. The table of bands is implemented here: rensa's needs about 15 KB per item, this one 2 KB.
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
    """Return a multiset of tokens as a set, in which each occurrence of a token is a feature of its own."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for word in words:
        count = seen[word] = seen.get(word, 0) + 1
        found.append(word if count == 1 else f"{word} {count}")
    return found


def minhash_signature(words: Sequence[str]) -> list[int]:
    """Return one 32-bit mark for each band, the same on every machine and in every process."""
    import rensa  # has no type annotations

    minhash = cast(_MinHash, rensa.RMinHash(num_perm=BANDS * ROWS_PER_BAND, seed=_SEED))  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    minhash.update(multiset_features(words))
    data, step = array("I", minhash.digest()).tobytes(), ROWS_PER_BAND * _SLOT_BYTES
    return [crc32(data[start : start + step], start) for start in range(0, len(data), step)]


class MinHashIndex:
    """An index of signatures, which finds the earlier items that share a band with a given one.

    It is a hash table with chains in flat arrays: at most 16 bytes per band, about 2 KB per item.
    """

    def __init__(self) -> None:
        self._heads = array("I", bytes(4 * 1024))  #: slot → node, 0 for none
        self._next = array("I", [0])  #: node → next node of its slot
        self._marks = array("I", [0])  #: node → its band's mark

    def __len__(self) -> int:
        """Count the items."""
        return len(self._marks) // BANDS

    def find_similar(self, marks: Sequence[int]) -> list[int]:
        """Return the numbers of all items that share a band, in ascending order."""
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
        """Add all nodes from ``first`` on to the chains."""
        heads, following, mask = self._heads, self._next, len(self._heads) - 1
        for node in range(first, len(self._marks)):
            slot = self._marks[node] & mask
            following[node] = heads[slot]
            heads[slot] = node
