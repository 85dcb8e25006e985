"""Lists of any admitted length: items take turns, and their answers have the order of the items.

Each list has no more workers than there are turns, and a worker asks for a new turn for each item. Turns are given in
the order in which they are asked for, so lists that run at the same time progress at the same rate. Items are read only
when they have a turn. Answers are held as JSON, up to a size; an item beyond it is refused rather than run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar

from glotsmith.service.admission import Admission

ANSWERS_MB = 256  #: of one list; what is under way when the answers reach it is still added

T = TypeVar("T")
Answer = Callable[[int, T], Awaitable[bytes]]  #: place of an item from 1, and the item → its answer
Refuse = Callable[[int, T, str], bytes]  #: place of an item from 1, the item, and a sentence → its answer


async def answer_list(admission: Admission, items: Sequence[T], answer: Answer[T], refuse: Refuse[T]) -> list[bytes]:
    """Return the answers to the items of a list, in their order."""
    return await _List(admission.turns, items, answer, refuse).answers(admission.most_turns)


class _List(Generic[T]):
    """One list that is being answered."""

    def __init__(self, turns: asyncio.Semaphore, items: Sequence[T], answer: Answer[T], refuse: Refuse[T]) -> None:
        self._turns, self._answer, self._refuse = turns, answer, refuse
        self._rest: Iterator[tuple[int, T]] = enumerate(items)
        self._answers = [b""] * len(items)
        self._size = 0

    async def answers(self, workers: int) -> list[bytes]:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(self._answers), workers)):
                group.create_task(self._work())
        return self._answers

    async def _work(self) -> None:
        for index, item in self._rest:
            async with self._turns:
                found = self._answers[index] = await self._one(index + 1, item)
            self._size += len(found)
            await asyncio.sleep(0)  # an item that runs nothing must not hold up other requests

    async def _one(self, place: int, item: T) -> bytes:
        if self._size < ANSWERS_MB * 2**20:
            return await self._answer(place, item)
        why = f"the answers before item {place} have {ANSWERS_MB} MiB; send this item and the rest in another list"
        return self._refuse(place, item, why)
