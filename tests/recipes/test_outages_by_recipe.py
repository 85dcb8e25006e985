"""A server that fails costs ``xcoder`` and ``inverse-instruct`` nothing: the same command asks again.

The server is a real one, the command a process of its own. ``test_outages`` does the same for ``multipl-t``.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import test_inverse_instruct_resume as inverse
import test_xcoder_resume as xcoder
from test_outages import after, losses
from whole_program import ReceivedRequest, Server, dataset, finish, kill, log_text, serving, start, until, works_in

from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.ledger import Ledger

OUTAGE = 3
SET = ("--set", "teacher.attempts=1")
IMPATIENT = ("--max-failures", 3, "--max-runs", 1)  #: a failure that counts against an item drops it


class Case(NamedTuple):
    """A recipe with its server's replies."""

    handler: Any
    arguments: tuple[str, ...]
    corpus: Callable[[Path], Path] = lambda folder: folder


CASES = {
    "xcoder": Case(xcoder.Agents, (*xcoder.RUN, *SET), xcoder.corpus),
    "inverse-instruct": Case(inverse.Inverter, (*map(str, inverse.RUN), *SET)),
}


class Unbroken(NamedTuple):
    """A run whose server never failed."""

    case: Case
    server: Server
    dataset: dict[str, bytes]
    rows: tuple[object, ...]
    calls: list[str]  #: in the order in which they came

    def start(self, folder: Path, *more: object) -> Any:
        """Start the recipe's command in a folder."""
        return start(folder, *self.case.arguments, *self.server.options, *more)

    def code(self, folder: Path, *more: object) -> int:
        """Run the recipe's command, and return its exit code."""
        return self.start(folder, *more).wait(120)

    def first(self, call: str) -> int:
        """Return how many requests came before the first of a call."""
        return self.calls.index(call)


def rows(run: Path) -> tuple[object, ...]:
    """Return what every step kept and dropped, with the reasons."""
    ledger = Ledger(run / "ledger.sqlite")
    kept = [(step, row.position, row.key) for step in ledger.steps for row in ledger.kept_rows(step)]
    dropped = [(row.step, row.position, row.key, row.status, row.reason) for row in ledger.dropped_rows()]
    ledger.close()
    return kept, dropped


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Unbroken]]:
    """Return the unbroken run of a recipe, which is made once."""
    with ExitStack() as open_servers:

        @cache
        def make(name: str) -> Unbroken:
            case, server = CASES[name], open_servers.enter_context(serving())
            folder = case.corpus(tmp_path_factory.mktemp("unbroken") / "one")
            server.RequestHandlerClass, server.slowest_s = case.handler, 0.0
            finish(folder, *case.arguments, *server.options)
            return Unbroken(case, server, dataset(folder / "run"), rows(folder / "run"), [a.call for a in server.log])

        yield make


@pytest.fixture(params=CASES)
def unbroken(request: pytest.FixtureRequest, made: Callable[[str], Unbroken]) -> Unbroken:
    for language in ("python", "lua"):
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))
    run = made(request.param)
    server = run.server
    server.status, server.fails, server.slowest_s = 200, lambda _: False, 0.0
    server.log.clear()
    return run


def ends_the_same(unbroken: Unbroken, folder: Path) -> None:
    """The healthy server lets the command end as if there had been no outage."""
    unbroken.server.status, unbroken.server.fails = 200, lambda _: False
    assert unbroken.code(folder) == 0, log_text(folder)
    assert losses(folder / "run", "teacher_failed") == []
    assert losses(folder / "run", "internal_error") == []
    assert dataset(folder / "run") == unbroken.dataset
    assert rows(folder / "run") == unbroken.rows


@pytest.mark.slow
def test_a_server_that_fails_on_everything_costs_nothing(unbroken: Unbroken, tmp_path: Path) -> None:
    folder, unbroken.server.status = unbroken.case.corpus(tmp_path / "one"), 503
    for _ in range(2):
        assert unbroken.code(folder, *IMPATIENT) == OUTAGE
        assert "503 " in log_text(folder) and "Traceback" not in log_text(folder)
        assert losses(folder / "run", "teacher_failed") == []
    ends_the_same(unbroken, folder)


CALLS = [
    *(("xcoder", call) for call in ("propose", "reflect", "solve", "rubric")),
    *(("inverse-instruct", call) for call in ("score", "solve")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("unbroken", "call"), CALLS, indirect=["unbroken"])
def test_a_server_that_breaks_down_at_any_call_costs_nothing(unbroken: Unbroken, tmp_path: Path, call: str) -> None:
    """It answers the first request of a call, and none that follows."""
    count = unbroken.first(call) + 1
    folder, unbroken.server.fails = unbroken.case.corpus(tmp_path / "one"), after(count)
    assert unbroken.code(folder, *IMPATIENT) == OUTAGE
    assert "out of order" in log_text(folder) and "Traceback" not in log_text(folder)
    ends_the_same(unbroken, folder)


@pytest.mark.slow
def test_kills_in_an_outage_and_behind_it_cost_nothing(unbroken: Unbroken, tmp_path: Path) -> None:
    folder, server = unbroken.case.corpus(tmp_path / "one"), unbroken.server
    run, server.slowest_s = folder / "run", 0.05
    server.fails = after(len(unbroken.calls) // 2)
    for _ in range(2):
        process, before = unbroken.start(folder), len(server.log)
        until(lambda process=process: works_in(run, process), process)
        until(lambda before=before: len(server.log) > before + 1, process)
        kill(process)
    server.fails = lambda _: False
    process, before = unbroken.start(folder), len(server.log)
    until(lambda: len(server.log) > before + 2, process)
    kill(process)
    server.slowest_s = 0.0
    ends_the_same(unbroken, folder)


def failing_now_and_then(request: ReceivedRequest) -> bool:
    return request.serial % 4 == 3


@pytest.mark.slow
def test_a_server_that_fails_now_and_then_costs_nothing(unbroken: Unbroken, tmp_path: Path) -> None:
    """Each item is tried once more within a run, so that one start may suffice."""
    folder, unbroken.server.fails = unbroken.case.corpus(tmp_path / "one"), failing_now_and_then
    assert unbroken.code(folder, "--max-runs", 50) in (0, OUTAGE)
    ends_the_same(unbroken, folder)
