"""Report at regular intervals what a command is doing: its requests, its programs, its costs and its budgets."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from glotsmith.api.spending import BudgetLeft, RunSpending
from glotsmith.exchanges import ReplyCosts
from glotsmith.execution.base import Progress, RecordedResult
from glotsmith.ledger import Ledger
from glotsmith.records import FunnelRow
from glotsmith.sandbox.base import ReportsLoad, Sandbox, SandboxLoad
from glotsmith.teachers.base import Reply, Request, TeacherLoad, Waiting
from glotsmith.teachers.wrappers import CachedTeacher

if TYPE_CHECKING:  # it imports the recipes, which few commands need
    from glotsmith.api.run_teachers import CachedTeachers

_EVERY_S = 1.0  #: seconds between two reports


class Activity(NamedTuple):
    """What a command is doing; None for a part that it does not have."""

    waiting: Waiting | None = None  #: the open requests; None if every request has a reply
    teacher: TeacherLoad | None = None
    sandbox: SandboxLoad | None = None
    paid: ReplyCosts | None = None  #: costs of the replies, over all starts
    failures: Mapping[str, int] = {}  #: verdict → number of generated programs that failed
    budgets: Sequence[BudgetLeft] = ()


ReportActivity = Callable[[Activity], None]


def report_nothing(activity: Activity) -> None:
    """Report nothing."""


@asynccontextmanager
async def reporting_activity(observe: Callable[[], Activity], report: ReportActivity) -> AsyncGenerator[None]:
    """Report an activity while the block runs, and once more at its end."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            report(observe())

    report(observe())
    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        report(observe())


def sandbox_load(sandbox: Sandbox) -> SandboxLoad | None:
    """Return the load of a sandbox; None for a back end that does not count its programs."""
    return sandbox.load() if isinstance(sandbox, ReportsLoad) else None


class FailureCounter(Progress):
    """Counts the generated programs of a run that failed, from its ledger, and passes all events on."""

    def __init__(self, progress: Progress, ledger: Ledger) -> None:
        self._progress, self._ledger = progress, ledger
        self.failures = Counter[str]()  #: verdict → number of programs

    def on_run_started(self, funnel: Sequence[FunnelRow]) -> None:
        """Count the failures of earlier starts."""
        if any(row.losses for row in funnel):
            self.failures = Counter(self._ledger.groups.count_failures())
        self._progress.on_run_started(funnel)

    def on_result(self, step: str, result: RecordedResult) -> None:
        """Count the failures of one item."""
        self.failures.update(result.failures)
        self._progress.on_result(step, result)

    def on_step_restarted(self, step: str) -> None:
        """Pass the event on: a step whose results can be rolled back requests no programs."""
        self._progress.on_step_restarted(step)

    def on_step_finished(self, step: str) -> None:
        """Pass the event on."""
        self._progress.on_step_finished(step)

    def on_run_ended(self, funnel: Sequence[FunnelRow]) -> None:
        """Pass the event on."""
        self._progress.on_run_ended(funnel)


class RunActivity(NamedTuple):
    """The parts of a run that have an activity."""

    teachers: "CachedTeachers"
    sandbox: Sandbox
    spending: RunSpending
    counter: FailureCounter

    def observe(self) -> Activity:
        """Return what the run is doing."""
        return Activity(
            waiting=self.teachers.waiting(),
            teacher=self.teachers.load(),
            sandbox=sandbox_load(self.sandbox),
            paid=self.spending.received(),
            failures=self.counter.failures,
            budgets=self.spending.budgets(),
        )


class ReplyTally:
    """Adds up the costs of the replies of one start (``teachers.wrappers.OnReply``)."""

    def __init__(self) -> None:
        self.paid = ReplyCosts()

    def count(self, request: Request, address: str, reply: Reply, cached: bool) -> None:
        """Count a reply, unless it is from a cache."""
        if not cached:
            tokens = reply.input_tokens + reply.output_tokens
            self.paid += ReplyCosts(1, reply.cost or 0.0, tokens, reply.cost is None)


def evaluation_activity(sandbox: Sandbox, teacher: CachedTeacher | None, tally: ReplyTally) -> Activity:
    """Return what an evaluation is doing."""
    found = Activity(sandbox=sandbox_load(sandbox))
    if teacher is None:
        return found
    monitored = teacher.monitored
    return found._replace(waiting=monitored.waiting(), teacher=monitored.load(), paid=tally.paid)
