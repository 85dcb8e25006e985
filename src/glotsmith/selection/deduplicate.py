"""Drop exact duplicates by hash, and near-duplicates by ROUGE-L (MultiPL-T §4.4).

Within a problem every pair is compared, as in the paper. Across problems the paper compares random groups of 200, in
which a pair meets with probability 0.35. Here MinHash finds the pairs to compare, and the same exact measure decides.
By default the first item in order of position is kept. The result depends on the items and their order only.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import TypeVar

from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.languages.lexer import CommentSyntax
from glotsmith.records import Function, Record, Solution
from glotsmith.selection.duplicate_search import ComparedText, DuplicateOf, DuplicateSearch, Preference
from glotsmith.step import Dropped, Result, ShardRule, WholeStep, keep

T = TypeVar("T", bound=Record)


class Deduplicate(WholeStep[T, T]):
    """Drops exact and near-duplicates; a subclass defines the compared text of an item.

    Memory is bounded (``DuplicateSearch``): texts and signatures are in temporary files, of about 1 KB for each item,
    in the folder that ``TMPDIR`` names.
    """

    in_shard: ShardRule = "keep_all"  #: an item of a shard may be similar only to items that one run drops

    def __init__(
        self,
        syntax: Mapping[str, CommentSyntax],
        *,
        within: float = 0.6,
        across: float | None = 0.6,
        prefer: Preference = "first",
    ) -> None:
        """Set the thresholds: items with a ROUGE-L F1 above them are near-duplicates.

        Args:
            syntax: language → comment syntax, for every language of the items.
            within: the threshold between items of one problem (0.6 in the paper).
            across: the threshold between items of different problems; None compares within problems only.
            prefer: which of several similar items is kept.

        """
        for threshold in (within, across):
            if threshold is not None and not 0 < threshold <= 1:
                raise UsageError(f"a similarity threshold must be above 0 and at most 1, and is {threshold}")
        self.syntax, self.within, self.across = dict(syntax), within, across
        self.prefer: Preference = prefer

    @abstractmethod
    def compared_text(self, item: T) -> ComparedText:
        """Return the text of an item that is compared."""

    def run(self, items: Callable[[], Iterator[tuple[str, T]]]) -> Iterator[tuple[str, Result[T]]]:
        """Read all items in one pass, and keep or drop them in a second."""
        with ExitStack() as stack:
            searches = self._searches(items(), stack)
            next_numbers = dict.fromkeys(searches, 0)
            for key, item in items():
                language = self.compared_text(item).language
                found = searches[language].duplicate_of(next_numbers[language])
                next_numbers[language] += 1
                yield key, keep(key, item) if found is None else Result(dropped=(_dropped(found),))

    def _searches(self, items: Iterable[tuple[str, T]], stack: ExitStack) -> dict[str, DuplicateSearch]:
        """Return the decided search of each language."""
        searches: dict[str, DuplicateSearch] = {}
        for key, item in items:
            text = self.compared_text(item)
            if text.language not in searches:
                search = DuplicateSearch(self._syntax(text.language), self.within, self.across, self.prefer)
                searches[text.language] = stack.enter_context(closing(search))
            searches[text.language].add(key, text)
        for search in searches.values():
            search.decide()
        return searches

    def _syntax(self, language: str) -> CommentSyntax:
        try:
            return self.syntax[language]
        except KeyError:
            raise UsageError(
                f"deduplication has no comment syntax for {language!r}; it has: {', '.join(sorted(self.syntax))}"
            ) from None


def _dropped(found: DuplicateOf) -> Dropped:
    if found.similarity is None:
        return Dropped(Reason.EXACT_DUPLICATE, f"the same as {found.key}")
    return Dropped(Reason.NEAR_DUPLICATE, f"ROUGE-L {found.similarity:.3f} with {found.key}")


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
        return ComparedText(item.task.language, item.task.problem.id, item.code, item.pass_rate)
