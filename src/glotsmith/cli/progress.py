"""Print progress: a live table in a terminal, plain lines elsewhere (a log, a pipe, a screen reader)."""

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from glotsmith.counts import counted, format_seconds
from glotsmith.records import FunnelRow
from glotsmith.teachers.base import Waiting

_EVERY_S = 10.0  #: between two plain lines
_LONGEST_SILENCE_S = 300.0  #: between two lines about a teacher that does not answer
_LONGEST_REASON = 120  #: characters of a server's message


class _Count:
    def __init__(self, row: FunnelRow) -> None:
        self.taken, self.made, self.dropped = row.taken, row.made, row.dropped
        self.tokens, self.cost, self.state = row.tokens, row.cost, ""


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

    def __init__(self, console: Console, *, lines: bool = True) -> None:
        self._console = console
        self._lines = lines
        self._next_s = _EVERY_S
        self.text = ""

    def update(self, waiting: Waiting | None) -> None:
        """Receive the open requests of the teacher; None if there are none."""
        if waiting is None or waiting.seconds < _EVERY_S:
            self._next_s, self.text = _EVERY_S, ""
            return
        self.text = waiting_text(waiting)
        if self._lines and waiting.seconds >= self._next_s:
            self._next_s = waiting.seconds + min(waiting.seconds, _LONGEST_SILENCE_S)
            self._console.print(f"  … {self.text}")


class RunProgress:
    """Prints the progress of a run (``execution.base.Progress``); a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counts: dict[str, _Count] = {}
        self._waiting = WaitingLines(console, lines=not console.is_terminal)
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=4, transient=True)
        self._printed_at = time.monotonic()

    def __enter__(self) -> "RunProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def on_run_started(self, funnel: Sequence[FunnelRow]) -> None:
        """Show the table, with the counts of earlier starts."""
        if self._console.is_terminal:
            self._live.start()
        self._counts = {row.step: _Count(row) for row in funnel}
        done = sum(row.taken for row in funnel)
        if done:
            self._console.print(f"Resumes the run: {counted(done, 'answer', 'is')} in its ledger")

    def on_item_answered(self, step: str, made: int, tokens: int, cost: float) -> None:
        """Count one answer."""
        count = self._counts[step]
        count.taken += 1
        count.made += made
        count.dropped += made == 0
        count.tokens += tokens
        count.cost += cost
        if not self._console.is_terminal and time.monotonic() - self._printed_at > _EVERY_S:
            self._printed_at = time.monotonic()
            busy = [f"{name} {c.taken}" for name, c in self._counts.items() if c.taken and not c.state]
            self._console.print("  … " + ", ".join(busy))

    def on_step_finished(self, step: str) -> None:
        """Mark a step as done."""
        count = self._counts[step]
        count.state = "done"
        if not self._console.is_terminal:
            self._console.print(f"{step}: {count.taken} in, {count.made} out, {count.dropped} dropped")

    def waiting(self, waiting: Waiting | None) -> None:
        """Show how long the teacher has not answered."""
        self._waiting.update(waiting)

    def _table(self) -> Table:
        table = Table("step", "in", "out", "dropped", "tokens", "", caption=self._waiting.text or None)
        for name, c in self._counts.items():
            table.add_row(name, str(c.taken), str(c.made), str(c.dropped), str(c.tokens or ""), c.state)
        return table


class CheckProgressLines:
    """Prints each part of a check, and its count every ten seconds, as plain lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._what, self._total, self._count, self._printed_at = "", 0, 0, time.monotonic()

    def begin(self, what: str, total: int) -> None:
        """Print the name of a part that begins; a total of 0 is unknown."""
        self._what, self._total, self._count, self._printed_at = what, total, 0, time.monotonic()
        self._console.print(f"  … {what}{f' ({total})' if total else ''}")

    def tick(self) -> None:
        """Count one program."""
        self._count += 1
        if time.monotonic() - self._printed_at > _EVERY_S:
            self._printed_at = time.monotonic()
            self._console.print(f"  … {self._count}{f' of {self._total}' if self._total else ''} {self._what}")


def funnel_table(funnel: Sequence[FunnelRow]) -> Table:
    """Return the funnel: the counts of each step, with its most frequent drop reasons."""
    table = Table("step", "in", "kept", "dropped", "out", "why dropped (and lost on the way)", title="Funnel")
    for row in funnel:
        table.add_row(row.step, str(row.taken), str(row.kept), str(row.dropped), str(row.made), _why(row))
    return table


def _why(row: FunnelRow) -> str:
    common = sorted(row.reasons.items(), key=lambda kv: (-kv[1], kv[0]))
    lost = sorted(row.losses.items(), key=lambda kv: (-kv[1], kv[0]))
    dropped = ", ".join(f"{reason} {count}" for reason, count in common)
    on_the_way = ", ".join(f"{reason} {count}" for reason, count in lost)
    return f"{dropped} ({on_the_way})" if on_the_way else dropped
