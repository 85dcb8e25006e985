"""What is shown while a teacher does not answer."""

import io
import json
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Event

import pytest
from model_server import LUA, SOURCE, ModelServer, model_server
from rich.console import Console

from glotsmith.api.activity import Activity
from glotsmith.cli.progress import waiting_lines
from glotsmith.cli.progress.panel import PanelView
from glotsmith.cli.progress.plain_lines import PlainView
from glotsmith.cli.progress.state import ProgressState
from glotsmith.cli.progress.waiting_lines import WaitingLines, waiting_text
from glotsmith.counts import format_seconds
from glotsmith.teachers.base import FailedAttempt, Waiting

Command = Callable[..., tuple[int, str, str]]
BUSY = FailedAttempt("429 Too Many Requests: slow down", 20)


@pytest.mark.parametrize(
    ("waiting", "text"),
    [
        (Waiting(1, 10), "waiting for the teacher: 1 request open, no reply for 10 s"),
        (
            Waiting(64, 3725, BUSY),
            "waiting for the teacher: 64 requests open, no reply for 1 h 2 min; "
            "429 Too Many Requests: slow down, next try in 20 s",
        ),
        (
            Waiting(2, 45, FailedAttempt("no reply within 300 s", 0.2)),
            "waiting for the teacher: 2 requests open, no reply for 45 s; no reply within 300 s, trying again now",
        ),
    ],
)
def test_a_sentence_says_how_many_since_when_and_why(waiting: Waiting, text: str) -> None:
    assert waiting_text(waiting) == text


def test_a_long_reason_is_cut() -> None:
    assert len(waiting_text(Waiting(1, 10, FailedAttempt("x" * 500, 0)))) < 250


def printed(*waiting: Waiting | None) -> list[str]:
    lines = list[str]()
    shown = WaitingLines(lines.append)
    for one in waiting:
        shown.update(one)
    return lines


@pytest.mark.parametrize(
    ("seconds", "lines"),
    [
        (range(10), []),
        (range(61), [10, 20, 40]),
        (range(1500), [10, 20, 40, 80, 160, 320, 620, 920, 1220]),
        ([*range(25), 1, *range(2, 15)], [10, 20, 10]),  # a reply between
    ],
    ids=["soon", "a minute", "long", "again"],
)
def test_lines_become_rarer_until_a_reply_comes(seconds: list[int], lines: list[int]) -> None:
    found = printed(*(Waiting(3, second) for second in seconds))
    assert [line.partition("no reply for ")[2] for line in found] == [format_seconds(n) for n in lines]


def test_nothing_is_printed_without_requests() -> None:
    assert printed(None, None) == []


@pytest.mark.parametrize("view", [PanelView, PlainView])
def test_every_view_for_people_shows_the_sentence(view: type[PanelView | PlainView]) -> None:
    console = Console(file=io.StringIO(), force_terminal=view is PanelView, width=200)
    state = ProgressState()
    state.add_step("translate", 5)
    shown = view(console, state)
    shown.start()
    state.set_activity(Activity(waiting=Waiting(5, 30, BUSY)))
    shown.tick()
    assert isinstance(console.file, io.StringIO)
    assert waiting_text(Waiting(5, 30, BUSY)) in console.file.getvalue()
    console.file.truncate(0)
    state.set_activity(Activity())
    shown.tick()
    shown.stop()
    assert "waiting for the teacher" not in console.file.getvalue()


@pytest.fixture
def server() -> Generator[ModelServer]:
    with model_server() as made:
        made.says = lambda text: next(f"```lua\n{code}\n```" for name, code in LUA.items() if name in text)
        yield made


def until_a_line(monkeypatch: pytest.MonkeyPatch, release: Callable[[], None]) -> None:
    """Print a line at the first report, and then let the server answer."""
    update = WaitingLines.update

    def updated(self: WaitingLines, waiting: Waiting | None) -> None:
        update(self, waiting)
        if self.text:
            release()

    monkeypatch.setattr(waiting_lines, "FIRST_S", 0.1)
    monkeypatch.setattr(PlainView, "interval_s", 0.05)
    monkeypatch.setattr(WaitingLines, "update", updated)


def commands(tmp_path: Path, server: ModelServer) -> dict[str, tuple[object, ...]]:
    (tmp_path / "small.py").write_text(SOURCE)
    row = {
        "task_id": "HumanEval/901",
        "prompt": 'def shout(text: str) -> str:\n    """Shout."""\n',
        "entry_point": "shout",
        "canonical_solution": "    return text.upper() + '!'\n",
        "test": "def check(candidate):\n    assert candidate('a') == 'A!'\n    assert candidate('bc') == 'BC!'\n",
    }
    (tmp_path / "he.jsonl").write_text(json.dumps(row) + "\n")
    quick = ("--set", "suites=0", "--set", "typecheck=false", "--set", "samples=1", "--set", "wanted=1")
    return {
        "run": ("run", "multipl-t", "-s", tmp_path / "small.py", "-l", "lua", *quick, *server.options),
        "evaluate": ("evaluate", f"humaneval={tmp_path / 'he.jsonl'}", "-l", "lua", "-n", 1, *server.options),
    }


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "evaluate"])
def test_a_server_that_does_not_answer_is_not_waited_for_in_silence(
    glotsmith: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: ModelServer, command: str
) -> None:
    server.holding = Event()
    until_a_line(monkeypatch, server.holding.set)
    code, _, err = glotsmith(*commands(tmp_path, server)[command], "-o", tmp_path / "out")
    assert code == 0, err
    assert "waiting for the teacher: " in err
    assert "open, no reply for" in err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "evaluate"])
def test_a_server_that_answers_429_is_quoted(
    glotsmith: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: ModelServer, command: str
) -> None:
    server.busy = True
    until_a_line(monkeypatch, lambda: setattr(server, "busy", False))
    code, _, err = glotsmith(*commands(tmp_path, server)[command], "-o", tmp_path / "out")
    assert code == 0, err
    assert "no reply for" in err
    assert "; 429 Too Many Requests: slow down, " in err


class SecondEvent(Event):
    """Is set a second after the first wait for it: ten times the silence before the first line."""

    def wait(self, timeout: float | None = None) -> bool:
        super().wait(1.0)
        self.set()
        return True


@pytest.mark.slow
def test_in_quiet_mode_nothing_is_said(
    glotsmith: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: ModelServer
) -> None:
    server.holding = SecondEvent()
    until_a_line(monkeypatch, server.holding.set)
    code, _, err = glotsmith("--quiet", *commands(tmp_path, server)["run"], "-o", tmp_path / "out")
    assert (code, err) == (0, "")
