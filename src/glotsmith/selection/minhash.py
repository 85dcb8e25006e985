"""Find pairs that may be near-duplicates: locality-sensitive hashing over MinHash signatures.

The index finds pairs with ROUGE-L F1 > 0.6 for this reason: a common subsequence is part of the common multiset of
tokens, so that F1 > t implies a Jaccard similarity of the token multisets of at least t / (2 - t), which is 0.43 for
0.6. A signature has 160 hash functions. Four partitions divide them into bands of 4, so that each function is in four
bands, and no two functions share more than one band. A pair with similarity 0.43 is found with probability 0.987, as
with 128 bands of 512 functions, a pair with 0.5 with probability 0.9995, and a pair with 0.2 is compared needlessly
with probability 0.2. ``benchmarks/deduplication.py`` measures this on real functions.

The features of many texts are hashed at once, one hash function after another, in arrays that the processor caches.
``band_links.py`` finds equal bands.
"""

from array import array
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from glotsmith.selection.text_store import BANDS

Marks = NDArray[np.uint32]

ROWS_PER_BAND = 4  #: hash functions in a band
_PARTITIONS = 4
_BANDS_OF_PARTITION = BANDS // _PARTITIONS
_FUNCTIONS = ROWS_PER_BAND * _BANDS_OF_PARTITION
_KNOWN_WORDS = 1 << 18  #: hashes of words in memory
_CHUNK = 1 << 15  #: words that are hashed at once


class _WordHashes(dict[str, int]):
    """Hashes of words, the same on every machine; each is computed once while memory allows."""

    def __missing__(self, word: str) -> int:
        """Compute the hash of a new word."""
        if len(self) >= _KNOWN_WORDS:
            self.clear()
        found = self[word] = crc32(word.encode())
        return found


_hashes = _WordHashes()


def band_marks(texts: Sequence[Sequence[str]]) -> Marks:
    """Return a 32-bit mark of each band (rows) for each text (columns), which has at least one word.

    The marks depend on the multiset of the words alone, and are the same in every process.
    """
    parts, start, size = list[Marks](), 0, 0
    for end, words in enumerate(texts, start=1):
        size += len(words)
        if size >= _CHUNK or end == len(texts):
            parts.append(_marks(texts[start:end]))
            start, size = end, 0
    return np.concatenate(parts, axis=1) if parts else np.empty((BANDS, 0), np.uint32)


def _marks(texts: Sequence[Sequence[str]]) -> Marks:
    counts, words = np.array([len(words) for words in texts]), array("I")
    for text in texts:
        words.extend(map(_hashes.__getitem__, text))
    features, starts = _features(np.frombuffer(words, np.uint32), counts), np.cumsum(counts) - counts
    signatures, hashed = np.empty((_FUNCTIONS, len(texts)), np.uint32), np.empty_like(features)
    for signature, factor, summand in zip(signatures, _FACTORS, _SUMMANDS, strict=True):
        np.multiply(features, factor, out=hashed)
        np.add(hashed, summand, out=hashed)
        np.minimum.reduceat(hashed, starts, out=signature)
    rows = signatures.reshape(ROWS_PER_BAND, _BANDS_OF_PARTITION, len(texts))
    return np.concatenate([_mix_rows(rows, partition) for partition in range(_PARTITIONS)])


def _features(words: Marks, counts: NDArray[Any]) -> Marks:
    """Return a hash of each word and its number among equal words of the text: a multiset as a set."""
    text = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
    pairs = np.sort(text << np.uint64(32) | words)
    places = np.arange(len(pairs), dtype=np.uint32)
    is_first = np.concatenate(([True], pairs[1:] != pairs[:-1]))
    numbers = places - np.maximum.accumulate(np.where(is_first, places, np.uint32(0)))
    return _mix(pairs.astype(np.uint32) + numbers * _SPREAD)


def _mix_rows(rows: Marks, partition: int) -> Marks:
    """Return the marks of a partition: each row is shifted by another multiple of the partition's number."""
    marks = np.zeros(rows.shape[1:], np.uint32)
    for number, row in enumerate(rows):
        marks = _mix(marks * _SPREAD + np.roll(row, -number * partition, axis=0))
    return marks


def _mix(values: Marks) -> Marks:
    """Return the values, with each bit dependent on all bits (the last step of MurmurHash3)."""
    values = values ^ (values >> np.uint32(16))
    values *= np.uint32(0x85EBCA6B)
    values ^= values >> np.uint32(13)
    values *= np.uint32(0xC2B2AE35)
    values ^= values >> np.uint32(16)
    return values


_SPREAD = np.uint32(0x9E3779B1)  #: odd; 2³² divided by the golden ratio
_ODD = np.array([[1], [0]], np.uint32)
#: the factors are odd, so that each multiplication is a permutation
_FACTORS, _SUMMANDS = _mix(np.arange(1, 2 * _FUNCTIONS + 1, dtype=np.uint32) * _SPREAD).reshape(2, -1) | _ODD
