"""The panel on a real pseudo-terminal: it stays, also after Ctrl-C, fits, and sends no sequence that a name holds."""

import io
import json
import re
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console
from terminal import Screen, TerminalRun, run_in_terminal

from glotsmith.api.activity import Activity
from glotsmith.cli.progress.display import ProgressDisplay, ProgressMode
from glotsmith.cli.progress.json_events import JsonView
from glotsmith.cli.progress.panel import PanelView
from glotsmith.cli.progress.plain_lines import PlainView
from glotsmith.cli.progress.state import ColumnNames, ProgressState
from glotsmith.cli.terminal_text import SafeConsole, visible
from glotsmith.ledger import Ledger
from glotsmith.sandbox.base import SandboxLoad
from glotsmith.teachers.base import FailedAttempt, TeacherLoad, Waiting

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b31m\u202egnp\x00\r\x08 name"


#: a run of a shape of ``test_run_progress``, whose first item waits in the first start
RUN = """
import asyncio, logging, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_run_progress import Ask, Shape, steps
from glotsmith.cli.app import err
from glotsmith.cli.progress.run_progress import RunProgress
from glotsmith.errors import GlotsmithError
from glotsmith.execution.base import FaultLimits
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.execution.signals import stopping_on_signals
from glotsmith.ledger import Ledger

class Slow(Ask):
    async def run(self, key, item):
        if len(sys.argv) > 2 and self.shape.pick("slow", key, below=4) == 0:
            Path("waiting").touch()
            await asyncio.sleep(60)
        return await super().run(key, item)

async def run(ledger):
    runner = PipelineRunner(limits=FaultLimits(internal_errors=1000))
    all_steps = steps(Shape(3))
    all_steps[1] = Slow(Shape(3))
    with RunProgress(err) as shown, stopping_on_signals(runner.stop, shown.print) as seen:
        await runner.run(all_steps, ledger, shown)
    return seen.exit_code

logging.disable()
ledger = Ledger(Path("ledger.sqlite"))
sys.exit(asyncio.run(run(ledger)))
"""


def panel_rows(run: TerminalRun, ledger: Ledger) -> dict[str, list[str]]:
    """Return what the panel that is left on the screen says of each step, without rate and time."""
    lines = (line.split() for line in run.screen.text.splitlines())
    return {cells[0]: cells[1:5] for cells in lines if cells and cells[0] in ledger.steps}


def funnel_rows(ledger: Ledger) -> dict[str, list[str]]:
    """Return what the panel must say: the total is known if the step or the one before it is finished."""
    found, total = dict[str, list[str]](), None
    for row in ledger.funnel():
        total = row.taken if ledger.is_finished(row.step) else total
        done = f"{row.taken}/{total}" if total is not None else str(row.taken)
        found[row.step] = [done, str(row.kept), str(row.dropped), str(row.made)]
        total = row.made if ledger.is_finished(row.step) else None
    return found


@pytest.mark.slow
def test_the_panel_of_a_stopped_run_and_of_its_end_has_the_numbers_of_the_ledger(tmp_path: Path) -> None:
    command = (sys.executable, "-c", RUN, str(Path(__file__).parent))
    waiting = (tmp_path / "waiting").exists
    stopped = run_in_terminal(["slow"], tmp_path, command=command, interrupt_when=waiting)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        found, expected = panel_rows(stopped, ledger), funnel_rows(ledger)
    assert (stopped.code, stopped.screen.unknown) == (130, [])
    assert "Stopping. All results are saved." in stopped.screen.text
    assert "Resumes the run" not in stopped.screen.text
    assert found["sources"] == expected["sources"]
    assert {name: cells[1:] for name, cells in found.items()} == {name: cells[1:] for name, cells in expected.items()}
    assert 0 < int(found["ask"][1]) < int(found["sources"][3])

    ended = run_in_terminal([], tmp_path, command=command)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        assert panel_rows(ended, ledger) == funnel_rows(ledger)
    assert (ended.code, ended.screen.unknown) == (0, [])
    assert re.search(r"^Resumes the run: \d+ results are in its ledger$", ended.screen.text, re.MULTILINE)
    assert max(map(len, ended.screen.text.splitlines())) <= 80
    assert ended.screen.text.count("time left") == 1, "there is one panel"


