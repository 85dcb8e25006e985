"""Make the rows of an unfinished run: its final steps process its current items, in a scratch ledger."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from glotsmith.errors import UsageError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.ledger import Ledger, LedgerRow
from glotsmith.ledger_groups import LabelOf, RowGroup
from glotsmith.recipes.base import FinalSteps, Recipe
from glotsmith.records import FunnelRow, Record
from glotsmith.step import Result, SourceStep, keep

Item = TypeVar("Item", bound=Record)


class PartialLedger:
    """The ledger of a run up to a step, and a scratch ledger from this step on (``base.LedgerReader``)."""

    def __init__(self, ledger: Ledger, scratch: Ledger) -> None:
        """Read ``ledger`` up to the first step of ``scratch``, which has the items that this step kept."""
        self._ledger, self._scratch = ledger, scratch

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps, in order."""
        before = self._ledger.steps[: self._ledger.steps.index(self._scratch.steps[0])]
        return (*before, *self._scratch.steps)

    def kept_items(self, step: str, type: type[Item]) -> Iterator[tuple[str, Item]]:
        """Yield the key and the item of everything that a step kept, in order of position."""
        return self._ledger_of(step).kept_items(step, type)

    def kept_rows(self, step: str) -> Iterator[LedgerRow]:
        """Yield the rows of everything that a step kept, in order of position."""
        return self._ledger_of(step).kept_rows(step)

    def dropped_rows(self, step: str | None = None, reason: str | None = None) -> Iterator[LedgerRow]:
        """Yield the rows of everything that one step or all steps dropped or lost, in order of position."""
        for name in self.steps if step is None else (step,):
            yield from self._ledger_of(name).dropped_rows(name, reason)

    def funnel(self) -> list[FunnelRow]:
        """Return the counts of each step."""
        own = {row.step: row for row in self._ledger.funnel()}
        own |= {row.step: row for row in self._scratch.funnel()[1:]}
        return [own[step] for step in self.steps]

    def count_by_label(self, label_of: LabelOf) -> Iterator[RowGroup]:
        """Yield the number of rows for each step, status, reason and label."""
        for ledger in (self._ledger, self._scratch):
            yield from (group for group in ledger.count_by_label(label_of) if self._ledger_of(group.step) is ledger)

    def _ledger_of(self, step: str) -> Ledger:
        return self._scratch if step in self._scratch.steps[1:] else self._ledger


async def make_partial_rows(recipe: Recipe, ledger: Ledger, scratch: Ledger) -> PartialLedger:
    """Run the final steps on the current items of a run, and return both ledgers. The run's ledger does not change.

    Args:
        recipe: The recipe of the run.
        ledger: The ledger of the run, which may still be running.
        scratch: An empty ledger for the final steps.

    Raises:
        UsageError: The run has not started, or has other steps.
        InputError: A benchmark file cannot be read.

    """
    final = recipe.final_steps(ledger)
    if final.after_step not in ledger.steps:
        raise UsageError(
            f"{ledger.path.parent}: the run has no step {final.after_step!r}. "
            "It has not started, or another version of glotsmith made it"
        )
    await PipelineRunner().run([_kept_so_far(final, ledger), *final.steps], scratch, NoProgress())
    return PartialLedger(ledger, scratch)


def _kept_so_far(final: FinalSteps, ledger: Ledger) -> SourceStep[Record]:
    """Return a source step that yields the items which the last step before the final steps kept."""

    class KeptSoFar(SourceStep[Record]):
        name = final.after_step
        output = final.input_type

        async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Record]]]:
            for key, item in ledger.kept_items(final.after_step, final.input_type):
                yield key, keep(key, item)

    return KeptSoFar()
