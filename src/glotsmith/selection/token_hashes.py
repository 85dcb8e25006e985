"""Hash the tokens of many texts at once, without a string for each token.

The hash of a token is a polynomial in its bytes, modulo 2⁶⁴, whose bits are mixed into 32. Sums of the powers from the
beginning of all texts give the polynomial of each token (Karp and Rabin, 1987). Two different tokens have one hash with
a probability of 2⁻³², so that hashes are compared in place of tokens. This needs about 32 bytes of memory for each byte
of the longest text.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]

_BLOCK = 1 << 16  #: bytes of texts that are hashed at once; the processor caches their arrays
_BASE = 0x9E3779B97F4A7C15  #: odd, so that there is an inverse modulo 2⁶⁴
_SPACE = np.uint8(ord(" "))


class TokenHashes(NamedTuple):
    """The hashes of the tokens of several texts, one text after another."""

    hashes: Hashes
    counts: NDArray[np.int64]  #: number of tokens of each text

    def filled(self, hashes: Hashes) -> "TokenHashes":
        """Return the same, where each text without tokens has one token; ``hashes`` has one for each text."""
        empty = self.counts == 0
        ends = np.cumsum(self.counts)
        return TokenHashes(np.insert(self.hashes, ends[empty], hashes[empty]), self.counts + empty)


def token_hashes(texts: Sequence[bytes]) -> TokenHashes:
    """Return the hashes of the tokens of texts (``similarity.token_bytes``); they are the same on every machine."""
    parts = [_hash_block(block) for block in _blocks(texts)]
    if not parts:
        return TokenHashes(np.empty(0, np.uint32), np.empty(0, np.int64))
    hashes, counts = zip(*parts, strict=True)
    return TokenHashes(np.concatenate(hashes), np.concatenate(counts))


def _blocks(texts: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start, size = 0, 0
    for end, text in enumerate(texts, start=1):
        size += len(text) + 1
        if size >= _BLOCK or end == len(texts):
            yield texts[start:end]
            start, size = end, 0


def _hash_block(texts: Sequence[bytes]) -> TokenHashes:
    data = np.frombuffer(b" ".join([b"", *texts, b""]), np.uint8)
    is_space = data == _SPACE
    edges = np.flatnonzero(is_space[1:] != is_space[:-1])  # before the first byte of a token, and at its last one
    before, last = edges[::2], edges[1::2]
    powers, inverses = _powers(len(data))
    sums = np.cumsum(data * powers)
    hashes = _mix((sums[last] - sums[before]) * inverses[before])
    ends = np.cumsum([len(text) + 1 for text in texts])
    return TokenHashes(hashes, np.diff(np.searchsorted(before, ends), prepend=0))


def _powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the powers of the base from the first one, and their inverses."""
    powers, inverses = _all_powers(max(_BLOCK << 1, 1 << count.bit_length()))
    return powers[:count], inverses[:count]


@lru_cache(1)
def _all_powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    powers, inverses = (np.cumprod(np.full(count, base, np.uint64)) for base in (_BASE, pow(_BASE, -1, 1 << 64)))
    return powers, inverses


def _mix(values: NDArray[np.uint64]) -> Hashes:
    """Return 32 bits, each of which depends on all bits (the last step of MurmurHash3)."""
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xFF51AFD7ED558CCD)
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    return (values >> np.uint64(32)).astype(np.uint32)
