"""The rows of a run that is not finished: what it has so far goes through the last steps, beside its ledger."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from glotsmith.errors import UsageError
from glotsmith.execution.base import Silent
from glotsmith.execution.local import Local
from glotsmith.ledger import Ledger, Row
from glotsmith.recipes.base import FinalSteps, Recipe
from glotsmith.records import FunnelRow, Record
from glotsmith.step import Result, SourceStep, keep

Item = TypeVar("Item", bound=Record)


class PartialLedger:
    """The ledger of a run up to some step, and a scratch ledger from there on (``base.LedgerReader``)."""

    def __init__(self, ledger: Ledger, scratch: Ledger) -> None:
        """Read ``ledger`` up to the first step of ``scratch``, which begins with what that step kept."""
        self._ledger, self._scratch = ledger, scratch

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps, in order."""
        before = self._ledger.steps[: self._ledger.steps.index(self._scratch.steps[0])]
        return (*before, *self._scratch.steps)

    def kept(self, step: str, type: type[Item]) -> Iterator[tuple[str, Item]]:
        """Yield key and item of all that a step kept, in order of position."""
        return self._of(step).kept(step, type)

    def kept_rows(self, step: str) -> Iterator[Row]:
        """Yield the rows of all that a step kept, in order of position."""
        return self._of(step).kept_rows(step)

    def dropped(self, step: str | None = None, reason: str | None = None) -> Iterator[Row]:
        """Yield what was dropped and lost, of one step or all, in order of position."""
        for name in self.steps if step is None else (step,):
            yield from self._of(name).dropped(name, reason)

    def funnel(self) -> list[FunnelRow]:
        """Return each step's account."""
        own = {row.step: row for row in self._ledger.funnel()}
        own |= {row.step: row for row in self._scratch.funnel()[1:]}
        return [own[step] for step in self.steps]

    def _of(self, step: str) -> Ledger:
        return self._scratch if step in self._scratch.steps[1:] else self._ledger


async def make_partial_rows(recipe: Recipe, ledger: Ledger, scratch: Ledger) -> PartialLedger:
    """Return the rows of what a run has finished so far; the run's own ledger is only read.

    Args:
        recipe: of the run.
        ledger: of the run, which may be at work.
        scratch: an empty ledger, for the steps of the recipe's tail.

    Raises:
        UsageError: the run has other steps.
        InputError: a benchmark file that the tail needs can't be read.

    """
    tail = recipe.final_steps(ledger)
    if tail.after_step not in ledger.steps:
        raise UsageError(
            f"{ledger.path.parent} has no step {tail.after_step!r}: the run has not started, or another version made it"
        )
    await Local().run([_finished(tail, ledger), *tail.steps], scratch, Silent())
    return PartialLedger(ledger, scratch)


def _finished(tail: FinalSteps, ledger: Ledger) -> SourceStep[Record]:
    """Return the step that reads what is finished before the tail."""

    class Finished(SourceStep[Record]):
        name = tail.after_step
        output = tail.input_type

        async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Record]]]:
            for key, item in ledger.kept(tail.after_step, tail.input_type):
                yield key, keep(key, item)

    return Finished()
