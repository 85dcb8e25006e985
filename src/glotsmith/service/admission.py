"""Limit the requests and list items in progress, and share the capacity between lists."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from glotsmith.counts import counted

_LATEST_WEIGHT = 0.1  #: weight of the latest request in the mean time of an item
_LONGEST_RETRY_S = 60  #: largest value of Retry-After, in seconds


class ServiceFull(Exception):
    """The queue is full now."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after  #: seconds after which to retry


class ListTooLong(Exception):
    """One list has more items than the queue can hold; the message states the maximum."""


class ServiceDraining(Exception):
    """The service is shutting down."""


@dataclass
class RequestSlot:
    """The slot of one admitted request."""

    items: int = 0  #: number of items of its list; 0 without a list


class Admission:
    """Counts the requests that are admitted and not answered, and the items of their lists.

    The number of slots is the number of programs at once plus the queue. A request takes one slot. The items of a list
    take no slots: they take turns, which all lists share, so a request without a list waits only for a few items.
    """

    def __init__(self, jobs: int, queue: int, list_items: int) -> None:
        self.capacity = jobs + queue
        self.list_items = list_items  #: maximum number of items of all lists
        self.admitted = 0
        self.listed = 0  #: number of items of the admitted lists
        self.draining = False
        self.max_turns = min(2 * jobs, self.capacity)  #: for each program, one item that runs and one that is ready
        self.turns = asyncio.Semaphore(self.max_turns)  #: held by the list items in progress; first come, first served
        self._jobs, self._mean_s = jobs, 1.0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def admit(self) -> Generator[RequestSlot]:
        """Admit a request, and release its slot at the end.

        Raises:
            ServiceDraining: The service is shutting down.
            ServiceFull: The queue is full.

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
            self._mean_s += _LATEST_WEIGHT * (each - self._mean_s)
            if not self.admitted:
                self._idle.set()

    def add_list(self, place: RequestSlot, items: int) -> None:
        """Admit the list of an admitted request; its items are released with the request.

        Raises:
            ListTooLong: The list has more items than any list may have.
            ServiceFull: The admitted lists and this one have too many items.

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
        """Return the estimated seconds until a tenth of the waiting items is done."""
        waiting = self.admitted + self.listed
        return min(max(1, math.ceil(waiting * self._mean_s / self._jobs / 10)), _LONGEST_RETRY_S)

    def drain(self) -> None:
        """Refuse new requests from now on."""
        self.draining = True

    async def wait_until_idle(self) -> None:
        """Wait until all admitted requests are answered."""
        await self._idle.wait()


ANSWERS_MB = 256  #: size limit of the answers to a list; answers to items in progress may exceed it

T = TypeVar("T")
AnswerItem = Callable[[int, T], Awaitable[bytes]]  #: position of an item from 1, and the item → its answer
RefuseItem = Callable[[int, T, str], bytes]  #: position of an item from 1, the item, and the reason → its answer


async def answer_list(
    admission: Admission, items: Sequence[T], answer: AnswerItem[T], refuse: RefuseItem[T]
) -> list[bytes]:
    """Return the answers to the items of a list, in order.

    Each list has at most as many workers as there are turns, and a worker waits for a turn for each item. Turns are
    granted in order, so concurrent lists progress at the same rate. An item is parsed when it has a turn. Answers are
    stored as JSON, up to ``ANSWERS_MB``; later items are refused and do not run.
    """
    return await _ListRequest(admission.turns, items, answer, refuse).answers(admission.max_turns)


class _ListRequest(Generic[T]):
    """A list whose items are being answered."""

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
            await asyncio.sleep(0)  # items that run no program must not block other requests

    async def _answer_or_refuse(self, place: int, item: T) -> bytes:
        if self._size < ANSWERS_MB * 2**20:
            return await self._answer(place, item)
        why = f"the answers before item {place} have {ANSWERS_MB} MiB; send this item and the rest in another list"
        return self._refuse(place, item, why)
