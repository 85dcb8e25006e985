"""How much may be under way: a request beyond it must come again, and nothing is admitted once the service drains."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from glotsmith.counts import counted

_SHARE = 0.1  #: weight of the latest program in the mean time that one takes
_LONGEST_S = 60


class ServiceFull(Exception):
    """The queue is full now."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after  #: seconds until there may be


class ListTooLong(Exception):
    """One list has more items than the queue can ever hold; the message states the maximum."""


class ServiceDraining(Exception):
    """The service is about to end."""


@dataclass
class RequestSlot:
    """The place of one request."""

    items: int = 0  #: of its list; 0 where it has none


class Admission:
    """Counts the requests that are admitted and not answered, and the items of their lists.

    A request has one place: as many as run at once, and a queue. The items of its list wait inside the request, and
    take turns (``lists.py``). All lists share the turns, so that a request without a list waits for few items only.
    """

    def __init__(self, jobs: int, queue: int, list_items: int) -> None:
        self.capacity = jobs + queue
        self.list_items = list_items  #: the most that all lists may have together
        self.admitted = 0
        self.listed = 0  #: items of lists that are admitted
        self.draining = False
        self.max_turns = min(2 * jobs, self.capacity)  #: one item runs, and the next one is ready
        self.turns = asyncio.Semaphore(self.max_turns)  #: of items of lists, first come first served
        self._jobs, self._mean_s = jobs, 1.0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def admit(self) -> Generator[RequestSlot]:
        """Hold the place of a request.

        Raises:
            Draining: no more are taken.
            Full: there is no place now.

        """
        if self.draining:
            raise ServiceDraining
        if self.admitted >= self.capacity:
            raise ServiceFull(self._retry_after())
        self.admitted += 1
        self._idle.clear()
        place, begun = RequestSlot(), time.monotonic()
        try:
            yield place
        finally:
            self.admitted -= 1
            self.listed -= place.items
            each = (time.monotonic() - begun) / max(1, place.items)
            self._mean_s += _SHARE * (each - self._mean_s)
            if not self.admitted:
                self._idle.set()

    def add_list(self, place: RequestSlot, items: int) -> None:
        """Admit the list of a request that has a place; the items leave with the request.

        Raises:
            TooMany: no list may have so many items.
            Full: with the lists that are admitted they are too many now.

        """
        if items > self.list_items:
            raise ListTooLong(
                f"{counted(items, 'job')}; at most {self.list_items} may be sent at once: send the list in parts"
            )
        if self.listed + items > self.list_items:
            raise ServiceFull(self._retry_after())
        place.items = items
        self.listed += items

    def _retry_after(self) -> int:
        """Estimate when the queue has space: when a tenth of the waiting items is done."""
        waiting = self.admitted + self.listed
        return min(max(1, math.ceil(waiting * self._mean_s / self._jobs / 10)), _LONGEST_S)

    def drain(self) -> None:
        """Take no more."""
        self.draining = True

    async def wait_until_idle(self) -> None:
        """Wait until all that was admitted is answered."""
        await self._idle.wait()


ANSWERS_MB = 256  #: of one list; what is under way when the answers reach it is still added

T = TypeVar("T")
AnswerItem = Callable[[int, T], Awaitable[bytes]]  #: place of an item from 1, and the item → its answer
RefuseItem = Callable[[int, T, str], bytes]  #: place of an item from 1, the item, and a sentence → its answer


async def answer_list(
    admission: Admission, items: Sequence[T], answer: AnswerItem[T], refuse: RefuseItem[T]
) -> list[bytes]:
    """Return the answers to the items of a list, in their order."""
    return await _ListRequest(admission.turns, items, answer, refuse).answers(admission.max_turns)


class _ListRequest(Generic[T]):
    """One list that is being answered."""

    def __init__(
        self, turns: asyncio.Semaphore, items: Sequence[T], answer: AnswerItem[T], refuse: RefuseItem[T]
    ) -> None:
        self._turns, self._answer, self._refuse = turns, answer, refuse
        self._remaining: Iterator[tuple[int, T]] = enumerate(items)
        self._answers = [b""] * len(items)
        self._size = 0

    async def answers(self, workers: int) -> list[bytes]:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(self._answers), workers)):
                group.create_task(self._run_worker())
        return self._answers

    async def _run_worker(self) -> None:
        for index, item in self._remaining:
            async with self._turns:
                found = self._answers[index] = await self._answer_or_refuse(index + 1, item)
            self._size += len(found)
            await asyncio.sleep(0)  # an item that runs nothing must not hold up other requests

    async def _answer_or_refuse(self, place: int, item: T) -> bytes:
        if self._size < ANSWERS_MB * 2**20:
            return await self._answer(place, item)
        why = f"the answers before item {place} have {ANSWERS_MB} MiB; send this item and the rest in another list"
        return self._refuse(place, item, why)
