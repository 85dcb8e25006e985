"""A step at work: it takes from the ledger what its predecessor kept, and wakes its successor."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from glotsmith.execution.base import Progress
from glotsmith.execution.faults import Faults
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import BrokenResult, Taken, sortable
from glotsmith.records import Record, printable
from glotsmith.step import BatchStep, ItemStep, Result, SourceStep, Step, WholeStep, internal_error
from glotsmith.unanswered import Unanswered, accepting

PAGE = 64  #: items a stage reads from the ledger at once, at least
ANSWERS_PER_YIELD = 16  #: answers after which a stage lets the others run: a step that never waits would starve them


async def run_concurrently(work: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Run all at the same time; at the first failure, or if cancelled, cancel the others, wait for them, and raise.

    Coroutines are made here, not handed in: who is cancelled before the first step would leave them unawaited.
    """
    tasks = [asyncio.create_task(each()) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def annotate_errors(step: str, keys: Sequence[str]) -> Generator[None, None, None]:
    """Note the step and the items on whatever is raised inside.

    A step that raises ``CancelledError`` without having been cancelled would vanish silently with its item: a defect.
    """
    where = f"in step {step!r}, item {', '.join(keys[:3])}{' …' if len(keys) > 3 else ''}"
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError(f"a step cancelled itself, {where}") from error
    except Exception as error:
        error.add_note(where)
        raise


class Engine(NamedTuple):
    """What all stages of a run share."""

    ledger: Ledger
    progress: Progress
    faults: Faults


class Stage(ABC):
    """What all stages share: entering results, and the signals between neighbours."""

    def __init__(self, step: Step[Any, Any], engine: Engine) -> None:
        self.name = step.name
        self.output = step.output
        self.ledger, self.progress, self.faults = engine
        self.following: Stage | None = None
        self.backlog = 0  #: inputs in the ledger that nobody has taken yet
        self.most = 0  #: backlog above which the predecessor pauses; 0: it never does
        self.ready = asyncio.Event()  #: an input, or the predecessor's end, may have come
        self.room = asyncio.Event()  #: the successor's backlog may have shrunk
        self.over = asyncio.Event()  #: nothing more is answered in this run
        self.complete = True  #: once it is over: whether nothing is open
        self._answers = 0

    async def run(self) -> None:
        """Answer everything, then say so."""
        if not self.ledger.finished(self.name):
            await self.work()
            if self.complete:
                self.ledger.mark_finished(self.name)
                self.progress.finished(self.name)
        self.over.set()
        if self.following is not None:
            self.following.ready.set()

    @abstractmethod
    async def work(self) -> None:
        """Answer everything; ``complete`` becomes false if something stays open."""

    def enter(self, taken: Taken, result: Result[Any], *, ordered: bool) -> int:
        """Enter one answer; return how many outputs were kept."""
        made = self.ledger.record(self.name, taken, result, ordered=ordered)
        self.progress.answered(self.name, made, result.tokens, result.cost)
        self.faults.entered(self.name, result)
        return made

    def announce_outputs(self, made: int) -> None:
        """Tell the successor of new inputs."""
        if self.following is not None:
            self.following.backlog += made
            self.following.ready.set()

    async def announce_outputs_and_wait(self, made: int) -> None:
        """Tell the successor of new inputs, and wait while it has too many."""
        self.announce_outputs(made)
        follower = self.following
        while follower and follower.most and follower.backlog > follower.most:
            self.room.clear()
            await self.room.wait()
        await self.yield_to_event_loop()

    async def yield_to_event_loop(self) -> None:
        """Let the others run, now and then."""
        self._answers += 1
        if self._answers % ANSWERS_PER_YIELD == 0:
            await asyncio.sleep(0)


class Reading(Stage):
    """A ``SourceStep`` at work. Units are entered in its order, so that an interrupted reading is a prefix."""

    def __init__(self, step: SourceStep[Any], engine: Engine, read: int) -> None:
        """Go on behind the ``read`` units that were answered before."""
        super().__init__(step, engine)
        self.step = step
        self._read = read

    async def work(self) -> None:
        """Read the world to its end."""
        units = self.step.run(self._done)
        try:
            await self._enter_all(units)
        finally:
            if isinstance(units, AsyncGenerator):
                await units.aclose()

    def _done(self, key: str) -> bool:
        return self.ledger.answered(self.name, printable(key))

    async def _enter_all(self, units: AsyncIterator[tuple[str, Result[Any]]]) -> None:
        """Enter unit after unit; one that was answered before is the same unit, and nothing new."""
        key = "(the first)"
        while True:
            with annotate_errors(self.name, [f"after {key}"]):
                unit = await anext(units, None)
            if unit is None:
                return
            key, result = printable(unit[0]), unit[1]
            if not self._done(key):
                await self.announce_outputs_and_wait(self._enter(key, result))

    def _enter(self, key: str, result: Result[Any]) -> int:
        with annotate_errors(self.name, [key]):
            made = self.enter(Taken(key, sortable(self._read)), result, ordered=True)
        self._read += 1
        return made


Answered = list[tuple[Taken, Result[Any]]]


class Streaming(Stage):
    """An ``ItemStep`` or ``BatchStep`` at work: workers that each take inputs and answer them.

    An item for which teacher or machine failed is tried once more when nothing else waits, and then left open.
    """

    def __init__(
        self, step: ItemStep[Any, Any] | BatchStep[Any, Any], engine: Engine, previous: Stage, backlog: int
    ) -> None:
        """Take what ``previous`` kept, which pauses while more than ``backlog`` inputs wait here."""
        super().__init__(step, engine)
        self.step = step
        self.previous = previous
        self.size = step.size if isinstance(step, BatchStep) else 1
        self.most = max(backlog, self.size)
        self._decode = msgspec.json.Decoder(previous.output).decode
        self._buffer = deque[Taken]()
        self._aside = deque[Taken]()  #: failed once
        self._failures: dict[str, Unanswered] = {}  #: the first, by key
        self._cursor = 0
        self._turn = asyncio.Lock()  #: one worker fills its batch at a time

    async def work(self) -> None:
        """Answer with as many workers as the step wants."""
        if isinstance(self.previous, Whole):
            await self.previous.over.wait()  # what it records before may yet be undone
        await run_concurrently([self._worker] * max(1, self.step.concurrency))
        self.complete = self.previous.complete and not self.ledger.open_items.left(self.name)

    async def _worker(self) -> None:
        while batch := await self._take():
            made = 0
            for taken, result in await self._answers_to(batch):
                with annotate_errors(self.name, [taken.key]):
                    made += self.enter(taken, result, ordered=False)
            await self.announce_outputs_and_wait(made)

    async def _take(self) -> list[Taken]:
        """Wait for a full batch, or for what is left once the predecessor is over; empty at the end."""
        async with self._turn:
            while len(self._buffer) < self.size:
                self.ready.clear()
                last = self.previous.over.is_set()
                if not self._refill():
                    if self._aside and not self._buffer:
                        return self._take_again()
                    if last:
                        break
                    await self.ready.wait()
            batch = [self._buffer.popleft() for _ in range(min(self.size, len(self._buffer)))]
        self.backlog -= len(batch)
        self.previous.room.set()
        return batch

    def _refill(self) -> bool:
        """Read on in the ledger; return whether there was anything."""
        found = self.ledger.pending(self.previous.name, self.name, self._cursor, max(PAGE, self.size))
        if found:
            self._cursor = found[-1].id
            self._buffer.extend(found)
        return bool(found)

    def _take_again(self) -> list[Taken]:
        """Return the item that failed first, alone."""
        taken = self._aside.popleft()
        self.ledger.open_items.taken_again(self.name, taken.key)
        return [taken]

    async def _answers_to(self, batch: Sequence[Taken]) -> Answered:
        """Return the results of those that have one: an internal error is one, a failure of teacher or machine not."""
        first = self._failures.get(batch[0].key)
        if first is not None and first.health is not None and not await first.health.works():
            self._leave(batch[0])
            return []
        try:
            return list(zip(batch, await self._results(batch), strict=True))
        except Exception as error:
            failure = self.faults.meaning(error)
            if failure is not None:
                return [answer for taken in batch for answer in await self._failed(taken, failure)]
            if len(batch) == 1:
                return [(batch[0], Result(dropped=(internal_error(self.name, batch[0].key, error),)))]
        half = len(batch) // 2
        return [*await self._answers_to(batch[:half]), *await self._answers_to(batch[half:])]

    async def _failed(self, taken: Taken, failure: Unanswered) -> Answered:
        """Put an item aside, or leave it open if it was aside; drop it if it failed by itself in enough runs."""
        health, again = failure.health, taken.key in self._failures
        if health and self.faults.is_hopeless(self.name, taken.key) and await health.works():
            return await self._accepted(taken)
        await self.faults.count(self.name, taken.key, failure)
        if again:
            if health:  # it worked just before
                self.ledger.count_failed_run(self.name, taken.key)
            self._leave(taken)
        else:
            self._failures[taken.key] = failure
            self.ledger.open_items.put_aside(self.name, taken.key)
            self._aside.append(taken)
            self.ready.set()
        return []

    async def _accepted(self, taken: Taken) -> Answered:
        """Let the step do without what fails."""
        try:
            with accepting():
                return [(taken, (await self._results([taken]))[0])]
        except Exception as error:
            failure = self.faults.meaning(error)
            loss = internal_error(self.name, taken.key, error)
            if failure is not None:
                loss = msgspec.structs.replace(loss, reason=failure.reason, detail=failure.detail)
            return [(taken, Result(dropped=(loss,)))]

    def _leave(self, taken: Taken) -> None:
        self.ledger.open_items.leave(self.name, taken.key)

    async def _results(self, batch: Sequence[Taken]) -> Sequence[Result[Any]]:
        keys = [taken.key for taken in batch]
        with annotate_errors(self.name, keys):
            items = [self._decode(taken.data) for taken in batch]
            if not isinstance(self.step, BatchStep):
                return [await self.step.run(keys[0], items[0])]
            results = await self.step.run(keys, items)
            if len(results) != len(batch):
                raise BrokenResult(f"{len(results)} results for {len(batch)} items")
            return results


class Whole(Stage):
    """A ``WholeStep`` at work: all its results get into the ledger in one transaction.

    An internal error is laid to the item that the step had taken last, and the step runs again without that one.
    """

    def __init__(self, step: WholeStep[Any, Any], engine: Engine, previous: Stage) -> None:
        """Wait until ``previous`` is over."""
        super().__init__(step, engine)
        self.step = step
        self.previous = previous
        self._broken: dict[str, Result[Any]] = {}
        self._at: str | None = None  #: key of the item that the step is looking at

    async def work(self) -> None:
        """Answer all items together."""
        await self.previous.over.wait()
        self.complete = self.previous.complete
        if self.complete:
            self.announce_outputs(
                await self._answer()
            )  # without waiting for room: the successor begins when this step is over

    async def _answer(self) -> int:
        while True:
            try:
                with self.ledger.atomically():
                    made = await self._answer_all()
                    self.ledger.mark_finished(self.name)
                    return made
            except Exception as error:
                if self.faults.meaning(error) or self._at is None or self._at in self._broken:
                    raise
                loss = Result[Any](dropped=(internal_error(self.name, self._at, error),))
            self._broken[self._at] = loss
            self.faults.entered(self.name, loss)

    async def _answer_all(self) -> int:
        """Enter the items that break the step, then its results for all others."""
        source, made, answered = self.previous.name, 0, 0
        with annotate_errors(self.name, ["all"]):
            for key, result in [*self._broken.items()]:
                answered, made = answered + 1, made + self._enter(source, key, result)
            for key, result in self.step.run(lambda: self._items(source)):
                answered, made = answered + 1, made + self._enter(source, key, result)
                await self.yield_to_event_loop()
            if answered != (count := self.ledger.count(source)):
                raise BrokenResult(f"{answered} results for {count} items")
        return made

    def _enter(self, source: str, key: str, result: Result[Any]) -> int:
        taken = self.ledger.taken(source, key)
        if taken is None:
            raise BrokenResult(f"{key} is no item of {source!r}")
        made = self.ledger.record(self.name, taken, result, ordered=True)
        self.progress.answered(self.name, made, result.tokens, result.cost)
        return made

    def _items(self, source: str) -> Generator[tuple[str, Record], None, None]:
        for key, item in self.ledger.kept(source, self.previous.output):
            if key not in self._broken:
                self._at = key
                yield key, item
        self._at = None
