"""Run the steps of a pipeline, all of them in one event loop of this process."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from glotsmith.errors import GlotsmithError, StorageError
from glotsmith.execution.base import FaultLimits, Progress
from glotsmith.execution.faults import FaultTracker
from glotsmith.execution.shards import ShardSourceStage
from glotsmith.execution.stages import RunContext, SourceStage, Stage, StreamStage, WholeStage
from glotsmith.execution.tasks import run_concurrently
from glotsmith.ledger import COMMIT_S, Ledger
from glotsmith.records import FunnelRow
from glotsmith.shard import Shard
from glotsmith.step import BatchStep, ItemStep, SourceStep, Step, WholeStep

BACKLOG = 1000  #: inputs that may wait for a step; above this number the previous step pauses


class PipelineRunner:
    """Runs a pipeline in this process.

    The ledger is the queue: a step receives the items that the previous step kept and for which it has no result, so a
    run resumes where it stopped, even after a kill. Steps run concurrently, in bounded memory. A ``WholeStep`` waits
    for all earlier steps, and the ledger stores either all of its results or none.
    """

    def __init__(self, backlog: int = BACKLOG, limits: FaultLimits | None = None) -> None:
        """Create a runner.

        Args:
            backlog: about how many inputs may wait for each step.
            limits: the numbers of faults at which a run stops.

        """
        self._backlog = backlog
        self._limits = limits or FaultLimits()
        self.stopped = asyncio.Event()  #: set by ``stop``
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._early: GlotsmithError | None = None  #: why the run ends early
        self._running: list[Stage] = []

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
        ledger.register_steps([step.name for step in steps])
        faults = FaultTracker(ledger, self._limits)
        stages = self._running = self._stages(steps, RunContext(ledger, progress, faults, self._closing))
        if self.stopped.is_set():
            return False
        functions = [*(stage.run for stage in stages), partial(_commit_regularly, ledger, stages[-1].ended)]
        self._task = asyncio.create_task(run_concurrently(functions))
        try:
            await self._task
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self.stopped.is_set() or (task is not None and task.cancelling()):
                raise
        finally:
            _end(ledger, progress)
        if stages[-1].ended.is_set() and not stages[-1].complete:
            raise self._early or faults.end_error(ledger.steps)
        return stages[-1].ended.is_set()

    def finish_early(self, error: GlotsmithError) -> None:
        """End the run: start no items, finish those in flight, and raise the error unless the run is complete."""
        self._early = self._early or error
        self._closing.set()
        for stage in self._running:
            stage.wake()

    def stop(self) -> None:
        """Stop the run: start no items, cancel items in flight, and commit all results."""
        self.stopped.set()
        if self._task is not None:
            self._task.cancel()

    def _stages(self, steps: Sequence[Step[Any, Any]], context: RunContext) -> list[Stage]:
        """Return the linked stages, with the backlogs that an earlier start left."""
        funnel = context.ledger.funnel()
        context.progress.on_run_started(funnel)
        stages: list[Stage] = []
        for step, account in zip(steps, funnel, strict=True):
            stage = self._stage(step, account, context, stages)
            if stages:
                stages[-1].successor = stage
                stage.backlog = funnel[len(stages) - 1].made - account.taken
            stages.append(stage)
        return stages

    def _stage(self, step: Step[Any, Any], account: FunnelRow, context: RunContext, before: Sequence[Stage]) -> Stage:
        match step, before:
            case SourceStep(shard=Shard() as shard), []:
                return ShardSourceStage(step, context, shard)
            case SourceStep(), []:
                return SourceStage(step, context, account.taken)
            case ItemStep() | BatchStep(), [*_, previous]:
                return StreamStage(step, context, previous, self._backlog)
            case WholeStep(), [*_, previous]:
                return WholeStage(step, context, previous)
            case _:
                raise TypeError(
                    f"step {step.name!r}: a pipeline is a SourceStep followed by ItemSteps, BatchSteps or WholeSteps"
                )


def _end(ledger: Ledger, progress: Progress) -> None:
    """Commit all results, and report the counts of the ledger."""
    try:
        ledger.flush()
    finally:
        with suppress(StorageError):
            progress.on_run_ended(ledger.funnel())


async def _commit_regularly(ledger: Ledger, over: asyncio.Event) -> None:
    """Commit every ``COMMIT_S`` seconds, so that rare results do not wait for a full transaction."""
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), COMMIT_S)
        ledger.flush()
