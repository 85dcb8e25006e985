"""Stages run one step each: they read inputs from the ledger, record results, and wake the next stage."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.execution.base import Progress, RecordedResult, failures_of
from glotsmith.execution.faults import FaultTracker
from glotsmith.execution.held_items import HeldItems
from glotsmith.execution.tasks import annotate_errors, run_concurrently
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import BrokenResult, StepInput, sortable
from glotsmith.records import Record, printable
from glotsmith.step import BatchStep, ItemStep, Result, SourceStep, Step, WholeStep, internal_error
from glotsmith.unanswered import BudgetReached, RequestPostponed, Unanswered, accepting_failures

PAGE = 64  #: minimum number of items that a stage reads from the ledger at once
HELD_S = 0.1  #: interval between two checks whether a held item is ready
RESULTS_PER_YIELD = 16  #: results after which a stage yields, because a step that never waits would starve others


class RunContext(NamedTuple):
    """The objects that all stages of a run share."""

    ledger: Ledger
    progress: Progress
    faults: FaultTracker
    closing: asyncio.Event  #: set when no stage may start an item


class Stage(ABC):
    """Base of all stages: records results and exchanges signals with the neighbouring stages."""

    def __init__(self, step: Step[Any, Any], context: RunContext) -> None:
        self.name = step.name
        self.output = step.output
        self.ledger, self.progress, self.faults, self.closing = context
        self.successor: Stage | None = None
        self.backlog = 0  #: inputs in the ledger that no worker has taken yet
        self.backlog_limit = 0  #: backlog above which the previous stage pauses; 0: it never pauses
        self.input_ready = asyncio.Event()  #: set when inputs may have arrived, or the previous stage has ended
        self.backlog_reduced = asyncio.Event()  #: set when the backlog of the successor may have shrunk
        self.ended = asyncio.Event()  #: set when the stage records nothing more in this run
        self.complete = True  #: after the end: whether no item is open
        self._result_count = 0

    async def run(self) -> None:
        """Process all inputs, then signal the end to the successor."""
        if not self.ledger.is_finished(self.name):
            await self.process_all()
            if self.complete:
                self.ledger.mark_finished(self.name)
        if self.complete:
            self.progress.on_step_finished(self.name)
        self.ended.set()
        if self.successor is not None:
            self.successor.input_ready.set()

    @abstractmethod
    async def process_all(self) -> None:
        """Process all inputs; set ``complete`` to false if an item stays open."""

    def record_result(self, taken: StepInput, result: Result[Any], *, ordered: bool) -> int:
        """Record one result; return the number of outputs kept."""
        made = self.record(taken, result, ordered=ordered)
        self.faults.count_result(self.name, result)
        return made

    def record(self, taken: StepInput, result: Result[Any], *, ordered: bool) -> int:
        """Write one result to the ledger and report it; return the number of outputs kept."""
        made = self.ledger.record(self.name, taken, result, ordered=ordered)
        self.progress.on_result(self.name, RecordedResult(made, result.tokens, result.cost, failures_of(result)))
        return made

    def announce_outputs(self, made: int) -> None:
        """Signal new inputs to the successor."""
        if self.successor is not None:
            self.successor.backlog += made
            self.successor.input_ready.set()

    async def announce_outputs_and_wait(self, made: int) -> None:
        """Signal new inputs to the successor, and wait while its backlog is above the limit."""
        self.announce_outputs(made)
        follower = self.successor
        while (
            not self.closing.is_set()
            and follower
            and follower.backlog_limit
            and follower.backlog > follower.backlog_limit
        ):
            self.backlog_reduced.clear()
            await self.backlog_reduced.wait()
        await self.yield_to_event_loop()

    def wake(self) -> None:
        """Wake all workers that wait, after ``closing`` was set."""
        self.input_ready.set()
        self.backlog_reduced.set()

    async def yield_to_event_loop(self) -> None:
        """Yield to the event loop once in ``RESULTS_PER_YIELD`` calls."""
        self._result_count += 1
        if self._result_count % RESULTS_PER_YIELD == 0:
            await asyncio.sleep(0)


class SourceStage(Stage):
    """Runs a ``SourceStep``. Units are recorded in its order, so an interrupted run has the first units."""

    def __init__(self, step: SourceStep[Any], context: RunContext, read: int) -> None:
        """Continue after the ``read`` units that an earlier start recorded."""
        super().__init__(step, context)
        self.step = step
        self._units_read = read

    async def process_all(self) -> None:
        """Read all units of the source."""
        units = self.step.run(self.may_skip)
        try:
            await self._record_units(units)
        finally:
            if isinstance(units, AsyncGenerator):
                await units.aclose()

    def may_skip(self, key: str) -> bool:
        """Return whether the step may leave out a unit."""
        return self._has_result(key)

    def _has_result(self, key: str) -> bool:
        return self.ledger.has_result(self.name, printable(key))

    async def _record_units(self, units: AsyncIterator[tuple[str, Result[Any]]]) -> None:
        """Record unit after unit; skip units with a key that was recorded before."""
        key = "(the first)"
        while True:
            with annotate_errors(self.name, [f"after {key}"]):
                unit = await anext(units, None)
            if unit is None:
                return
            if self.closing.is_set():
                self.complete = False
                return
            key, result = printable(unit[0]), unit[1]
            await self.take_unit(key, result)

    async def take_unit(self, key: str, result: Result[Any]) -> None:
        """Record a unit, unless it was recorded before."""
        if not self._has_result(key):
            made = self.record_unit(key, result, self._units_read)
            self._units_read += 1
            await self.announce_outputs_and_wait(made)

    def record_unit(self, key: str, result: Result[Any], ordinal: int) -> int:
        """Record a unit at its place among the units; return the number of outputs kept."""
        with annotate_errors(self.name, [key]):
            return self.record_result(StepInput(key, sortable(ordinal)), result, ordered=True)


ItemResults = list[tuple[StepInput, Result[Any]]]


class StreamStage(Stage):
    """Runs an ``ItemStep`` or ``BatchStep`` with several workers.

    An item for which the teacher or the machine failed is retried once when no other input waits, then left open.
    """

    def __init__(
        self, step: ItemStep[Any, Any] | BatchStep[Any, Any], context: RunContext, previous: Stage, backlog: int
    ) -> None:
        """Read the outputs of ``previous``, which pauses while more than ``backlog`` inputs wait."""
        super().__init__(step, context)
        self.step = step
        self.previous = previous
        self.size = step.size if isinstance(step, BatchStep) else 1
        self.backlog_limit = max(backlog, self.size)
        self._decode = msgspec.json.Decoder(previous.output).decode
        self._buffer = deque[StepInput]()
        self._retry_queue = deque[StepInput]()  #: items that failed once
        self._failures: dict[str, Unanswered] = {}  #: first failure, by key
        self._cursor = 0
        self._closed_early = False  #: whether a worker ended while inputs may be left
        self._fill_lock = asyncio.Lock()  #: held while a worker fills its batch
        self._held = HeldItems(step, context.ledger, previous.name)
        self._in_flight = 0  #: number of batches in progress

    async def process_all(self) -> None:
        """Process all inputs with ``concurrency`` workers."""
        if isinstance(self.previous, WholeStage):
            await self.previous.ended.wait()  # until then its transaction may be rolled back
        await run_concurrently([self._worker] * max(1, self.step.concurrency))
        left = self._closed_early or bool(self.ledger.open_items.left_open(self.name))
        self.complete = self.previous.complete and not left

    async def _worker(self) -> None:
        while batch := await self._next_batch():
            made = 0
            self._in_flight += 1
            for taken, result in await self._results_or_failures(batch):
                with annotate_errors(self.name, [taken.key]):
                    made += self.record_result(taken, result, ordered=False)
            self._in_flight -= 1
            if self._held:
                self.input_ready.set()  # an item may be ready now
            await self.announce_outputs_and_wait(made)

    async def _next_batch(self) -> list[StepInput]:
        """Wait for a full batch, or for the remaining items after the previous stage has ended; [] at the end."""
        async with self._fill_lock:
            while len(self._buffer) < self.size and not self.closing.is_set():
                self.input_ready.clear()
                last = self.previous.ended.is_set()
                if not self._fill_buffer():
                    if self._retry_queue and not self._buffer:
                        return self._next_retry()
                    if last and not (self._held and self._in_flight):
                        self._leave_held_open()
                        break
                    await self._wait_for_input()
            if self.closing.is_set():
                self._closed_early = True
                return []
            batch = [self._buffer.popleft() for _ in range(min(self.size, len(self._buffer)))]
        self.backlog -= len(batch)
        self.previous.backlog_reduced.set()
        return batch

    async def _wait_for_input(self) -> None:
        """Wait until inputs may have arrived; while items are held, not longer than ``HELD_S``."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.input_ready.wait(), HELD_S if self._held else None)

    def _fill_buffer(self) -> bool:
        """Read more inputs from the ledger; return whether there were any, or held ones that are ready now."""
        released = self._held.release()
        found = self.ledger.pending(self.previous.name, self.name, self._cursor, max(PAGE, self.size))
        if found:
            self._cursor = found[-1].id
        ready = self._held.hold_back(found)
        self.backlog += len(released) + len(ready) - len(found)  # the previous stage does not wait for held items
        self._buffer.extend(released + ready)
        return bool(released or found)

    def _leave_held_open(self) -> None:
        """Leave the held items open at the end: the items that they wait for are open."""
        waits = Unanswered(Reason.INTERNAL_ERROR, "an earlier item is open", None)
        for taken in self._held.take_all():
            self._leave_open(taken, waits)

    def _next_retry(self) -> list[StepInput]:
        """Return the first item of the retry queue, as a batch of one."""
        taken = self._retry_queue.popleft()
        self.ledger.open_items.mark_retried(self.name, taken.key)
        return [taken]

    async def _results_or_failures(self, batch: Sequence[StepInput]) -> ItemResults:
        """Return the results of a batch. Items for which the teacher or the machine failed are left out.

        If the step raises an internal error, the batch is halved until the item that causes it is found.
        """
        first = self._failures.get(batch[0].key)
        if first is not None and first.health is not None and not await first.health.works():
            return self._leave_open(batch[0], first)
        try:
            return list(zip(batch, await self._run_step(batch), strict=True))
        except Exception as error:
            failure = self.faults.failure_of(error)
            if failure is not None:
                return [result for taken in batch for result in await self._handle_failure(taken, failure)]
            if len(batch) == 1:
                return [(batch[0], Result(dropped=(internal_error(self.name, batch[0].key, error),)))]
        half = len(batch) // 2
        return [*await self._results_or_failures(batch[:half]), *await self._results_or_failures(batch[half:])]

    async def _handle_failure(self, taken: StepInput, failure: Unanswered) -> ItemResults:
        """Queue an item for a retry, leave it open after the retry, or drop it after failures in too many runs."""
        if isinstance(failure, RequestPostponed):
            return self._leave_open(taken, failure)
        health, again = failure.health, taken.key in self._failures
        if health and self.faults.is_last_attempt(self.name, taken.key) and await health.works():
            return await self._result_accepting_failures(taken)
        await self.faults.count_failure(self.name, taken.key, failure)
        if again:
            if health:  # the service worked just before the retry
                self.ledger.count_failed_run(self.name, taken.key)
            return self._leave_open(taken, failure)
        self._failures[taken.key] = failure
        self.ledger.open_items.defer(self.name, taken.key)
        self._retry_queue.append(taken)
        self.input_ready.set()
        return []

    async def _result_accepting_failures(self, taken: StepInput) -> ItemResults:
        """Run the step on an item while services return failures instead of raising them."""
        try:
            with accepting_failures():
                return [(taken, (await self._run_step([taken]))[0])]
        except Exception as error:
            failure = self.faults.failure_of(error)
            if isinstance(failure, RequestPostponed):
                return self._leave_open(taken, failure)
            loss = internal_error(self.name, taken.key, error)
            if failure is not None:
                loss = msgspec.structs.replace(loss, reason=failure.reason, detail=failure.detail)
            return [(taken, Result(dropped=(loss,)))]

    def _leave_open(self, taken: StepInput, cause: Unanswered) -> ItemResults:
        self.faults.note_left_open(cause)
        by_budget = isinstance(cause, BudgetReached)
        self.ledger.open_items.leave_open(self.name, taken.key, by_budget=by_budget)
        return []

    async def _run_step(self, batch: Sequence[StepInput]) -> Sequence[Result[Any]]:
        keys = [taken.key for taken in batch]
        with annotate_errors(self.name, keys):
            items = [self._decode(taken.data) for taken in batch]
            if not isinstance(self.step, BatchStep):
                return [await self.step.run(keys[0], items[0])]
            results = await self.step.run(keys, items)
            if len(results) != len(batch):
                raise BrokenResult(f"{len(results)} results for {len(batch)} items")
            return results


