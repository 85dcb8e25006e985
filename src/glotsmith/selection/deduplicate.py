"""Drop exact duplicates by hash, and near-duplicates by ROUGE-L (MultiPL-T §4.4).

Within a problem each item is compared with the kept ones. Across problems the paper compares random groups of 200: two
programs are in one group with probability 0.35. Here MinHash finds the pairs to compare, and the same exact measure
decides. By default the first item in order of position is kept. The result depends on the items and their order only.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import NamedTuple, TypeVar

from glotsmith.errors import UsageError
from glotsmith.languages.lexer import CommentSyntax
from glotsmith.records import Function, Record, Solution
from glotsmith.selection.duplicate_search import DuplicateSearch, IndexSegment, KeepRule, Thresholds
from glotsmith.selection.normalise import normalise
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above, rouge_tokens
from glotsmith.step import Result, ShardRule, WholeStep, keep

T = TypeVar("T", bound=Record)


def kept_key_from_detail(detail: str) -> str:
    """Return the key of the kept item that a dropped duplicate repeats, from the detail of its drop."""
    return detail.rpartition(" ")[2]


class ComparedText(NamedTuple):
    """The text of an item that is compared."""

    language: str  #: items of different languages are never duplicates
    group: str  #: the problem's id; an item is compared with all kept items of its group
    code: str


class DistinctPrograms:
    """The passing programs of one problem that deduplication within the problem keeps."""

    def __init__(self, syntax: CommentSyntax, within: float) -> None:
        """Begin without programs; the arguments are those of ``Deduplicate``, for one language."""
        self._syntax, self._within, self._encoder = syntax, within, TokenEncoder()
        self._kept = dict[str, str]()  #: normalised program → encoded tokens

    def add(self, code: str) -> bool:
        """Add a program; return whether it is kept."""
        code = normalise(code, self._syntax)
        words = self._encoder.encode(rouge_tokens(code))
        if code in self._kept or any(rouge_l_above(kept, words, self._within) for kept in self._kept.values()):
            return False
        self._kept[code] = words
        return True


class Deduplicate(WholeStep[T, T]):
    """Drops exact and near-duplicates; a subclass defines the compared text of an item.

    Texts and signatures are in temporary files, so that memory does not limit the number of items.
    """

    #: a shard drops no item: the items to which one is similar may be dropped themselves when one run decides about all
    in_shard: ShardRule = "keep_all"

    def __init__(
        self,
        syntax: Mapping[str, CommentSyntax],
        *,
        within: float = 0.6,
        across: float | None = 0.6,
        prefer: KeepRule = "first",
        index: IndexSegment | None = None,
    ) -> None:
        """Set the thresholds: items with a ROUGE-L F1 above them are near-duplicates.

        Args:
            syntax: language → comment syntax, for every language of the items.
            within: the threshold between items of one problem (0.6 in the paper).
            across: the threshold between items of different problems; None compares within problems only.
            prefer: which of several similar items is kept.
            index: a folder with the items of earlier runs, which are compared, too.

        """
        for threshold in (within, across):
            if threshold is not None and not 0 < threshold <= 1:
                raise UsageError(f"a similarity threshold is {threshold}; it must be above 0 and at most 1")
        self.syntax, self.within, self.across = dict(syntax), within, across
        self.prefer: KeepRule = prefer
        self.index = index

    @abstractmethod
    def compared_text(self, item: T) -> ComparedText:
        """Return the text of an item that is compared."""

    def preference_rank(self, item: T) -> float:
        """Return how good an item is, for the preference ``best``."""
        return 0.0

    def run(self, items: Callable[[], Iterator[tuple[str, T]]]) -> Iterator[tuple[str, Result[T]]]:
        """Keep or drop every item: one pass reads the texts, and a second one returns the items."""
        search = DuplicateSearch(Thresholds(self.within, self.across), self.prefer, self.index)
        with closing(search):
            for key, item in items():
                text = self.compared_text(item)
                code = normalise(text.code, self._syntax(text.language))
                search.add(key, text.language, text.group, code, self.preference_rank(item))
            for (key, item), dropped in zip(items(), search.decide(), strict=True):
                yield key, keep(key, item) if dropped is None else Result(dropped=(dropped,))

    def _syntax(self, language: str) -> CommentSyntax:
        try:
            return self.syntax[language]
        except KeyError:
            raise UsageError(
                f"deduplication has no comment syntax for {language!r}; it has: {', '.join(sorted(self.syntax))}"
            ) from None


class DeduplicateFunctions(Deduplicate[Function]):
    """Drops functions that are equal or similar to a kept one.

    The docstring is compared, too, because it is part of the problem. The threshold is higher than for solutions (the
    paper drops exact duplicates only): tokens contain no operators, so short functions that differ only in an operator
    are very similar.
    """

    name = "deduplicate_functions"
    output = Function

    def __init__(
        self,
        syntax: Mapping[str, CommentSyntax],
        *,
        across: float = 0.8,
        prefer: KeepRule = "first",
        index: IndexSegment | None = None,
    ) -> None:
        """Set the threshold, as in ``Deduplicate``; ``syntax`` must contain Python."""
        super().__init__(syntax, across=across, prefer=prefer, index=index)

    def preference_rank(self, item: Function) -> float:
        """Return the number of doctests."""
        return item.code.count(">>> ")

    def compared_text(self, item: Function) -> ComparedText:
        """Return the function without its helpers, in a separate group."""
        return ComparedText("python", item.id, item.code)


class DeduplicateSolutions(Deduplicate[Solution]):
    """Drops solutions that are equal or similar to a kept one, of the same problem or of another."""

    name = "deduplicate_solutions"
    output = Solution

    def compared_text(self, item: Solution) -> ComparedText:
        """Return the program, in the group of its problem."""
        return ComparedText(item.task.language, item.task.problem.id, item.code)

    def preference_rank(self, item: Solution) -> float:
        """Return the mutation score of the suite that the program passes."""
        return item.task.problem.suite.mutation_score
