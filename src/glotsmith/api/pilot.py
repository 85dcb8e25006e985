"""Make the steps of a pilot, and read the outcome of each item of its sample.

``api/forecast.py`` predicts the run from these outcomes.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from glotsmith.api.run_config import RunConfig
from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.exchanges import ReplyCosts
from glotsmith.ledger import Ledger
from glotsmith.recipes.xcoder.pilot_sessions import PilotSessions, keys_of_parts, read_pilot_sessions
from glotsmith.records import Example
from glotsmith.selection.deduplicate import kept_key_from_detail
from glotsmith.sources.pilot_sample import PILOT_STEP, sample_pilot
from glotsmith.step import Step

_DUPLICATE = (Reason.EXACT_DUPLICATE, Reason.NEAR_DUPLICATE)


def with_pilot(steps: Sequence[Step[Any, Any]], config: RunConfig) -> list[Step[Any, Any]]:
    """Return the steps of a pilot: those of the run, with the sample before the first step that costs much.

    A recipe may add steps of its own (``pilot_steps``), each before the step that it names.

    Raises:
        UsageError: the recipe cannot predict a run from a sample of its items.

    """
    recipe = config.build_recipe()
    before = getattr(recipe, "pilot_before", "")  # a user's own recipe may not have it
    index = next((n for n, step in enumerate(steps) if n and step.name == before), 0)
    if not index:
        raise UsageError(
            f"the recipe {config.recipe} does not support --estimate: its pilot_before does not name a step after the "
            "first"
        )
    own: Callable[[float], Mapping[str, Step[Any, Any]]] | None = getattr(recipe, "pilot_steps", None)
    added = dict(own(config.pilot)) if own else {}
    added[before] = sample_pilot(config.pilot, steps[index - 1].output)
    return [one for step in steps for one in ([added[step.name], step] if step.name in added else [step])]


class PilotRow(NamedTuple):
    """A row that the pilot made, with all items that made a similar row."""

    language: str
    items: frozenset[str]  #: keys of the items: that of the row, and those whose rows were dropped as its duplicates


class PilotOutcomes(NamedTuple):
    """The outcomes of a pilot."""

    population: int  #: number of items from which the sample was drawn
    items: tuple[str, ...]  #: keys of the sample
    costs: Mapping[str, ReplyCosts]  #: item → costs
    shared_costs: ReplyCosts  #: costs of requests that do not belong to a single item
    #: item → rows by language, including those that were dropped as duplicates of rows of other items
    rows: Mapping[str, Counter[str]]
    made: Sequence[PilotRow]
    dropped: Mapping[tuple[str, str], Counter[str]]  #: (step, drop reason) → inputs dropped after the sample, by item
    answered_at: Sequence[float]  #: the times at which paid replies arrived, in seconds since 1970
    run_seconds: float
    sessions: PilotSessions | None = None  #: the sessions of a recipe with discussions, which are further items

    @property
    def is_whole(self) -> bool:
        """Whether the sample is the population, so that discussions have the seeds of the run."""
        return len(self.items) >= self.population

    def amount(self, item: str, field: str) -> float:
        """Return a field of ``ReplyCosts`` for an item."""
        return getattr(self.costs.get(item, ReplyCosts()), field)

    def total(self, field: str) -> float:
        """Return the sum of a field of ``ReplyCosts``."""
        return math.fsum(getattr(costs, field) for costs in [*self.costs.values(), self.shared_costs])


def read_outcomes(ledger: Ledger) -> PilotOutcomes:
    """Return the outcomes of a finished pilot."""
    sessions = read_pilot_sessions(ledger)
    origins = _Origins(ledger, frozenset(sessions.keys if sessions else ()))
    costs, shared = defaultdict[str, ReplyCosts](ReplyCosts), ReplyCosts()
    for key, paid in ledger.exchanges.costs_by_item().items():
        item = origins.item_of_any(key)
        if item is None:
            shared += paid
        else:
            costs[item] += paid
    made = list(_made_rows(ledger, origins))
    rows = defaultdict[str, Counter[str]](Counter)
    for row in made:
        for item in row.items:
            rows[item][row.language] += 1
    sample = next(row for row in ledger.funnel() if row.step == PILOT_STEP)
    return PilotOutcomes(
        population=sample.taken,
        items=tuple(origins.sample),
        costs=costs,
        shared_costs=shared,
        rows=rows,
        made=made,
        dropped=_dropped_inputs(ledger, origins),
        answered_at=ledger.exchanges.answer_times(),
        run_seconds=ledger.exchanges.run_seconds(),
        sessions=sessions,
    )


class _Origins:
    """The item of the sample that each item of later steps was made from; a session is an additional item."""

    def __init__(self, ledger: Ledger, sessions: Collection[str]) -> None:
        steps = ledger.steps[ledger.steps.index(PILOT_STEP) :]
        self.sample = [row.key for row in ledger.kept_rows(PILOT_STEP)]
        self._by_step = {PILOT_STEP: {key: key for key in self.sample}}
        for before, step in pairwise(steps):
            known = self._by_step[before]
            self._by_step[step] = {
                row.key: row.key if row.key in sessions else known[row.parent] for row in ledger.kept_rows(step)
            }
        self._parts = keys_of_parts(ledger)

    def item_of(self, step: str, key: str) -> str:
        """Return the item that an output of a step was made from."""
        return self._by_step[step][key]

    def item_of_any(self, key: str) -> str | None:
        """Return the item that an output of any step, or a part of one, was made from; None if there is none."""
        if key in self._parts:
            return self.item_of(*self._parts[key])
        return next((items[key] for items in self._by_step.values() if key in items), None)


def _made_rows(ledger: Ledger, origins: _Origins) -> Iterator[PilotRow]:
    """Yield the rows of the dataset, without original pairs of a corpus."""
    steps = ledger.steps[ledger.steps.index(PILOT_STEP) :]
    repeated = {step: _repeated(ledger, origins, before, step) for before, step in pairwise(steps)}
    parents = {step: {row.key: row.parent for row in ledger.kept_rows(step)} for step in steps[1:]}
    for key, example in ledger.kept_items(steps[-1], Example):
        if example.kind == "original":
            continue
        items, at = {origins.item_of(steps[-1], key)}, key
        for step in reversed(steps[1:]):
            items |= repeated[step].get(at, set())
            at = parents[step][at]
        yield PilotRow(example.language, frozenset(items))


def _repeated(ledger: Ledger, origins: _Origins, before: str, step: str) -> dict[str, set[str]]:
    """Return for each output of a step the items whose outputs the step dropped as its duplicates."""
    found = defaultdict[str, set[str]](set)
    for row in ledger.dropped_rows(step):
        if row.reason in _DUPLICATE and row.status == "dropped":
            found[kept_key_from_detail(row.detail)].add(origins.item_of(before, row.parent))
    return found


def _dropped_inputs(ledger: Ledger, origins: _Origins) -> Mapping[tuple[str, str], Counter[str]]:
    """Return the inputs that each step after the sample dropped, by reason and item."""
    found = defaultdict[tuple[str, str], Counter[str]](Counter)
    steps = ledger.steps[ledger.steps.index(PILOT_STEP) :]
    for before, step in pairwise(steps):
        for row in ledger.dropped_rows(step):
            if row.status == "dropped" and row.reason != str(Reason.NOT_SAMPLED):
                found[step, row.reason][origins.item_of(before, row.parent)] += 1
    return found