class WholeStage(Stage):
    """Runs a ``WholeStep``, and records all of its results in one transaction.

    An internal error drops the item that the step read last, and the step runs again without this item.
    """

    def __init__(self, step: WholeStep[Any, Any], context: RunContext, previous: Stage) -> None:
        """Create a stage that starts when ``previous`` has ended."""
        super().__init__(step, context)
        self.step = step
        self.previous = previous
        self._failed_items: dict[str, Result[Any]] = {}
        self._current_key: str | None = None  #: key of the item that the step read last

    async def process_all(self) -> None:
        """Process all items after the previous stage has ended without open items."""
        await self.previous.ended.wait()
        self.complete = self.previous.complete
        if self.complete:
            # Do not wait for a smaller backlog: the successor starts when this stage has ended.
            self.announce_outputs(await self._record_all_or_retry())

    async def _record_all_or_retry(self) -> int:
        while True:
            try:
                with self.ledger.atomically():
                    made = await self._record_all()
                    self.ledger.mark_finished(self.name)
                    return made
            except BaseException as error:
                self.progress.on_step_restarted(self.name)
                if (
                    not isinstance(error, Exception)
                    or self.faults.failure_of(error)
                    or self._current_key is None
                    or self._current_key in self._failed_items
                ):
                    raise
                loss = Result[Any](dropped=(internal_error(self.name, self._current_key, error),))
            self._failed_items[self._current_key] = loss
            self.faults.count_result(self.name, loss)

    async def _record_all(self) -> int:
        """Record the drops of the items on which the step failed, then the results for all other items."""
        source, made, recorded = self.previous.name, 0, 0
        with annotate_errors(self.name, ["all"]):
            for key, result in [*self._failed_items.items()]:
                recorded, made = recorded + 1, made + self._record_item(source, key, result)
            for key, result in self.step.run(lambda: self._items(source)):
                recorded, made = recorded + 1, made + self._record_item(source, key, result)
                await self.yield_to_event_loop()
            if recorded != (count := self.ledger.count_kept(source)):
                raise BrokenResult(f"{recorded} results for {count} items")
        return made

    def _record_item(self, source: str, key: str, result: Result[Any]) -> int:
        taken = self.ledger.find_input(source, key)
        if taken is None:
            raise BrokenResult(f"{key} is not an item of {source!r}")
        return self.record(taken, result, ordered=True)

    def _items(self, source: str) -> Generator[tuple[str, Record], None, None]:
        for key, item in self.ledger.kept_items(source, self.previous.output):
            if key not in self._failed_items:
                self._current_key = key
                yield key, item
        self._current_key = None
