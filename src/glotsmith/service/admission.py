"""How much may be under way: a request beyond it must come again, and nothing is admitted once the service drains."""

import asyncio
import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from glotsmith.counts import counted

_SHARE = 0.1  #: weight of the latest program in the mean time that one takes
_LONGEST_S = 60


class Full(Exception):
    """There is no room now."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after  #: seconds until there may be


class TooMany(Exception):
    """One list has more items than there ever is room for; the message says how many there may be."""


class Draining(Exception):
    """The service is about to end."""


@dataclass
class Place:
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
        self.most_turns = min(2 * jobs, self.capacity)  #: one item runs, and the next one is ready
        self.turns = asyncio.Semaphore(self.most_turns)  #: of items of lists, first come first served
        self._jobs, self._mean_s = jobs, 1.0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def enter(self) -> Generator[Place]:
        """Hold the place of a request.

        Raises:
            Draining: no more are taken.
            Full: there is no place now.

        """
        if self.draining:
            raise Draining
        if self.admitted >= self.capacity:
            raise Full(self._wait())
        self.admitted += 1
        self._idle.clear()
        place, begun = Place(), time.monotonic()
        try:
            yield place
        finally:
            self.admitted -= 1
            self.listed -= place.items
            each = (time.monotonic() - begun) / max(1, place.items)
            self._mean_s += _SHARE * (each - self._mean_s)
            if not self.admitted:
                self._idle.set()

    def add_list(self, place: Place, items: int) -> None:
        """Admit the list of a request that has a place; the items leave with the request.

        Raises:
            TooMany: no list may have so many items.
            Full: with the lists that are admitted they are too many now.

        """
        if items > self.list_items:
            raise TooMany(
                f"{counted(items, 'job')}; at most {self.list_items} may be sent at once: send the list in parts"
            )
        if self.listed + items > self.list_items:
            raise Full(self._wait())
        place.items = items
        self.listed += items

    def _wait(self) -> int:
        """Guess when there will be room: a tenth of what is waiting has then been done."""
        waiting = self.admitted + self.listed
        return min(max(1, math.ceil(waiting * self._mean_s / self._jobs / 10)), _LONGEST_S)

    def drain(self) -> None:
        """Take no more."""
        self.draining = True

    async def idle(self) -> None:
        """Wait until all that was admitted is answered."""
        await self._idle.wait()
