"""The live panel: a table of the steps, and lines about teacher, sandbox and budgets.

The panel stays on the screen when the command ends.
"""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from glotsmith.cli.progress.state import ProgressState, StepCounts
from glotsmith.cli.progress.texts import (
    budget_parts,
    format_rate,
    left_text,
    sandbox_parts,
    teacher_parts,
    total_text,
)
from glotsmith.cli.progress.waiting_lines import WaitingLines
from glotsmith.cli.terminal_text import visible
from glotsmith.counts import counted

_NARROW = 64  #: smallest width of a terminal, in columns, at which rates and outputs are shown
_OTHER_LINES = 9  #: number of lines of the screen that do not show a step
_NAME_WIDTH = 10  #: smallest width of the names of steps; longer names are folded


class PanelRenderable:
    """Draws the state at the width of the terminal."""

    def __init__(self, state: ProgressState, waiting: WaitingLines) -> None:
        self._state, self._waiting = state, waiting
        self.final = False  #: whether all steps are shown, even if they do not fit on the screen

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines of the panel."""
        wrapped = options.update(no_wrap=False, overflow="fold")
        steps = self._state.step_list
        shown = steps if self.final else _fitting_steps(steps, console.size.height - _OTHER_LINES)
        for part in self._parts(shown, len(steps), options.max_width):
            yield from console.render(part, wrapped)

    def _parts(self, shown: Sequence[StepCounts], count: int, width: int) -> Iterator[Table | Text]:
        state = self._state
        if state.resumed:
            yield Text(visible(state.resumed))
        yield _step_table(shown, state, width)
        if len(shown) < count:
            yield Text(_hidden_steps_sentence(state.step_list, shown))
        yield from _labelled_lines("teacher", teacher_parts(state))
        yield from _labelled_lines("sandbox", sandbox_parts(state))
        yield from _labelled_lines("budget", budget_parts(state.activity))
        if self._waiting.text:
            yield Text(visible(self._waiting.text))


class PanelView:
    """Redraws the panel in place."""

    interval_s = 0.25

    def __init__(self, console: Console, state: ProgressState) -> None:
        self._console = console
        self._waiting = WaitingLines(lambda _: None)
        self._state = state
        self._panel = PanelRenderable(state, self._waiting)
        self._live = Live(
            self._panel, console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

    def start(self) -> None:
        """Draw it for the first time."""
        self._live.start(refresh=True)

    def tick(self) -> None:
        """Draw it again."""
        self._waiting.update(self._state.activity.waiting)
        self._live.refresh()

    def print(self, text: str) -> None:
        """Print a line above the panel."""
        self._console.print(text)

    def on_step_finished(self, step: StepCounts) -> None:
        """Do nothing: the next ``tick`` shows it."""

    def stop(self) -> None:
        """Draw all steps, which stay on the screen."""
        self._panel.final = True
        self._waiting.update(None)
        self._live.stop()


def _fitting_steps(steps: Sequence[StepCounts], height: int) -> Sequence[StepCounts]:
    """Return all steps if they fit on the screen, else those that run."""
    if len(steps) <= height:
        return steps
    running = [step for step in steps if step.state == "running"]
    return running[: max(1, height)]


def _hidden_steps_sentence(steps: Iterable[StepCounts], shown: Sequence[StepCounts]) -> str:
    hidden = [step for step in steps if step not in shown]
    finished = sum(step.state == "finished" for step in hidden)
    counts = f"{counted(finished, 'finished step')} and {counted(len(hidden) - finished, 'other')}"
    return f"{counts} are not shown: the terminal has too few lines"


def _step_table(steps: Sequence[StepCounts], state: ProgressState, width: int) -> Table:
    names, wide = state.columns, width >= _NARROW
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    table.add_column("step", overflow="fold", min_width=_NAME_WIDTH)
    cells = _column_names(names.kept, names.dropped, names.made if wide else "", wide=wide)
    for name in cells:
        table.add_column(name, justify="right", no_wrap=True)
    for step in steps:
        values = _cell_texts(step)
        values |= {names.kept: str(step.kept), names.dropped: str(step.dropped), names.made: str(step.made)}
        table.add_row(_step_name(step), *(Text(values[name]) for name in cells), style="dim" if not step.done else "")
    return table


def _column_names(kept: str, dropped: str, made: str, *, wide: bool) -> list[str]:
    return [name for name in ("done/total", kept, dropped, made, "rate" if wide else "", "time left") if name]


def _cell_texts(step: StepCounts) -> dict[str, str]:
    return {"done/total": total_text(step), "rate": format_rate(step.rate), "time left": left_text(step)}


def _step_name(step: StepCounts) -> Text:
    note = f" ({step.note})" if step.note else ""
    return Text(visible(f"{step.name}{note}"))


def _labelled_lines(label: str, parts: Iterable[str]) -> Iterator[Table]:
    text = " · ".join(parts)
    if not text:
        return
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column(no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(label, style="bold"), Text(visible(text)))
    yield line
