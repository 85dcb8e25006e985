"""Drop exact duplicates by hash, and near-duplicates by ROUGE-L (MultiPL-T §4.4).

Within a problem every pair is compared, as in the paper. Across problems the paper compares random groups of 200, in
which a pair meets with probability 0.35. Here MinHash finds the pairs to compare, and the same exact measure decides.
The first item in order of position is kept, so that the result depends on the items and their order only.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.languages.lexer import CommentSyntax
from glotsmith.records import Function, Record, Solution, content_hash
from glotsmith.selection.minhash import MinHashIndex, minhash_signature
from glotsmith.selection.normalise import normalise
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above, rouge_tokens
from glotsmith.step import Dropped, Result, ShardRule, WholeStep, keep

T = TypeVar("T", bound=Record)


def kept_duplicate(detail: str) -> str:
    """Return the key of the kept item that a dropped duplicate repeats, from the detail of its drop."""
    return detail.rpartition(" ")[2]


class ComparedText(NamedTuple):
    """The text of an item that is compared."""

    language: str  #: items of different languages are never duplicates
    group: str  #: the problem's id; all items of one group are compared in pairs
    code: str


class _KeptText(NamedTuple):
    key: str
    group: str
    sequence: str  #: encoded tokens


class DuplicateIndex:
    """The kept texts of one language."""

    def __init__(self, syntax: CommentSyntax, within: float, across: float | None) -> None:
        self._syntax, self._within, self._across = syntax, within, across
        self._token_encoder = TokenEncoder()
        self._kept: list[_KeptText] = []
        self._exact: dict[str, int] = {}  #: exact key → index in ``_kept``
        self._groups: dict[str, list[int]] = {}
        self._minhash_index = MinHashIndex()

    def keep_or_drop(self, key: str, text: ComparedText) -> Dropped | None:
        """Add a text to the index, or return why it is dropped."""
        code = normalise(text.code, self._syntax)
        exact = content_hash(code, text.group if self._across is None else "")
        if (earlier := self._exact.get(exact)) is not None:
            return Dropped(Reason.EXACT_DUPLICATE, f"the same as {self._kept[earlier].key}")
        words = rouge_tokens(code)
        sequence = self._token_encoder.encode(words)
        marks = minhash_signature(words) if self._across is not None else []
        if found := self._near(text.group, sequence, marks):
            return Dropped(Reason.NEAR_DUPLICATE, found)
        self._add(exact, _KeptText(key, text.group, sequence), marks)
        return None

    def _near(self, group: str, sequence: str, marks: list[int]) -> str:
        """Return a message about the first kept text that is too similar; "" if there is none."""
        found = self._first(self._groups.get(group, ()), sequence, self._within)
        if not found and self._across is not None:
            others = (n for n in self._minhash_index.find_similar(marks) if self._kept[n].group != group)
            found = self._first(others, sequence, self._across)
        return found

    def _first(self, numbers: Iterable[int], sequence: str, threshold: float) -> str:
        for number in numbers:
            if score := rouge_l_above(self._kept[number].sequence, sequence, threshold):
                return f"ROUGE-L {score:.3f} with {self._kept[number].key}"
        return ""

    def _add(self, exact: str, kept: _KeptText, marks: list[int]) -> None:
        number = self._exact[exact] = len(self._kept)
        self._kept.append(kept)
        self._groups.setdefault(kept.group, []).append(number)
        if self._across is not None:
            self._minhash_index.add(marks)


class DistinctPrograms:
    """The passing programs of one problem that deduplication within the problem keeps."""

    def __init__(self, syntax: CommentSyntax, within: float) -> None:
        """Begin without programs; the arguments are those of ``Deduplicate``, for one language."""
        self._index = DuplicateIndex(syntax, within, None)

    def add(self, code: str) -> bool:
        """Add a program; return whether it is kept."""
        return self._index.keep_or_drop("", ComparedText("", "", code)) is None


class Deduplicate(WholeStep[T, T]):
    """Drops exact and near-duplicates; a subclass defines the compared text of an item.

    For each kept text, memory holds the tokens (up to 4 bytes each) and a signature (2 KB).
    """

    in_shard: ShardRule = "keep_all"  #: an item of a shard may be similar only to items that one run drops

    def __init__(self, syntax: Mapping[str, CommentSyntax], *, within: float = 0.6, across: float | None = 0.6) -> None:
        """Set the thresholds: items with a ROUGE-L F1 above them are near-duplicates.

        Args:
            syntax: language → comment syntax, for every language of the items.
            within: the threshold between items of one problem (0.6 in the paper).
            across: the threshold between items of different problems; None compares within problems only.

        """
        for threshold in (within, across):
            if threshold is not None and not 0 < threshold <= 1:
                raise UsageError(f"a similarity threshold must be above 0 and at most 1, and is {threshold}")
        self.syntax, self.within, self.across = dict(syntax), within, across

    @abstractmethod
    def compared_text(self, item: T) -> ComparedText:
        """Return the text of an item that is compared."""

    def run(self, items: Callable[[], Iterator[tuple[str, T]]]) -> Iterator[tuple[str, Result[T]]]:
        """Keep or drop every item, in one pass."""
        indices: dict[str, DuplicateIndex] = {}
        for key, item in items():
            text = self.compared_text(item)
            if text.language not in indices:
                indices[text.language] = DuplicateIndex(self._syntax(text.language), self.within, self.across)
            dropped = indices[text.language].keep_or_drop(key, text)
            yield key, keep(key, item) if dropped is None else Result(dropped=(dropped,))

    def _syntax(self, language: str) -> CommentSyntax:
        try:
            return self.syntax[language]
        except KeyError:
            raise UsageError(
                f"deduplication has no comment syntax for {language!r}; it has: {', '.join(sorted(self.syntax))}"
            ) from None


class DeduplicateFunctions(Deduplicate[Function]):
    """Drops source functions that an earlier source contains, too.

    The docstring is compared, too, because it is part of the problem. The threshold is higher than for solutions (the
    paper drops exact duplicates only): tokens contain no operators, so that short functions that differ in an operator
    only are very similar.
    """

    name = "deduplicate_functions"
    output = Function

    def __init__(self, syntax: Mapping[str, CommentSyntax], *, across: float = 0.8) -> None:
        """Set the threshold; ``syntax`` must contain Python."""
        super().__init__(syntax, across=across)

    def compared_text(self, item: Function) -> ComparedText:
        """Return the function without its helpers, as a group of its own."""
        return ComparedText("python", item.id, item.code)


class DeduplicateSolutions(Deduplicate[Solution]):
    """Drops solutions that repeat an earlier one, of the same problem or of another."""

    name = "deduplicate_solutions"
    output = Solution

    def compared_text(self, item: Solution) -> ComparedText:
        """Return the program, in the group of its problem."""
        return ComparedText(item.task.language, item.task.problem.id, item.code)