#: a display with a hostile step, requests, programs and budgets, drawn three times
SCRIPT = f"""
import sys, time
from glotsmith.api.activity import Activity
from glotsmith.api.spending import BudgetLeft
from glotsmith.budget import BudgetUnit
from glotsmith.cli.app import err, print_error
from glotsmith.cli.progress.display import ProgressDisplay, ProgressMode
from glotsmith.errors import GlotsmithError
from glotsmith.exchanges import ReplyCosts
from glotsmith.sandbox.base import SandboxLoad
from glotsmith.teachers.base import FailedAttempt, TeacherLoad, Waiting
mode, steps = ProgressMode(sys.argv[1]), int(sys.argv[2])
name = {HOSTILE!r}
with ProgressDisplay(err, mode) as shown:
    for number in range(steps):
        shown.state.add_step(f"step{{number}}").state = "running" if number == 1 else "finished"
    shown.state.add_step(name, 9_999_999).set_done(1_234_567)
    shown.state.steps[name].note = name
    shown.start(name)
    shown.show_activity(
        Activity(
            Waiting(70, 45, FailedAttempt(name, 20)),
            TeacherLoad(8, 8, 3, 12.0),
            SandboxLoad(2, 2, 10),
            ReplyCosts(5, 1.25, 1000, 1),
            {{name: 3, "fail:wrong": 2}},
            (BudgetLeft(name, BudgetUnit.usd, 18.75),),
        )
    )
    shown.print(name)
    time.sleep(0.6)
    print_error(GlotsmithError(name))
"""


def draw(folder: Path, mode: str = "auto", steps: int = 3, **options: object) -> TerminalRun:
    return run_in_terminal([mode, steps], folder, command=(sys.executable, "-c", SCRIPT), **options)  # type: ignore[arg-type]


def check_hostile(text: str) -> None:
    """Check that a text shows the hostile name and holds no character that controls a terminal."""
    assert visible(HOSTILE).replace(" ", "") in "".join(text.split())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


@pytest.mark.slow
def test_the_panel_shows_hostile_names_and_requests_programs_and_budgets(tmp_path: Path) -> None:
    run = draw(tmp_path, columns=200)
    assert (run.code, run.screen.unknown) == (0, [])
    check_hostile(run.screen.text)
    drawn = run.data.decode("utf-8", "replace")
    assert "8 of 8 requests in flight, 62 waiting · 3 retries · rate-limited for 12 s · 1,000 tokens" in drawn
    assert "$1.2500 and 1 reply has no known price" in drawn
    assert "2 of 2 workers busy" in drawn
    assert "fail:wrong 2" in drawn
    assert "18.75 US dollars left" in drawn
    assert "1234567/9999999" in run.screen.text


