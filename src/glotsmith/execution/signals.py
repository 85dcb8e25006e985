"""Ctrl-C and SIGTERM: the first stops cleanly, the second at once."""

import asyncio
import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ReceivedSignal:
    """Which signal came, if any."""

    signum: int = 0

    @property
    def exit_code(self) -> int:
        """The exit code by the shells' convention: 130 for SIGINT, 143 for SIGTERM; 0 if no signal came."""
        return 128 + self.signum if self.signum else 0


@contextmanager
def stopping_on_signals(stop: Callable[[], None], say: Callable[[str], None]) -> Generator[ReceivedSignal, None, None]:
    """Within a running event loop of the main thread, let the first SIGINT or SIGTERM call ``stop`` in the loop.

    ``say`` gets a sentence for the person, from inside the signal handler. The second signal ends the process at
    once, even where the loop is busy; what was committed is safe. Handlers are restored at the end.
    """
    loop, seen = asyncio.get_running_loop(), ReceivedSignal()

    def handle(signum: int, _frame: FrameType | None) -> None:
        if seen.signum:
            os._exit(128 + signum)
        seen.signum = signum
        loop.call_soon_threadsafe(stop)
        say("Stopping. What was answered is kept: the same command goes on from here. Once more quits at once.")

    before = {signum: signal.signal(signum, handle) for signum in SIGNALS}
    try:
        yield seen
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
