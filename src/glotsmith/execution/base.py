"""What an executor is: something that runs the steps of a pipeline until every item is answered in the ledger."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from glotsmith.ledger import Ledger
from glotsmith.records import FunnelRow
from glotsmith.step import Step


class Progress(Protocol):
    """Receives the progress of a run. The event loop's thread calls it often, so it must be cheap."""

    def on_run_started(self, funnel: Sequence[FunnelRow]) -> None:
        """Called once, with the counts of every step in the ledger; they are zero in a new run."""
        ...

    def on_item_answered(self, step: str, made: int, tokens: int, cost: float) -> None:
        """Called after each processed input, with the number of outputs kept (0: dropped), tokens and cost in US $."""
        ...

    def on_step_finished(self, step: str) -> None:
        """Called when a step has processed all its inputs, unless an earlier start had finished it."""
        ...


class NoProgress:
    """The progress that shows nothing."""

    def on_run_started(self, funnel: Sequence[FunnelRow]) -> None:
        """Show nothing."""

    def on_item_answered(self, step: str, made: int, tokens: int, cost: float) -> None:
        """Show nothing."""

    def on_step_finished(self, step: str) -> None:
        """Show nothing."""


class FaultLimits(msgspec.Struct, frozen=True, kw_only=True):
    """When a run stops because of faults. No limit determines a row that is made."""

    internal_errors: int = 20  #: of a step: in a row, or in all where they are over 5 % of its items
    failures: int = 10  #: of one service (a teacher's call, a language's programs) in a row
    runs: int = 3  #: in which an item fails by itself, while others do not, before it is dropped


class Executor(Protocol):
    """The contract of every executor (``tests/contracts/test_executors.py`` holds them to it).

    The ledger is the queue: a step gets what its predecessor kept and it has not answered, so that a run goes on where
    it was left, however it ended. Steps run at the same time, in bounded memory; a ``WholeStep`` waits for all earlier
    ones, and its results get into the ledger at once or not at all.
    """

    name: str  #: as in ``--executor``

    async def run(self, steps: Sequence[Step[Any, Any]], ledger: Ledger, progress: Progress) -> bool:
        """Run the steps, a ``SourceStep`` first; return True at the end, False after ``stop``.

        However it ends, what was answered is committed. An item on which a step raises an unexpected error is dropped;
        one for which the teacher or the machine failed stays open, and so does what needs all items.

        Raises:
            UsageError: the ledger was begun with other steps.
            StorageError: the ledger can't be written.
            OutageError: the teacher or the machine failed too often, or items are open at the end.
            DefectsError: too many items met an internal error.
            GlotsmithError: what a step raised; a note names the step and the item.
            BrokenResult: a step broke its contract, so that the accounts would be wrong; likewise.

        """
        ...

    def stop(self) -> None:
        """End the run soon: begin nothing new, cancel what is in flight, commit what was answered."""
        ...
