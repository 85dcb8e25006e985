"""How much may be under way: what is over that is told to come again, and nothing new once the service drains."""

import asyncio
import math
import time
from collections.abc import Generator
from contextlib import contextmanager

_SHARE = 0.1  #: weight of the latest program in the mean time that one takes
_LONGEST_S = 60


class Full(Exception):
    """There is no room now."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after  #: seconds until there may be


class TooMany(Exception):
    """One request asks for more than there ever is room for; the message says how much that is."""


class Draining(Exception):
    """The service is about to end."""


class Admission:
    """Counts what was admitted and is not answered: as many as run at once, and a queue."""

    def __init__(self, jobs: int, queue: int) -> None:
        self.capacity = jobs + queue
        self.admitted = 0
        self.draining = False
        self._jobs, self._mean_s = jobs, 1.0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def enter(self, programs: int = 1) -> Generator[None]:
        """Hold places for so many programs.

        Raises:
            Draining: no more are taken.
            Full: there are not so many places now.

        """
        if self.draining:
            raise Draining
        with self.extend(programs):
            yield

    @contextmanager
    def extend(self, programs: int) -> Generator[None]:
        """Hold further places for a request that was admitted.

        Raises:
            Full: there are not so many now.

        """
        if self.admitted + programs > self.capacity:
            raise Full(self._wait())
        self.admitted += programs
        self._idle.clear()
        begun = time.monotonic()
        try:
            yield
        finally:
            self.admitted -= programs
            if programs:
                each = (time.monotonic() - begun) / programs
                self._mean_s += _SHARE * (each - self._mean_s)
            if not self.admitted:
                self._idle.set()

    def bound(self, programs: int) -> None:
        """Make sure that one request may ask for so many.

        Raises:
            TooMany: there are not so many places at all.

        """
        if programs > self.capacity:
            raise TooMany(f"{programs} jobs; at most {self.capacity} may be sent at once")

    def _wait(self) -> int:
        """Guess when there will be room: a tenth of what is waiting has then been done."""
        return min(max(1, math.ceil(self.admitted * self._mean_s / self._jobs / 10)), _LONGEST_S)

    def drain(self) -> None:
        """Take no more."""
        self.draining = True

    async def idle(self) -> None:
        """Wait until all that was admitted is answered."""
        await self._idle.wait()
