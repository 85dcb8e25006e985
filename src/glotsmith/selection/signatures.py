"""Estimate from signatures which pairs of texts can be similar, without their texts.

Most pairs with a MinHash band in common are not similar. A signature has four bits of the minimum of each hash function
(b-bit minwise hashing: Li and König, 2010). Functions agree with the probability ``J + (1 - J) / 16`` in texts with the
Jaccard similarity ``J``; ``minhash.py`` derives ``J`` from ROUGE-L.
"""

import mmap
from array import array
from collections.abc import Collection, Iterable
from math import sqrt
from pathlib import Path

FUNCTIONS = 160  #: number of hash functions
_BITS = 4
SIGNATURE_BYTES = FUNCTIONS * _BITS // 8
_WORD_BYTES = 8
_ROW_WORDS = SIGNATURE_BYTES // _WORD_BYTES
_MANY = 40  #: number of others from which NumPy needs less time
_LOWEST_BITS = int.from_bytes(b"\x11" * SIGNATURE_BYTES)  #: the lowest of the four bits of each function


def least_agreement(similarity: float) -> int:
    """Return how many hash functions agree at least in texts with a similarity (ROUGE-L F1).

    The number is four standard deviations below the mean: two such texts have fewer agreements with a probability of
    3e-5.
    """
    jaccard = similarity / (2 - similarity)
    probability = jaccard + (1 - jaccard) / (1 << _BITS)
    return int(FUNCTIONS * probability - 4 * sqrt(FUNCTIONS * probability * (1 - probability)))


class SignatureFile:
    """The signatures of many texts, in a file."""

    def __init__(self, path: Path, signatures: Iterable[bytes], order: "array[int] | None") -> None:
        """Write the file.

        Args:
            path: the file.
            signatures: the signatures in the order of the texts, in pieces.
            order: the numbers of the texts in the order of decision; None for the order of the signatures.

        """
        self._order = order
        with path.open("w+b") as file:
            file.writelines(signatures)
            file.write(b"\0")  # an empty file cannot be mapped
            file.flush()
            self._map = mmap.mmap(file.fileno(), 0)

    def near(self, place: int, others: Collection[int], least: int) -> list[int]:
        """Return the places, in the order of decision, whose signatures have at least ``least`` agreements."""
        if len(others) > _MANY:
            return self._near_of_many(place, others, least)
        data, order, found = self._map, self._order, list[int]()
        start = SIGNATURE_BYTES * self._number(place)
        own = int.from_bytes(data[start : start + SIGNATURE_BYTES])
        for other in others:  # a large search has tens of others for each text: calls would take most of the time
            start = SIGNATURE_BYTES * (other if order is None else order[other])
            differing = own ^ int.from_bytes(data[start : start + SIGNATURE_BYTES])
            differing |= differing >> 2
            differing |= differing >> 1
            if FUNCTIONS - (differing & _LOWEST_BITS).bit_count() >= least:
                found.append(other)
        return found

    def _near_of_many(self, place: int, others: Collection[int], least: int) -> list[int]:
        """Return the same in less time, if there are many others, such as short programs of one language."""
        import numpy as np

        rows = np.frombuffer(self._map, np.uint64, len(self._map) // _WORD_BYTES).reshape(-1, _ROW_WORDS)
        places = np.fromiter(others, np.int64, len(others))
        numbers = places if self._order is None else np.frombuffer(self._order, np.uint32)[places]
        differing = rows[numbers] ^ rows[self._number(place)]
        differing |= differing >> np.uint64(2)
        differing |= differing >> np.uint64(1)
        differing &= np.uint64(_LOWEST_BITS % (1 << 64))
        agreeing = FUNCTIONS - np.bitwise_count(differing).sum(axis=1, dtype=np.int64)
        return places[agreeing >= least].tolist()

    def _number(self, place: int) -> int:
        return place if self._order is None else self._order[place]

    def close(self) -> None:
        """Close the file."""
        self._map.close()
