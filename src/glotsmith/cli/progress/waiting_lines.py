"""Print lines while a teacher does not answer."""

from collections.abc import Callable

from glotsmith.counts import counted, format_seconds
from glotsmith.teachers.base import Waiting

FIRST_S = 10.0  #: seconds without a reply before the first line
_LONGEST_SILENCE_S = 300.0  #: longest time between two lines, in seconds
_LONGEST_REASON = 120  #: largest number of characters of a server's message


def waiting_text(waiting: Waiting) -> str:
    """Return a sentence about requests without a reply."""
    text = (
        f"waiting for the teacher: {counted(waiting.requests, 'request')} open, "
        f"no reply for {format_seconds(waiting.seconds)}"
    )
    if waiting.failure is None:
        return text
    reason, next_s = waiting.failure
    cut = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"
    then = f"next try in {format_seconds(next_s)}" if next_s >= 1 else "trying again now"
    return f"{text}; {cut}, {then}"


class WaitingLines:
    """Prints that a teacher does not answer.

    It prints a line after ten seconds and then at doubling intervals, at most five minutes. ``text`` is the current
    sentence, for a live display.
    """

    def __init__(self, print_line: Callable[[str], None]) -> None:
        self._print_line = print_line
        self._next_s = FIRST_S
        self.text = ""

    def update(self, waiting: Waiting | None) -> None:
        """Receive the open requests of the teacher; None if there are none."""
        if waiting is None or waiting.seconds < FIRST_S:
            self._next_s, self.text = FIRST_S, ""
            return
        self.text = waiting_text(waiting)
        if waiting.seconds >= self._next_s:
            self._next_s = waiting.seconds + min(waiting.seconds, _LONGEST_SILENCE_S)
            self._print_line(self.text)
