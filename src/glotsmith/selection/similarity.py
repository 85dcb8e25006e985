"""ROUGE-L between programs: the F1 of their longest common subsequence of tokens.

Definition: with ``l`` the length of the longest common subsequence of two token sequences of lengths ``m`` and ``n``,
precision is ``l / n``, recall ``l / m``, and F1, their harmonic mean, ``2 l / (m + n)``; 0 where there is no token.

Tokens are the reference tokeniser's (``rouge_score.tokenize``): the text in lower case, cut at everything that is not
an ASCII letter or digit. So ``max_value`` is two tokens, and operators and other scripts are none. Kept as it is, so
that 0.6 means here what it means in MultiPL-T (§4.4). Two things differ from the paper's call of ``rougeLsum`` with
``use_stemmer=True``: no stemming, as identifiers are no English; and one sequence for the whole program, as
``rougeLsum`` compares line by line, forgets their order and depends on which of two texts comes first.
"""

import re
from zlib import crc32

from rapidfuzz.distance import LCSseq

_TOKEN = re.compile("[a-z0-9]+")
_CHARACTERS = 0x110000


def rouge_tokens(text: str) -> list[str]:
    """Cut a text into the reference tokeniser's tokens."""
    return _TOKEN.findall(text.lower())


class TokenEncoder:
    """Numbers for tokens, so that a sequence of tokens is a compact string with one character for each.

    rapidfuzz compares strings several times faster than lists. Beyond the 1,114,112 different tokens for which there
    are characters, further ones share a character by hash: similarity can then be overstated, by about 1e-6.
    """

    def __init__(self) -> None:
        self._characters: dict[str, str] = {}

    def encode(self, words: list[str]) -> str:
        """Return the tokens as a string, one character each; equal tokens are equal characters."""
        return "".join([self._characters.get(word) or self._new(word) for word in words])

    def _new(self, word: str) -> str:
        if (number := len(self._characters)) >= _CHARACTERS:
            return chr(crc32(word.encode()) % _CHARACTERS)
        return self._characters.setdefault(word, chr(number))


def rouge_l(a: str, b: str) -> float:
    """Return ROUGE-L F1 (0–1) of two encoded sequences."""
    return 2 * LCSseq.similarity(a, b) / (len(a) + len(b)) if a and b else 0.0


def rouge_l_above(a: str, b: str, threshold: float) -> float:
    """Return ROUGE-L F1 of two encoded sequences if it is greater than the threshold (0–1), else 0.

    The same decision as ``rouge_l(a, b) > threshold``, several times faster where it is not.
    """
    total = len(a) + len(b)
    if 2 * min(len(a), len(b)) <= threshold * total:  # no common subsequence is longer than the shorter text
        return 0.0
    # the cut-off is rounded down, so that only the last line decides
    common = LCSseq.similarity(a, b, score_cutoff=int(threshold * total / 2))
    score = 2 * common / total
    return score if score > threshold else 0.0


def rouge_l_of_texts(a: str, b: str) -> float:
    """Return ROUGE-L F1 (0–1) of two texts."""
    vocabulary = TokenEncoder()
    return rouge_l(vocabulary.encode(rouge_tokens(a)), vocabulary.encode(rouge_tokens(b)))
