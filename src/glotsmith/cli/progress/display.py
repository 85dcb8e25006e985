"""The display of a command: it chooses a view, and draws it at intervals in a separate thread."""

import threading
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import Annotated, Protocol, Self

import typer
from rich.console import Console

from glotsmith.api.activity import Activity
from glotsmith.cli.progress.json_events import JsonView
from glotsmith.cli.progress.panel import PanelView
from glotsmith.cli.progress.plain_lines import PlainView
from glotsmith.cli.progress.state import ColumnNames, ProgressState, StepCounts
from glotsmith.cli.terminal_text import SafeConsole


class ProgressMode(StrEnum):
    """How progress is shown."""

    auto = "auto"
    plain = "plain"
    json = "json"
    off = "off"


ProgressOption = Annotated[
    ProgressMode,
    typer.Option(
        "--progress",
        help="Progress on stderr: auto (a panel in a terminal, else plain lines), plain, json (events), off.",
    ),
]


class ProgressView(Protocol):
    """A way to show the state."""

    interval_s: float  #: seconds between two calls of ``tick``

    def start(self) -> None:
        """Show the state at the start."""
        ...

    def tick(self) -> None:
        """Show the state again."""
        ...

    def print(self, text: str) -> None:
        """Print a message."""
        ...

    def on_step_finished(self, step: StepCounts) -> None:
        """Show that a step is finished."""
        ...

    def stop(self) -> None:
        """Show the state at the end."""
        ...


class NoView:
    """Prints messages only."""

    interval_s = 60.0

    def __init__(self, console: Console) -> None:
        self._console = console

    def start(self) -> None:
        """Do nothing."""

    def tick(self) -> None:
        """Do nothing."""

    def print(self, text: str) -> None:
        """Print a message."""
        self._console.print(text)

    def on_step_finished(self, step: StepCounts) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


def draws_panel(console: Console) -> bool:
    """Return whether a console is a terminal that can draw a panel, without a log on the same stream."""
    logs = isinstance(console, SafeConsole) and console.shows_log
    return console.is_terminal and console.file.isatty() and not console.is_dumb_terminal and not logs


def open_view(mode: ProgressMode, console: Console, state: ProgressState) -> ProgressView:
    """Return the view for a mode."""
    if console.quiet or mode == ProgressMode.off:
        return NoView(console)
    if mode == ProgressMode.json:
        return JsonView(console, state)
    if mode == ProgressMode.auto and draws_panel(console):
        return PanelView(console, state)
    return PlainView(console, state)


class ProgressDisplay:
    """Shows the progress of a command; a context manager. Nothing is shown before ``start``."""

    def __init__(
        self, console: Console, mode: ProgressMode = ProgressMode.auto, columns: ColumnNames | None = None
    ) -> None:
        self.state = ProgressState(columns)
        self.view = open_view(mode, console, self.state)
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the last state."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join()
        self.state.ended = True
        with suppress(BrokenPipeError):
            self.view.stop()

    def start(self, resumed: str = "") -> None:
        """Begin to show the steps that were added; ``resumed`` is a sentence about earlier starts.

        Do nothing if they are shown already: a run with the teacher ``batch`` calls this in each round.
        """
        if self._thread is not None:
            return
        self.state.resumed = resumed
        self.view.start()
        self._thread = threading.Thread(target=self._repeat, name="progress", daemon=True)
        self._thread.start()

    def finish(self, name: str) -> None:
        """Mark a step as finished."""
        self.state.finish(name)
        self.view.on_step_finished(self.state.steps[name])

    def show_activity(self, activity: Activity) -> None:
        """Show the current activity of the command."""
        self.state.set_activity(activity)

    def print(self, text: str) -> None:
        """Print a message."""
        self.view.print(text)

    def print_result(self, out: Console, text: str) -> None:
        """Print a line of the result on ``out``; above the panel if both are on the terminal."""
        if isinstance(self.view, PanelView) and out.is_terminal:
            self.view.print(text)
        else:
            out.print(text)

    def _repeat(self) -> None:
        passed = 0.0
        while not self._ended.wait(self.view.interval_s):
            passed += self.view.interval_s
            if passed >= 1.0:
                passed = 0.0
                self.state.sample()
            try:
                self.view.tick()
            except OSError:  # the terminal or the pipe is closed
                return
