"""Watch the two amounts that no request states: the running time of a run, and its current number of rows."""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from glotsmith.api.run_rows import rows_so_far
from glotsmith.api.spending import RunSpending
from glotsmith.execution.base import Progress, RecordedResult
from glotsmith.records import FunnelRow
from glotsmith.run_folder import RunFolder

_log = logging.getLogger(__name__)
_EVERY_S = 1.0  #: seconds between two additions to the running time

#: Returns the number of rows by language.
CountRows = Callable[[], Awaitable[Counter[str]]]


@asynccontextmanager
async def counting_time(
    spending: RunSpending, every_s: float = _EVERY_S, now: Callable[[], float] = time.monotonic
) -> AsyncGenerator[None]:
    """Add the duration of the block to the running time of the run."""
    last = now()

    def add() -> None:
        nonlocal last
        before, last = last, now()
        spending.add_seconds(last - before)

    async def repeat() -> None:
        while True:
            await asyncio.sleep(every_s)
            add()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        add()


async def count_rows_so_far(folder: RunFolder) -> Counter[str]:
    """Return the number of rows that a run has so far, by language, without original pairs of a corpus."""
    async with rows_so_far(folder) as rows:
        return Counter(example.language for example in rows.examples() if example.kind != "original")


class RowCounter(Progress):
    """Counts rows while a run runs, if it has a budget of rows, and passes its progress on.

    The last steps of a recipe drop duplicates, so a count runs these steps on the current items. After each count, the
    next one is due when enough items for the remaining rows are kept. No request begins during a count.
    """

    def __init__(self, progress: Progress, spending: RunSpending, step: str, count: CountRows) -> None:
        """Create the counter.

        Args:
            progress: The object that also receives the progress.
            spending: The spending of the run.
            step: The name of the step before the last steps.
            count: A function that returns the number of rows by language.

        """
        self._progress, self._spending, self._step, self._count = progress, spending, step, count
        self._kept = 0
        self._next = 1
        self._task: asyncio.Task[None] | None = None

    def on_run_started(self, funnel: Sequence[FunnelRow]) -> None:
        """Count the rows of earlier starts."""
        self._progress.on_run_started(funnel)
        self._kept = next((row.made for row in funnel if row.step == self._step), 0)
        self._count_if_due()

    def on_result(self, step: str, result: RecordedResult) -> None:
        """Count the rows if they are due."""
        self._progress.on_result(step, result)
        if step == self._step:
            self._kept += result.made
            self._count_if_due()

    def on_step_restarted(self, step: str) -> None:
        """Count the outputs of the step again."""
        self._progress.on_step_restarted(step)
        if step == self._step:
            self._kept = 0

    def on_step_finished(self, step: str) -> None:
        """Pass the event on."""
        self._progress.on_step_finished(step)

    def on_run_ended(self, funnel: Sequence[FunnelRow]) -> None:
        """Pass the event on."""
        self._progress.on_run_ended(funnel)

    async def close(self) -> None:
        """End a count that is in progress."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _count_if_due(self) -> None:
        if self._spending.rows_left() is None or self._kept < self._next or self._task is not None:
            return
        self._spending.begin_count()
        self._task = asyncio.create_task(self._count_rows())
        self._task.add_done_callback(self._end_count)

    async def _count_rows(self) -> None:
        kept = self._kept
        rows = await self._count()
        self._spending.set_rows(rows)
        per_item = max(1, math.ceil(rows.total() / kept))
        # A count reads all rows. Near the limit, there is one count for each percent of them.
        self._next = kept + max(1, kept // 100, (self._spending.rows_left() or 0) // per_item)

    def _end_count(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        self._spending.end_count()
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            _log.error("the rows cannot be counted, so the budget of rows does not end the run", exc_info=error)
            return
        self._count_if_due()
