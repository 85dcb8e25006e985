"""Merge the ledgers of shards: copy the results of single items, and run the steps that compare items over all."""

import asyncio
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from typing import Any

from glotsmith.errors import InputError, StorageError
from glotsmith.execution.base import FaultLimits, Progress, RecordedResult
from glotsmith.execution.shards import run_whole_step
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import NANO
from glotsmith.result_transfer import StoredResult
from glotsmith.step import Step, WholeStep

_RESULTS_PER_YIELD = 200  #: results after which other tasks run


class LedgerMerge:
    """Fills the ledger of one run from the ledgers of its shards.

    Positions in the shards are those of one run, so rows are copied unchanged. Each step is one transaction, so a
    stopped merge resumes at the step that it had begun. If a ``WholeStep`` drops an item in the merge, the results of
    later steps for this item are not copied from the shard.
    """

    def __init__(
        self, shards: Sequence[Ledger], steps: Sequence[Step[Any, Any]], ledger: Ledger, progress: Progress
    ) -> None:
        """Prepare the merge.

        Args:
            shards: the ledgers of all shards, which are finished and have the same steps.
            steps: the steps of the recipe; only those that need all items are run.
            ledger: the ledger of the merged run.
            progress: receives the progress.

        """
        self._shards, self._steps, self._ledger, self._progress = shards, steps, ledger, progress
        self._payload_offsets = [0, *accumulate(shard.transfer.last_payload() for shard in shards)]
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    async def run(self) -> bool:
        """Run the merge, or resume it; return False after ``stop``.

        Raises:
            InputError: a ledger lacks results.
            GlotsmithError: see ``PipelineRunner.run``.

        """
        self._ledger.register_steps([step.name for step in self._steps])
        self._progress.on_run_started(self._ledger.funnel())
        if self._stopped:
            return False
        self._task = asyncio.create_task(self._merge_steps())
        try:
            await self._task
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._stopped or (task is not None and task.cancelling()):
                raise
            return False
        finally:
            with suppress(StorageError):
                self._progress.on_run_ended(self._ledger.funnel())
        return True

    def stop(self) -> None:
        """Stop the merge; the step that is not finished is rolled back."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _merge_steps(self) -> None:
        for index, step in enumerate(self._steps):
            if self._ledger.is_finished(step.name):
                self._progress.on_step_finished(step.name)
            elif isinstance(step, WholeStep):
                await run_whole_step(self._steps, index, self._ledger, self._progress, FaultLimits())
            else:
                await self._copy_step(index)

    async def _copy_step(self, index: int) -> None:
        name, ledger = self._steps[index].name, self._ledger
        with self._restarting(name), ledger.atomically():
            if index == 0:
                await self._copy_source_data()
            for count, (result, payload_offset) in enumerate(self._results(index)):
                ledger.transfer.insert(name, result, payload_offset)
                first = result.rows[0]
                self._progress.on_result(name, RecordedResult(result.made, first.tokens, first.cost / NANO))
                if count % _RESULTS_PER_YIELD == 0:
                    await asyncio.sleep(0)
            for shard in self._shards:
                ledger.sampling.copy_step(shard.sampling, name)
            ledger.sampling.forget_unanswered()
            self._check_count(index)
            ledger.mark_finished(name)
        self._progress.on_step_finished(name)

    @contextmanager
    def _restarting(self, step: str) -> Generator[None]:
        """If an exception leaves the block, report that the results of the step are rolled back."""
        try:
            yield
        except BaseException:
            self._progress.on_step_restarted(step)
            raise

    def _results(self, index: int) -> Iterator[tuple[StoredResult, int]]:
        """Yield the results of all shards for the items that the previous step has kept."""
        name = self._steps[index].name
        previous = self._steps[index - 1].name if index else ""
        for shard, payload_offset in zip(self._shards, self._payload_offsets, strict=False):
            for result in shard.transfer.results(name):
                if not previous or self._ledger.transfer.keeps(previous, result.parent):
                    yield result, payload_offset

    async def _copy_source_data(self) -> None:
        """Copy the data that belong to no step: the exchanges with the teacher, and the census of the sources."""
        census = self._shards[0].census
        assert census is not None, "a finished shard has a census"
        self._ledger.record_census(census)
        for shard in self._shards:
            for _ in self._ledger.exchanges.copy_from(shard.exchanges):
                await asyncio.sleep(0)

    def _check_count(self, index: int) -> None:
        """Check that the shards have a result for every input of a step.

        Raises:
            InputError: results are missing.

        """
        name, census = self._steps[index].name, self._ledger.census
        wanted = self._ledger.count_kept(self._steps[index - 1].name) if index else (census.units if census else 0)
        found = self._ledger.transfer.count_results(name)
        if found != wanted:
            raise InputError(
                f"{self._ledger.path.parent}: the ledgers of the shards have {found:,} results of the step {name!r}, "
                f"but {wanted:,} are needed: a ledger was changed or replaced. Run its shard again in a new folder"
            )
