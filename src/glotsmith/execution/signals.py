"""Handle Ctrl-C and SIGTERM: the first signal stops the run cleanly, the second ends the process at once."""

import asyncio
import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ReceivedSignal:
    """The first signal that was received, if any."""

    signum: int = 0

    @property
    def exit_code(self) -> int:
        """The exit code by the convention of shells: 130 for SIGINT, 143 for SIGTERM, 0 without a signal."""
        return 128 + self.signum if self.signum else 0


@contextmanager
def stopping_on_signals(
    stop: Callable[[], None], print_message: Callable[[str], None]
) -> Generator[ReceivedSignal, None, None]:
    """Call ``stop`` in the running event loop of the main thread at the first SIGINT or SIGTERM.

    The signal handler passes a message for the user to ``print_message``. The second signal ends the process at once,
    even if the loop is busy; committed results are safe. The previous handlers are restored at the end.
    """
    loop, seen = asyncio.get_running_loop(), ReceivedSignal()

    def handle(signum: int, _frame: FrameType | None) -> None:
        if seen.signum:
            os._exit(128 + signum)
        seen.signum = signum
        loop.call_soon_threadsafe(stop)
        print_message(
            "Stopping. All results are saved. Run the same command again to resume. A second signal quits at once."
        )

    before = {signum: signal.signal(signum, handle) for signum in SIGNALS}
    try:
        yield seen
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
