"""Find pairs that may be near-duplicates: locality-sensitive hashing over MinHash signatures.

The index finds pairs with ROUGE-L F1 > 0.6 for this reason: a common subsequence is part of the common multiset of
tokens, so that F1 > t implies a Jaccard similarity of the token multisets of at least t / (2 - t), which is 0.43 for
0.6. With 128 bands of 4 rows, a pair with similarity 0.43 is found with probability 1 - (1 - 0.43⁴)¹²⁸ = 0.988, a pair
with 0.5 with probability 0.9997, and a pair with 0.2 is compared needlessly with probability 0.18.
``benchmarks/deduplication.py`` measures this on real functions.

MinHash comes from rensa. ``band_links.py`` finds equal bands.
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