@pytest.mark.slow
def test_a_dumb_terminal_gets_lines(tmp_path: Path) -> None:
    run = draw(tmp_path, environment={"TERM": "dumb"})
    assert (run.code, b"\x1b" in run.data) == (0, False)
    check_hostile(run.screen.text)


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize(("rows", "steps"), [(40, 20), (12, 20), (12, 2)])
@pytest.mark.parametrize("no_color", [False, True])
def test_every_line_fits_and_the_last_panel_has_all_steps(columns: int, rows: int, steps: int, no_color: bool) -> None:
    file = io.StringIO()
    console = SafeConsole(
        file=file, force_terminal=True, width=columns, height=rows, soft_wrap=True, color_system="standard"
    )
    console.no_color = no_color
    state = ProgressState()
    for number in range(steps):
        state.add_step(f"step{number}").state = "finished" if number else "running"
    state.add_step(HOSTILE, 9_999_999).set_done(1_234_567)
    state.set_activity(Activity(failures={HOSTILE: 5}, sandbox=SandboxLoad(1, 2, 3)))
    view = PanelView(console, state)
    view.start()
    assert len(file.getvalue().splitlines()) <= rows
    view.tick()
    view.stop()
    screen = Screen()
    screen.write(file.getvalue().encode())
    assert screen.unknown == []
    assert max(map(len, screen.lines)) <= columns
    assert [f"step{number}" in screen.text for number in range(steps)] == [True] * steps
    assert not (no_color and re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38)[;m]", file.getvalue()))
    check_hostile(screen.text) if columns >= 200 else None


def display(mode: ProgressMode, *, quiet: bool = False) -> tuple[ProgressDisplay, io.StringIO]:
    file = io.StringIO()
    console = SafeConsole(file=file, width=200, soft_wrap=True)
    console.quiet = quiet
    return ProgressDisplay(console, mode, ColumnNames("pass", "others", "")), file


@pytest.mark.parametrize("mode", list(ProgressMode))
def test_in_quiet_mode_nothing_is_shown(mode: ProgressMode) -> None:
    shown, file = display(mode, quiet=True)
    with shown:
        shown.state.add_step("programs", 2)
        shown.start("resumed")
        shown.finish("programs")
        shown.print("a message")
    assert file.getvalue() == ""


def test_events_are_json_and_say_all() -> None:
    shown, file = display(ProgressMode.json)
    assert isinstance(shown.view, JsonView)
    with shown:
        shown.state.add_step(HOSTILE, 3)
        shown.start()
        shown.state.steps[HOSTILE].count(kept=True)
        shown.show_activity(Activity(Waiting(1, 5), TeacherLoad(1, 8), SandboxLoad(1, 2, 4)))
        shown.view.tick()
        shown.view.tick()  # nothing has changed
        shown.print(HOSTILE)
        shown.finish(HOSTILE)
    assert "\x1b" not in file.getvalue()
    events = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["started", "progress", "message", "step_finished", "ended"]
    assert events[1]["teacher"] == {"in_flight": 1, "limit": 8, "retries": 0, "rate_limited_s": 0.0, "open": 1}
    assert events[1]["sandbox"]["programs"] == 0
    assert events[-1]["steps"][0] | {"per_second": 0, "left_s": None} == {
        **{"step": HOSTILE, "done": 1, "total": 1, "kept": 1, "dropped": 0, "made": 1, "before": 0},
        **{"state": "finished", "note": "", "per_second": 0, "left_s": None},
    }


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_plain_line_every_ten_seconds() -> None:
    clock, file = Clock(), io.StringIO()
    state = ProgressState(now=clock)
    view = PlainView(Console(file=file, width=300, soft_wrap=True), state, clock)
    view.start()
    state.add_step("translate", 100)
    state.set_activity(Activity(waiting=Waiting(1, 3, FailedAttempt("x", 1)), teacher=TeacherLoad(4, 8, 1)))
    for second in range(26):
        clock.now = second
        state.steps["translate"].set_done(2 * second)
        state.sample()
        view.tick()
    view.stop()
    lines = file.getvalue().splitlines()
    start = "  … translate: 20 of 100 done, 0 kept, 0 dropped, 0 out, 2.0/s, 40 s left; "
    assert lines[0] == start + "teacher: 4 of 8 requests in flight, 1 retry"
    assert [int(line.split()[2]) for line in lines] == [20, 40, 50]


def test_a_short_command_prints_no_plain_line() -> None:
    shown, file = display(ProgressMode.plain)
    with shown:
        shown.state.add_step("programs", 2)
        shown.start()
        shown.state.steps["programs"].count(kept=True)
    assert file.getvalue() == ""
