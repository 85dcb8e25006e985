"""The contract of executors, which run the steps of a pipeline until the ledger holds a result for every item."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from glotsmith.errors import GlotsmithError
from glotsmith.ledger import Ledger
from glotsmith.records import FunnelRow, Verdict
from glotsmith.step import Result, Step


class AnsweredItem(NamedTuple):
    """What the ledger has recorded for one input of a step."""

    made: int  #: outputs kept; 0: the input was dropped
    tokens: int = 0
    cost: float = 0.0  #: US dollars
    failures: tuple[str, ...] = ()  #: verdicts (``fail:…``) of generated programs that were lost


def failures_of(result: Result[Any]) -> tuple[str, ...]:
    """Return the verdicts of the generated programs that a result has lost because they failed."""
    items = (loss.item for loss in result.dropped if loss.key and loss.item is not None)
    verdicts = ((getattr(item, "verdict", None), getattr(item, "round_trip", "")) for item in items)
    found = (verdict.status if isinstance(verdict, Verdict) else text for verdict, text in verdicts)
    return tuple(status for status in found if status.startswith("fail:"))


class Progress(Protocol):
    """Receives the progress of a run. The event loop's thread calls it often, so it must be cheap."""

    def on_run_started(self, funnel: Sequence[FunnelRow]) -> None:
        """Called with the counts of every step in the ledger, which are zero in a new run.

        The steps of a run whose teacher answers later run in rounds (``api.reply_rounds``), and each round calls it.
        """
        ...

    def on_item_answered(self, step: str, answer: AnsweredItem) -> None:
        """Called after each processed input."""
        ...

    def on_step_restarted(self, step: str) -> None:
        """Called when all results of a step were rolled back: the step has processed no input."""
        ...

    def on_step_finished(self, step: str) -> None:
        """Called when a step has processed all its inputs, also if an earlier start or round had finished it."""
        ...

    def on_run_ended(self, funnel: Sequence[FunnelRow]) -> None:
        """Called at the end of each round, also after an error or a stop, with the counts of the ledger."""
        ...


class NoProgress:
    """Ignores the progress of a run."""

    def on_run_started(self, funnel: Sequence[FunnelRow]) -> None:
        """Do nothing."""

    def on_item_answered(self, step: str, answer: AnsweredItem) -> None:
        """Do nothing."""

    def on_step_restarted(self, step: str) -> None:
        """Do nothing."""

    def on_step_finished(self, step: str) -> None:
        """Do nothing."""

    def on_run_ended(self, funnel: Sequence[FunnelRow]) -> None:
        """Do nothing."""


class FaultLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of faults at which a run stops. They do not determine the rows that it makes."""

    internal_errors: int = 20  #: largest number for a step: consecutive, or in total if they exceed 5 % of its items
    failures: int = 10  #: consecutive, of one service (a teacher's call, a language's programs)
    runs: int = 3  #: number of runs in which an item fails while others succeed, before it is dropped


class Executor(Protocol):
    """The contract of executors (tested by ``tests/contracts/test_executors.py``).

    The ledger is the queue: a step receives the items that the previous step kept and that it has not answered, so a
    run resumes where it stopped, even after a kill. Steps run concurrently, in bounded memory. A ``WholeStep`` waits
    for all earlier steps, and the ledger stores either all of its results or none.
    """

    name: str  #: as in ``--executor``
    stopped: asyncio.Event  #: set by ``stop``

    async def run(self, steps: Sequence[Step[Any, Any]], ledger: Ledger, progress: Progress) -> bool:
        """Run the steps, a ``SourceStep`` first. Return True at the end, False after ``stop``.

        All results are committed, also when the run fails. An item on which a step raises an unexpected error is
        dropped. An item for which the teacher or the machine failed stays open, and so do steps that need all items.

        Raises:
            UsageError: the ledger belongs to a run with other steps.
            StorageError: the ledger cannot be written.
            OutageError: the teacher or the machine failed too often, or items are still open at the end.
            DefectsError: internal errors occurred on too many items.
            GlotsmithError: a step raised it; a note on the error names the step and the item.
            BrokenResult: a step broke its contract; a note on the error names the step and the item.

        """
        ...

    def finish_early(self, error: GlotsmithError) -> None:
        """End the run: start no items, finish those in flight, and raise the error unless the run is complete."""
        ...

    def stop(self) -> None:
        """Stop the run: start no items, cancel items in flight, and commit all results."""
        ...
