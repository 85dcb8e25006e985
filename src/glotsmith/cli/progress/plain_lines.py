"""Progress as plain lines, for logs, pipes and screen readers: one line every ten seconds, and one for each step."""

import time
from collections.abc import Callable
from typing import ClassVar

from rich.console import Console

from glotsmith.cli.progress.state import ProgressState, StepCounts
from glotsmith.cli.progress.texts import budget_parts, sandbox_parts, step_sentence, teacher_parts
from glotsmith.cli.progress.waiting_lines import WaitingLines


class PlainView:
    """Prints lines."""

    interval_s = 1.0
    every_s: ClassVar[float] = 10.0  #: seconds between two lines

    def __init__(self, console: Console, state: ProgressState, now: Callable[[], float] = time.monotonic) -> None:
        self._console, self._state, self._now = console, state, now
        self._waiting = WaitingLines(lambda text: self.print(f"  … {text}"))
        self._printed_at = now()
        self._printed = False  #: whether a line about running steps was printed

    def start(self) -> None:
        """Print the results of earlier starts."""
        if self._state.resumed:
            self.print(self._state.resumed)

    def tick(self) -> None:
        """Print a line if one is due."""
        self._waiting.update(self._state.activity.waiting)
        if self._now() - self._printed_at >= self.every_s:
            self._print_running()

    def print(self, text: str) -> None:
        """Print a line."""
        self._console.print(text)

    def on_step_finished(self, step: StepCounts) -> None:
        """Print the counts of a step."""
        self.print(step_sentence(step, self._state))

    def stop(self) -> None:
        """Print the counts of the unfinished steps, if a line with earlier counts was printed."""
        if self._printed:
            self._print_running()

    def _print_running(self) -> None:
        self._printed_at = self._now()
        running = [step for step in self._state.step_list if step.state == "running"]
        if not running:
            return
        self._printed = True
        parts = [step_sentence(step, self._state) for step in running]
        groups = ("teacher", teacher_parts(self._state)), ("sandbox", sandbox_parts(self._state))
        groups = (*groups, ("budget", budget_parts(self._state.activity)))
        parts += [f"{name}: {text}" for name, found in groups if (text := ", ".join(found))]
        self.print("  … " + "; ".join(parts))
