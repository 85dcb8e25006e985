"""Compute the figures by which ``glotsmith compare`` compares runs of any recipe, from their ledgers."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing

from glotsmith.datasets.preferences import pairs
from glotsmith.languages.lexer import CommentSyntax
from glotsmith.ledger import Ledger
from glotsmith.recipes.base import comment_syntax
from glotsmith.recipes.failing_programs import failing_programs
from glotsmith.records import Example, Record
from glotsmith.selection.duplicate_search import DuplicateSearch, Thresholds
from glotsmith.selection.normalise import normalise

SAME_PROBLEM = 0.6  #: ROUGE-L above which two problems belong to one cluster, as in MultiPL-T §4.4


class RunFigures(Record, frozen=True, kw_only=True):
    """The figures of one run."""

    run: str
    recipe: str
    finished: bool
    taken: int  #: number of items that the first step read: functions or snippets
    rows: int  #: number of dataset rows that the run made
    originals: int  #: number of original pairs of the corpus, which cost nothing
    problems: int  #: number of distinct values of ``parallel_id``
    distinct: int  #: number of clusters of problems (``SAME_PROBLEM``)
    languages: dict[str, int]  #: language → number of rows
    pairs: int  #: number of preference pairs
    tokens: int
    cost: float  #: US dollars for the replies that this run paid for and whose price is known
    requests: int  #: number of requests that this run sent to the teacher; 0 if the ledger does not record it
    unpriced: int  #: number of these requests whose price is unknown
    cached_cost: float | None  #: US dollars that cached replies cost originally; None if a price is unknown
    cached_tokens: int | None  #: the part of ``tokens`` from cached replies; None if the ledger does not record it
    failures: dict[str, int]  #: verdict status → number of failing programs
    reasons: dict[str, int]  #: drop reason → number of dropped inputs of all steps

    @property
    def tokens_per_row(self) -> float:
        """Tokens for each row; 0 without rows."""
        return self.tokens / self.rows if self.rows else 0.0

    @property
    def cost_per_row(self) -> float:
        """US dollars for each row, replies from a cache included; 0 without rows."""
        return (self.cost + (self.cached_cost or 0.0)) / self.rows if self.rows else 0.0


def compute_figures(run: str, recipe: str, ledger: Ledger) -> RunFigures:
    """Return the figures of a run, finished or not."""
    funnel = ledger.funnel()
    last = ledger.steps[-1] if ledger.steps else ""
    reasons = Counter[str]()
    for row in funnel:
        reasons.update(row.reasons)
    languages = Counter(e.language for e in _generated_examples(ledger, last))
    originals = funnel[-1].made - languages.total() if funnel else 0
    spent = ledger.exchanges.total_costs()
    return RunFigures(
        run=run,
        recipe=recipe,
        finished=bool(last) and ledger.is_finished(last),
        taken=funnel[0].taken if funnel else 0,
        rows=languages.total(),
        originals=originals,
        problems=len({e.parallel_id for e in _generated_examples(ledger, last)}),
        distinct=count_clusters(_generated_examples(ledger, last)),
        languages=dict(sorted(languages.items())),
        pairs=sum(1 for _ in pairs(ledger)),
        tokens=sum(row.tokens for row in funnel),
        cost=spent[0].cost if spent else sum(row.cost for row in funnel),
        requests=spent[0].requests if spent else 0,
        unpriced=spent[0].unpriced if spent else 0,
        cached_cost=spent[1].cost if spent and not spent[1].unpriced else None,
        cached_tokens=spent[1].tokens if spent else None,
        failures=_most_frequent_first(Counter(program.status for program in failing_programs(ledger))),
        reasons=_most_frequent_first(reasons),
    )


def _most_frequent_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _generated_examples(ledger: Ledger, last: str) -> Iterator[Example]:
    """Yield the rows that the run made, without original pairs."""
    rows = (example for _, example in ledger.kept_items(last, Example)) if last else iter(())
    return (example for example in rows if example.kind != "original")


def count_clusters(examples: Iterable[Example]) -> int:
    """Return the number of distinct problems, each of which is not similar to an earlier one.

    A problem is compared by its Python original, or by its instruction if it has no original. Problems that share an
    original or differ in few words form one cluster with the first of them.
    """
    seen, thresholds = set[str](), Thresholds(1.0, SAME_PROBLEM)
    with closing(DuplicateSearch(thresholds)) as search:
        for example in examples:
            if example.parallel_id in seen:
                continue
            seen.add(example.parallel_id)
            language, syntax = ("python", comment_syntax()["python"]) if example.source else ("", _PROSE)
            code = normalise(example.source or example.messages[0]["content"], syntax)
            search.add(example.parallel_id, language, example.parallel_id, code)
        return sum(dropped is None for dropped in search.decide())


_PROSE = CommentSyntax(strings=())
