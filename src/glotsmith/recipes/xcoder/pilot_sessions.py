"""The discussions of a pilot (``glotsmith run --estimate``): those of the first epochs of the run.

Each discussion remembers the discussions of earlier epochs, so it needs their results.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from glotsmith.drop_reasons import Reason
from glotsmith.recipes.base import LedgerReader
from glotsmith.recipes.xcoder.pipeline_item import FilterReference, MakeProblemTasks, PipelineItem
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.recipes.xcoder.schedule import ScheduleSessions
from glotsmith.records import Function, Task
from glotsmith.sources.pilot_sample import MIN_ITEMS
from glotsmith.step import Dropped, Result, WholeStep, keep

_STEP = "pilot_sessions"
_REQUESTED_PARTS = (FilterReference.name, MakeProblemTasks.name)  #: steps before those that write tests and solve
_MIN_EPOCHS = 2  #: the agents of the first epoch remember nothing


def count_pilot_sessions(sessions: int, epoch: int, share: float) -> int:
    """Return how many discussions a pilot holds: whole epochs, at least two, with at least ``share`` of all."""
    wanted = max(MIN_ITEMS, math.ceil(share * sessions))
    return min(sessions, epoch * max(_MIN_EPOCHS, math.ceil(wanted / epoch)))


class SampleSessions(WholeStep[Proposal, Proposal]):
    """Passes the seeds, and the first sessions."""

    name = _STEP
    output = Proposal

    def __init__(self, count: int) -> None:
        """Keep this number of sessions."""
        self._count = count

    def run(self, items: Callable[[], Iterator[tuple[str, Proposal]]]) -> Iterator[tuple[str, Result[Proposal]]]:
        """Drop the other sessions."""
        for key, item in items():
            kept = item.session is None or item.session.number < self._count
            yield key, keep(key, item) if kept else Result(dropped=(Dropped(Reason.NOT_SAMPLED),))


class PilotSessions(NamedTuple):
    """The discussions that a pilot held."""

    population: int  #: number of discussions of the run
    first: tuple[str, ...]  #: keys of the discussions of the first epoch, whose agents remember nothing
    later: tuple[str, ...]  #: keys of the discussions of the later epochs

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all discussions."""
        return self.first + self.later


def read_pilot_sessions(ledger: LedgerReader) -> PilotSessions | None:
    """Return the discussions of a pilot; None if the run has none."""
    if _STEP not in ledger.steps:
        return None
    held = [(key, item.session) for key, item in ledger.kept_items(_STEP, Proposal) if item.session is not None]
    first = tuple(key for key, session in held if session.epoch == 1)
    later = tuple(key for key, session in held if session.epoch > 1)
    return PilotSessions(len(held) + sum(1 for _ in ledger.dropped_rows(_STEP)), first, later)


def keys_of_parts(ledger: LedgerReader) -> dict[str, tuple[str, str]]:
    """Return the step and the key of the item that a request states by the id of its function or task."""
    found = dict[str, tuple[str, str]]()
    for step in _REQUESTED_PARTS if ScheduleSessions.name in ledger.steps else ():
        for key, item in ledger.kept_items(step, PipelineItem):
            if isinstance(item.payload, Function | Task):
                found.setdefault(item.payload.id, (step, key))
    return found
