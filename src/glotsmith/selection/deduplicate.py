"""Drop what was kept before, in the same words or nearly: exact keys, then ROUGE-L (MultiPL-T §4.4).

Within a problem every pair is compared, as in the paper. Across problems the paper compares random groups of 200, so
that a pair is met with a chance of 0.35; here MinHash names the candidates, and the same exact measure decides. The
first in order of position stays, so that the outcome depends on nothing but the items and their order.
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
from glotsmith.step import Dropped, Result, WholeStep, keep

T = TypeVar("T", bound=Record)


class ComparedText(NamedTuple):
    """What is compared of an item."""

    language: str  #: items of different languages are never duplicates
    group: str  #: items of one group are compared pair by pair: the problem's id
    code: str


class _Kept(NamedTuple):
    key: str
    group: str
    sequence: str  #: encoded tokens


class DuplicateIndex:
    """The texts of one language that were kept so far."""

    def __init__(self, syntax: CommentSyntax, within: float, across: float | None) -> None:
        self._syntax, self._within, self._across = syntax, within, across
        self._vocabulary = TokenEncoder()
        self._kept: list[_Kept] = []
        self._exact: dict[str, int] = {}  #: exact key → index in ``_kept``
        self._groups: dict[str, list[int]] = {}
        self._bands = MinHashIndex()

    def keep_or_drop(self, key: str, text: ComparedText) -> Dropped | None:
        """Keep a text, or say why not."""
        code = normalise(text.code, self._syntax)
        exact = content_hash(code, text.group if self._across is None else "")
        if (earlier := self._exact.get(exact)) is not None:
            return Dropped(Reason.EXACT_DUPLICATE, f"the same as {self._kept[earlier].key}")
        words = rouge_tokens(code)
        sequence = self._vocabulary.encode(words)
        marks = minhash_signature(words) if self._across is not None else []
        if found := self._near(text.group, sequence, marks):
            return Dropped(Reason.NEAR_DUPLICATE, found)
        self._add(exact, _Kept(key, text.group, sequence), marks)
        return None

    def _near(self, group: str, sequence: str, marks: list[int]) -> str:
        """Name the first kept text that is too similar, and how similar; "" for none."""
        found = self._first(self._groups.get(group, ()), sequence, self._within)
        if not found and self._across is not None:
            others = (n for n in self._bands.find_similar(marks) if self._kept[n].group != group)
            found = self._first(others, sequence, self._across)
        return found

    def _first(self, numbers: Iterable[int], sequence: str, threshold: float) -> str:
        for number in numbers:
            if score := rouge_l_above(self._kept[number].sequence, sequence, threshold):
                return f"ROUGE-L {score:.3f} with {self._kept[number].key}"
        return ""

    def _add(self, exact: str, kept: _Kept, marks: list[int]) -> None:
        number = self._exact[exact] = len(self._kept)
        self._kept.append(kept)
        self._groups.setdefault(kept.group, []).append(number)
        if self._across is not None:
            self._bands.add(marks)


class Deduplicate(WholeStep[T, T]):
    """Drop exact and near duplicates; what an item's text is, a subclass says.

    Of each kept text the tokens (up to 4 bytes each) and a signature (2 KB) stay in memory, of a dropped one nothing.
    """

    def __init__(self, syntax: Mapping[str, CommentSyntax], *, within: float = 0.6, across: float | None = 0.6) -> None:
        """Set the thresholds: a ROUGE-L F1 above them is a near duplicate.

        Args:
            syntax: language → its comment syntax, for every language that occurs.
            within: between items of one problem (the paper's 0.6).
            across: between items of different problems; None compares within problems only.

        """
        for threshold in (within, across):
            if threshold is not None and not 0 < threshold <= 1:
                raise UsageError(f"a similarity threshold must lie above 0 and not above 1, and {threshold} does not")
        self.syntax, self.within, self.across = dict(syntax), within, across

    @abstractmethod
    def compared_text(self, item: T) -> ComparedText:
        """Return what is compared of an item."""

    def run(self, items: Callable[[], Iterator[tuple[str, T]]]) -> Iterator[tuple[str, Result[T]]]:
        """Decide on every item in one pass."""
        indices: dict[str, DuplicateIndex] = {}
        for key, item in items():
            text = self.compared_text(item)
            if text.language not in indices:
                indices[text.language] = DuplicateIndex(self._syntax(text.language), self.within, self.across)
            loss = indices[text.language].keep_or_drop(key, text)
            yield key, keep(key, item) if loss is None else Result(dropped=(loss,))

    def _syntax(self, language: str) -> CommentSyntax:
        try:
            return self.syntax[language]
        except KeyError:
            raise UsageError(
                f"deduplication was given no comment syntax for {language!r}; it has: {', '.join(sorted(self.syntax))}"
            ) from None


class DeduplicateFunctions(Deduplicate[Function]):
    """Drop source functions that were found before, here or in another package.

    The docstring counts, as it is part of the problem. The threshold is higher than for solutions (the paper drops
    exact duplicates only): tokens hold no operators, so short functions that differ in one look much the same.
    """

    name = "deduplicate_functions"
    output = Function

    def __init__(self, syntax: Mapping[str, CommentSyntax], *, across: float = 0.8) -> None:
        """Set the threshold; ``syntax`` must hold Python's."""
        super().__init__(syntax, across=across)

    def compared_text(self, item: Function) -> ComparedText:
        """Compare the function without its helpers, each a problem of its own."""
        return ComparedText("python", item.id, item.code)


class DeduplicateSolutions(Deduplicate[Solution]):
    """Drop translations that say the same again, for the same problem or another."""

    name = "deduplicate_solutions"
    output = Solution

    def compared_text(self, item: Solution) -> ComparedText:
        """Compare the program within its problem and language."""
        return ComparedText(item.task.language, item.task.problem.id, item.code)
