"""Limit how many programs run at once; a program that only waits lends its slot to another.

Without lending, a program that sleeps would leave a processor unused until its idle limit ends it. A waiting program
counts again as soon as it could run. For a short time, more programs than slots then run, and no further program
starts.
"""

import asyncio
from collections import deque

MAX_WAITING = 128  #: waiting programs that lend their slots
MAX_WAITING_THREADS = 512  #: threads of all waiting programs
_MAX_WAITING_MB = 2048  #: resident memory of all waiting programs


class ProgramSlots:
    """The slots of one event loop."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self.running = 0  #: programs that have a slot
        self._lent: dict[object, tuple[float, int]] = {}  #: waiting program → its memory in MB and its threads
        self._queue = deque[asyncio.Future[None]]()

    async def acquire(self) -> None:
        """Wait for a slot; programs get it in the order of their calls."""
        if self.running < self._slots and not self._queue:
            self.running += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()  # the program had just got the slot
            raise

    def release(self) -> None:
        """Give back a slot, and start the programs that wait for one."""
        self.running -= 1
        self._admit()

    def lend(self, owner: object, memory_mb: float, threads: int) -> None:
        """Lend the slot of a program that waits, unless too many wait or need too much; idempotent."""
        if owner in self._lent:
            self._lent[owner] = memory_mb, threads
        elif len(self._lent) < MAX_WAITING and self._allows(memory_mb, threads):
            self._lent[owner] = memory_mb, threads
            self.release()

    def _allows(self, memory_mb: float, threads: int) -> bool:
        memories, counts = zip((memory_mb, threads), *self._lent.values(), strict=True)
        return sum(memories) <= _MAX_WAITING_MB and sum(counts) <= MAX_WAITING_THREADS

    def take_back(self, owner: object) -> None:
        """Take back the slot that a program has lent, because it runs again or has ended; idempotent."""
        if self._lent.pop(owner, None) is not None:
            self.running += 1

    def _admit(self) -> None:
        while self._queue and self.running < self._slots:
            turn = self._queue.popleft()
            if not turn.done():
                self.running += 1
                turn.set_result(None)
