"""ROUGE-L between programs: the F1 of their longest common subsequence of tokens.

With ``l`` the length of the longest common subsequence of two token sequences of lengths ``m`` and ``n``, precision is
``l / n``, recall is ``l / m``, and F1, their harmonic mean, is ``2 l / (m + n)``. F1 is 0 for an empty sequence.

Tokens are those of the reference tokeniser (``rouge_score.tokenize``): the text in lower case, split at everything that
is not an ASCII letter or digit. ``max_value`` is two tokens; operators and other scripts yield none. The tokeniser is
unchanged, so that a threshold of 0.6 has the meaning that it has in MultiPL-T (§4.4).

Two things differ from the paper's call of ``rougeLsum`` with ``use_stemmer=True``. There is no stemming, because
identifiers are not English. The whole program is one sequence, because ``rougeLsum`` compares line by line, ignores the
order of lines and is not symmetric.
"""

from collections.abc import Hashable, Sequence
from string import ascii_lowercase, digits
from zlib import crc32

from rapidfuzz.distance import LCSseq

#: the bytes of ASCII letters and digits; all others become spaces
_TOKEN_BYTES = bytes(byte if chr(byte) in ascii_lowercase + digits else ord(" ") for byte in range(256))
_CHARACTERS = 0x110000


def token_bytes(text: str) -> bytes:
    """Return the tokens of the reference tokeniser, separated by one or more spaces."""
    return text.lower().encode("utf-8", "surrogatepass").translate(_TOKEN_BYTES)


def rouge_tokens(text: str) -> list[str]:
    """Split a text into the tokens of the reference tokeniser."""
    return token_bytes(text).decode("ascii").split()


class TokenEncoder:
    """Encodes a sequence of tokens as a string with one character for each token.

    rapidfuzz compares strings several times faster than lists. There are characters for 1,114,112 different tokens.
    Further tokens share a character by hash, which can increase the similarity by about 1e-6.
    """

    def __init__(self) -> None:
        self._characters = _Characters()

    def encode(self, words: list[str]) -> str:
        """Return the tokens as a string; equal tokens have equal characters."""
        return "".join(map(self._characters.__getitem__, words))


class _Characters(dict[str, str]):
    """Token → character."""

    def __missing__(self, word: str) -> str:
        if (number := len(self)) >= _CHARACTERS:
            return chr(crc32(word.encode()) % _CHARACTERS)
        return self.setdefault(word, chr(number))


def rouge_l(a: str, b: str) -> float:
    """Return ROUGE-L F1 (0–1) of two encoded sequences."""
    return 2 * LCSseq.similarity(a, b) / (len(a) + len(b)) if a and b else 0.0


def rouge_l_above(a: Sequence[Hashable], b: Sequence[Hashable], threshold: float) -> float:
    """Return ROUGE-L F1 of two sequences if it is greater than the threshold (0–1), else 0.

    The decision is that of ``rouge_l(a, b) > threshold``, and several times faster if the result is 0.
    """
    total = len(a) + len(b)
    if 2 * min(len(a), len(b)) <= threshold * total:  # a common subsequence is at most as long as the shorter text
        return 0.0
    # the cut-off is rounded down, so that the last line decides
    common = LCSseq.similarity(a, b, score_cutoff=int(threshold * total / 2))
    score = 2 * common / total
    return score if score > threshold else 0.0


def rouge_l_of_texts(a: str, b: str) -> float:
    """Return ROUGE-L F1 (0–1) of two texts."""
    encoder = TokenEncoder()
    return rouge_l(encoder.encode(rouge_tokens(a)), encoder.encode(rouge_tokens(b)))
