"""Limit the concurrent requests to a server: a 429 or another sign of congestion halves the limit, success raises it.

This is additive increase and multiplicative decrease, as in TCP (RFC 5681 §3.1). ``openai.py`` and
``server_errors.py`` decide which answers are congestion. ``retries.py`` decides how long a request waits before it is
repeated.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import NamedTuple


class Clock(NamedTuple):
    """A source of time; tests use one that does not wait."""

    now: Callable[[], float] = time.monotonic  #: monotonic seconds
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep  #: takes seconds


class Limiter:
    """Slots for requests to one server.

    The limit starts at ``start``. Until the server is first overloaded, it grows by one per success (doubling per round
    trip), afterwards by one per ``limit`` successes. An overload halves it, once for all requests in flight. It grows
    only while all slots are in use.
    """

    def __init__(self, start: int = 8, maximum: int = 64, clock: Clock | None = None) -> None:
        self.maximum = max(1, maximum)
        self._clock = clock or Clock()
        self._limit = min(max(1, start), self.maximum)
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._successes = 0  # since the last change of the limit
        self._cuts = 0  # number of cuts; a slot has the number of the last cut before it
        self._paused_until = self._clock.now()
        self._limited_until = self._clock.now()
        # seconds of all waits, including the rest of the present one; overlapping waits count once
        self._limited_s = 0.0

    @property
    def limit(self) -> int:
        """The number of requests that may be in flight now."""
        return self._limit

    @property
    def in_flight(self) -> int:
        """The number of slots in use."""
        return self._in_flight

    @property
    def pause_s(self) -> float:
        """The remaining seconds of the pause that the server requested; 0 without one."""
        return max(0.0, self._paused_until - self._clock.now())

    @property
    def rate_limited_s(self) -> float:
        """The seconds so far in which a request waited because the overloaded server had refused it."""
        return self._limited_s - max(0.0, self._limited_until - self._clock.now())

    def slot(self) -> AbstractAsyncContextManager[int]:
        """Wait for a free slot and for the end of any pause; yield the cut number, for ``congested``."""
        return _Slot(self)

    async def take(self) -> int:
        """Wait as ``slot`` does, and return the cut number; call ``give_back`` at the end."""
        await self._wait_for_slot()
        try:
            while (left := self._paused_until - self._clock.now()) > 0:
                await self._clock.sleep(left)
        except BaseException:
            self.give_back()
            raise
        return self._cuts

    def succeeded(self) -> None:
        """Record a success. Call it while the slot is held."""
        if self.in_flight != self.limit or self.limit == self.maximum:
            return
        self._successes += 1
        if self._cuts == 0 or self._successes >= self.limit:
            self._resize(self.limit + 1)

    def congested(self, cut_number: int) -> None:
        """Record that the overloaded server refused a request with this cut number. Call it while the slot is held."""
        # If more requests are in flight than allowed, the last cut has not taken effect yet. The number alone does not
        # show this, since a slot may be assigned before a cut and entered after it.
        if cut_number == self._cuts and self.in_flight <= self.limit:
            self._cuts += 1
            self._resize(max(1, self.limit // 2))

    def pause(self, seconds: float) -> None:
        """Assign no slot for this many seconds, as the server requested."""
        self._paused_until = max(self._paused_until, self._clock.now() + seconds)

    def record_rate_limit_wait(self, seconds: float) -> None:
        """Record that a request waits for ``seconds`` from now on, because the overloaded server refused it."""
        now = self._clock.now()
        until = now + max(seconds, self.pause_s)
        self._limited_s += max(0.0, until - max(now, self._limited_until))
        self._limited_until = max(until, self._limited_until)

    async def _wait_for_slot(self) -> None:
        """Wait for a slot, in order of the calls."""
        if self._in_flight < self._limit and not self._waiting:
            self._in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the slot was assigned just before the cancellation
                self.give_back()
            with suppress(ValueError):
                self._waiting.remove(turn)
            raise

    def give_back(self) -> None:
        """Release a slot."""
        self._in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        """Assign free slots to waiting requests."""
        while self._waiting and self._in_flight < self._limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)

    def _resize(self, limit: int) -> None:
        self._limit = limit
        self._successes = 0
        self._admit()


class _Slot(AbstractAsyncContextManager[int]):
    """See ``Limiter.slot``."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    async def __aenter__(self) -> int:
        """Take the slot."""
        return await self._limiter.take()

    async def __aexit__(self, *_: object) -> None:
        """Release the slot."""
        self._limiter.give_back()
