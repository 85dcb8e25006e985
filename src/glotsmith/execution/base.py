"""The progress of a run, and the numbers of faults at which a run stops."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from glotsmith.records import FunnelRow, Verdict
from glotsmith.step import Result


class RecordedResult(NamedTuple):
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

    def on_result(self, step: str, result: RecordedResult) -> None:
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

    def on_result(self, step: str, result: RecordedResult) -> None:
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
