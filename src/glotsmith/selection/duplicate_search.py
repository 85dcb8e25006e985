"""Find the duplicates among many texts, in bounded memory: signatures and texts are in temporary files.

The texts are taken in an order of preference. Each is compared with the earlier ones that were kept: by hash, with all
of its group, and with those of other groups that MinHash finds. The exact measure decides.
"""

from array import array
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import numpy as np

from glotsmith.languages.lexer import CommentSyntax
from glotsmith.selection.minhash import BandTable, GroupMembers, Marks
from glotsmith.selection.normalise import normalise
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above, rouge_tokens
from glotsmith.selection.text_file import TextFile

#: Which of several similar items is kept: the first one, the one with the most tokens, or the one with the best score.
#: The first one decides between equal ones.
Preference = Literal["first", "longest", "best"]

_SEQUENCES_IN_MEMORY = 4096
_NONE = 0xFFFFFFFF


class ComparedText(NamedTuple):
    """The text of an item that is compared."""

    language: str  #: items of different languages are never duplicates
    group: str  #: the problem's id; all items of one group are compared in pairs
    code: str
    score: float = 0.0  #: the higher one is kept if the best is to be kept


class DuplicateOf(NamedTuple):
    """Why a text is a duplicate."""

    key: str  #: of the text that is kept
    similarity: float | None  #: ROUGE-L F1; None for equal texts


class DuplicateSearch:
    """The texts of one language.

    Memory holds about 100 bytes for each text, the vocabulary, and 8 bytes for each mark that a kept text shares.
    """

    def __init__(
        self, syntax: CommentSyntax, within: float, across: float | None, prefer: Preference = "first"
    ) -> None:
        """Create an empty search.

        Args:
            syntax: comment syntax of the language.
            within: ROUGE-L above which two texts of one group are near-duplicates.
            across: the same for texts of different groups; None compares within groups only.
            prefer: which of several similar texts is kept.

        """
        self._syntax, self.within, self.across, self._prefer = syntax, within, across, prefer
        self._token_encoder = TokenEncoder()
        self._keys, self._sequences, self.bands = TextFile(), TextFile(), BandTable()
        self.exact, self.groups = bytearray(), array("Q")
        self._lengths, self._scores = array("I"), array("d")
        self.match, self.similarity = array("I"), array("d")  #: of each text, after ``decide``
        self.sequence = lru_cache(_SEQUENCES_IN_MEMORY)(self._sequences.__getitem__)

    def __len__(self) -> int:
        """Count the texts."""
        return len(self._keys)

    def add(self, key: str, text: ComparedText) -> None:
        """Add a text; texts are numbered from 0."""
        code = normalise(text.code, self._syntax)
        words = rouge_tokens(code)
        group = blake2b(text.group.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        same = blake2b(code.encode("utf-8", "surrogatepass"), digest_size=16, key=group if self.across is None else b"")
        self.exact += same.digest()
        self.groups.append(int.from_bytes(group))
        self._keys.add(key)
        self._sequences.add(self._token_encoder.encode(words))
        self._lengths.append(len(words))
        self._scores.append(text.score)
        if self.across is not None:
            self.bands.add(words)

    def decide(self) -> None:
        """Decide which texts are kept."""
        _Decision(self).run()

    def count_kept(self) -> int:
        """Decide which texts are kept, and return their number."""
        self.decide()
        return self.match.count(_NONE)

    def preferred_order(self) -> Sequence[int]:
        """Return the numbers of all texts, those to keep first."""
        if self._prefer == "first":
            return range(len(self))
        values = np.frombuffer(self._lengths, np.uint32) if self._prefer == "longest" else np.frombuffer(self._scores)
        return array("I", np.argsort(-values.astype(np.float64), kind="stable").astype(np.uint32).tobytes())

    def duplicate_of(self, number: int) -> DuplicateOf | None:
        """Return why a text is not kept; None if it is kept."""
        if (match := self.match[number]) == _NONE:
            return None
        similarity = self.similarity[number]
        return DuplicateOf(self._keys[match], similarity if similarity >= 0 else None)

    def close(self) -> None:
        """Remove the temporary files."""
        for file in (self._keys, self._sequences, self.bands):
            file.close()


class _Decision:
    """The state while it is decided which texts are kept."""

    def __init__(self, search: DuplicateSearch) -> None:
        self._search = search
        count = len(search)
        search.match, search.similarity = array("I", [_NONE]) * count, array("d", [-1.0]) * count
        self._order = search.preferred_order()
        self._ranks = None if isinstance(self._order, range) else _inverse(self._order)
        self._equal, equal_count = _numbered(np.frombuffer(bytes(search.exact), "S16"))
        self._group, group_count = _numbered(np.frombuffer(search.groups, np.uint64))
        self._kept_equal = array("I", [_NONE]) * equal_count  #: number of equal texts → the kept one
        self._last_kept = array("I", [_NONE]) * group_count  #: group → the text that was kept last
        self._kept_before = array("I", [_NONE]) * count  #: kept text → the one of its group that was kept before
        self._members = GroupMembers(search.bands.number_groups() if search.across is not None else 0)

    def run(self) -> None:
        search = self._search
        rows = search.bands.groups(self._order) if search.across is not None else ((n, None) for n in self._order)
        for number, marks in rows:
            if (same := self._kept_equal[self._equal[number]]) != _NONE:
                search.match[number] = same
            elif not self._is_near(number, marks):
                self._keep(number, marks)

    def _keep(self, number: int, marks: Marks | None) -> None:
        group = self._group[number]
        self._kept_equal[self._equal[number]] = number
        self._kept_before[number], self._last_kept[group] = self._last_kept[group], number
        if marks is not None:
            self._members.add(marks, number)

    def _is_near(self, number: int, marks: Marks | None) -> bool:
        """Store the first kept text that is too similar; return whether there is one."""
        search, group = self._search, self._group
        if (own := self._kept_in_group(group[number])) and self._find(number, own, search.within):
            return True
        if marks is None or search.across is None:
            return False
        others = [n for n in self._members.of(marks) if group[n] != group[number]]
        return bool(others) and self._find(number, others, search.across)

    def _kept_in_group(self, group: int) -> list[int]:
        found, number = list[int](), self._last_kept[group]
        while number != _NONE:
            found.append(number)
            number = self._kept_before[number]
        return found

    def _find(self, number: int, others: list[int], threshold: float) -> bool:
        others.sort(key=self._ranks.__getitem__ if self._ranks else None)
        sequence = self._search.sequence(number)
        for other in others:
            if score := rouge_l_above(self._search.sequence(other), sequence, threshold):
                self._search.match[number], self._search.similarity[number] = other, score
                return True
        return False


def _inverse(order: Sequence[int]) -> "array[int]":
    """Return the rank of each number in an order."""
    ranks = np.empty(len(order), np.uint32)
    ranks[np.asarray(order, np.uint32)] = np.arange(len(order), dtype=np.uint32)
    return array("I", ranks.tobytes())


def _numbered(values: np.ndarray[Any, Any]) -> "tuple[array[int], int]":
    """Return a number for each value, equal for equal values, and how many different ones there are."""
    if not len(values):
        return array("I"), 0
    found, numbers = np.unique(values, return_inverse=True)
    return array("I", numbers.astype(np.uint32).tobytes()), len(found)
