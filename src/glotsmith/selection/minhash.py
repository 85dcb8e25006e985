"""Find pairs that may be near-duplicates: locality-sensitive hashing over MinHash signatures.

The index finds pairs with ROUGE-L F1 > 0.6 for this reason: a common subsequence is part of the common multiset of
tokens, so that F1 > t implies a Jaccard similarity of the token multisets of at least t / (2 - t), which is 0.43 for
0.6. A signature has 160 hash functions. Four partitions divide them into bands of 4, so that each function is in four
bands, and no two functions share more than one band. A pair with similarity 0.43 is found with probability 0.987, as
with 128 bands of 512 functions, a pair with 0.5 with probability 0.9995, and a pair with 0.2 is compared needlessly
with probability 0.2. ``benchmarks/deduplication.py`` measures this on real functions.

The features of many texts are hashed at once, one hash function after another, in arrays that the processor caches.
``band_links.py`` finds equal bands, and ``signatures.py`` estimates similarities.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glotsmith.selection.signatures import FUNCTIONS, SIGNATURE_BYTES
from glotsmith.selection.text_store import BANDS
from glotsmith.selection.token_hashes import Hashes, TokenHashes

Marks = NDArray[np.uint32]
Signatures = NDArray[np.uint8]

ROWS_PER_BAND = 4  #: hash functions in a band
_PARTITIONS = 4
_BANDS_OF_PARTITION = BANDS // _PARTITIONS
_CHUNK = 1 << 15  #: tokens that are hashed at once


class Sketches(NamedTuple):
    """What MinHash keeps of texts."""

    marks: Marks  #: a 32-bit mark of each band (rows) for each text (columns)
    signatures: Signatures  #: four bits of each hash function, two functions in a byte (columns), for each text (rows)


def sketch(texts: TokenHashes) -> Sketches:
    """Return the marks and signatures of texts, each of which has at least one token.

    They depend on the multiset of the tokens alone, and are the same in every process.
    """
    ends, parts, start, first = np.cumsum(texts.counts), list[Sketches](), 0, 0
    while start < len(texts.counts):
        stop = max(int(np.searchsorted(ends, first + _CHUNK, side="right")), start + 1)
        last = int(ends[stop - 1])
        parts.append(_sketch(texts.hashes[first:last], texts.counts[start:stop]))
        start, first = stop, last
    marks, signatures = zip(no_sketch(0, 0), *parts, strict=True)
    return Sketches(np.concatenate(marks, axis=1), np.concatenate(signatures))


def no_sketch(first: int, count: int) -> Sketches:
    """Return what ``sketch`` returns, for texts that resemble no other; ``first`` is the number of the first text."""
    marks = np.broadcast_to(np.arange(first, first + count, dtype=np.uint32), (BANDS, count))
    return Sketches(marks, np.zeros((count, SIGNATURE_BYTES), np.uint8))


def _sketch(tokens: Hashes, counts: NDArray[np.int64]) -> Sketches:
    features, starts = _features(tokens, counts), np.cumsum(counts) - counts
    minima, hashed = np.empty((FUNCTIONS, len(counts)), np.uint32), np.empty_like(features)
    for minimum, factor, summand in zip(minima, _FACTORS, _SUMMANDS, strict=True):
        np.multiply(features, factor, out=hashed)
        np.add(hashed, summand, out=hashed)
        np.minimum.reduceat(hashed, starts, out=minimum)
    rows = minima.reshape(ROWS_PER_BAND, _BANDS_OF_PARTITION, len(counts))
    marks = np.concatenate([_mix_rows(rows, partition) for partition in range(_PARTITIONS)])
    return Sketches(marks, _pack(minima))


def _pack(minima: Marks) -> Signatures:
    """Return bits 12 to 15 of each minimum. The highest bits of a minimum are nearly always 0."""
    bits = (minima >> np.uint32(12) & np.uint32(15)).astype(np.uint8)
    return np.ascontiguousarray((bits[::2] | bits[1::2] << np.uint8(4)).T)


def _features(tokens: Hashes, counts: NDArray[np.int64]) -> Marks:
    """Return a hash of each token and its number among equal tokens of the text: a multiset as a set."""
    text = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
    pairs = np.sort(text << np.uint64(32) | tokens)
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
_FACTORS, _SUMMANDS = _mix(np.arange(1, 2 * FUNCTIONS + 1, dtype=np.uint32) * _SPREAD).reshape(2, -1) | _ODD
