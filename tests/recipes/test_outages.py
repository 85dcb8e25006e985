"""A teacher or a machine that fails costs nothing: what it left open is asked again by the same command.

The server is a real one, the command a process of its own.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_corpus import SOURCE
from whole_program import (
    ReceivedRequest,
    Server,
    answered,
    dataset,
    finish,
    kill,
    log_text,
    serving,
    start,
    until,
    works_in,
)

from glotsmith.errors import OutageError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.ledger import Ledger
from glotsmith.recipes.base import RecipeServices
from glotsmith.recipes.multipl_t.recipe import MultiPLT
from glotsmith.records import Outcome, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.teachers import open_teacher
from glotsmith.verification import Verifier

RUN = (
    *("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", "--set", "typecheck=false", "--set", "suites=2"),
    *("--set", "samples=4", "--set", "wanted=2", "--set", "teacher.attempts=1", "--set", 'formats=["jsonl"]'),
)
OUTAGE = 3


@pytest.fixture(scope="module")
def serving_() -> Iterator[Server]:
    with serving() as made:
        made.slowest_s = 0.0
        yield made


@pytest.fixture
def server(serving_: Server) -> Server:
    serving_.status, serving_.fails = 200, lambda _: False
    serving_.log.clear()
    return serving_


def corpus(folder: Path) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "small.py").write_text(SOURCE)
    return folder


@pytest.fixture(scope="module")
def unbroken(serving_: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The dataset of a run whose server never failed."""
    serving_.status, serving_.fails = 200, lambda _: False
    folder = corpus(tmp_path_factory.mktemp("unbroken"))
    finish(folder, *RUN, *serving_.options)
    return dataset(folder / "run")


def command(folder: Path, server: Server, *more: object) -> int:
    return start(folder, *RUN, *server.options, *more).wait(120)


def losses(run: Path, reason: str) -> list[tuple[str, str]]:
    """Step and status of what a run lost for a reason."""
    ledger = Ledger(run / "ledger.sqlite")
    found = [(row.step, row.status) for row in ledger.dropped_rows(reason=reason)]
    ledger.close()
    return found


# --- the teacher ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_that_fails_on_everything_costs_nothing(
    server: Server, tmp_path: Path, unbroken: dict[str, bytes], status: int
) -> None:
    folder, server.status = corpus(tmp_path), status
    for _ in range(4):
        assert command(folder, server) == OUTAGE
        assert f"{status} " in log_text(folder) and ": no" in log_text(folder)
        assert answered(folder / "run", "write_tests") == 0
    server.status = 200
    finish(folder, *RUN, *server.options)
    assert dataset(folder / "run") == unbroken


def after(count: int) -> Callable[[ReceivedRequest], bool]:
    return lambda request: request.serial >= count


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 14, 29, 45])
def test_a_server_that_breaks_down_in_between_costs_nothing(
    server: Server, tmp_path: Path, unbroken: dict[str, bytes], count: int
) -> None:
    folder, server.fails = corpus(tmp_path), after(count)
    for _ in range(3):
        assert command(folder, server, "--max-failures", 3) == OUTAGE
        assert "out of order" in log_text(folder)
    server.fails = lambda _: False
    finish(folder, *RUN, *server.options)
    assert dataset(folder / "run") == unbroken
    assert losses(folder / "run", "teacher_failed") == []


@pytest.mark.slow
def test_kills_in_an_outage_and_behind_it_cost_nothing(
    server: Server, tmp_path: Path, unbroken: dict[str, bytes]
) -> None:
    folder, run = corpus(tmp_path), tmp_path / "run"
    server.fails, server.slowest_s = after(20), 0.05
    for _ in range(2):
        process = start(folder, *RUN, *server.options)
        until(lambda process=process: works_in(run, process), process)
        before = len(server.log)
        until(lambda before=before: len(server.log) > before + 3, process)
        kill(process)
    server.fails = lambda _: False
    process = start(folder, *RUN, *server.options)
    until(lambda: answered(run, "translate") > 2, process)
    kill(process)
    server.slowest_s = 0.0
    finish(folder, *RUN, *server.options)
    assert dataset(run) == unbroken


@pytest.mark.slow
@pytest.mark.parametrize("names", [{"total"}, {"clamp", "grade", "fib"}])
def test_a_problem_that_fails_by_itself_is_dropped_after_three_runs(
    server: Server, tmp_path: Path, unbroken: dict[str, bytes], names: set[str]
) -> None:
    def fails(request: ReceivedRequest) -> bool:
        failing = request.call == "translate" and request.name in names
        if failing:  # a run counts only if the teacher has answered another item before
            until(lambda: any(has_an_answer(other, names) for other in list(server.log)))
        return failing

    folder, server.fails = corpus(tmp_path), fails
    for _ in range(2):
        assert command(folder, server) == OUTAGE
        assert f"translate {len(names)}" in log_text(folder) and "500" in log_text(folder)
    finish(folder, *RUN, *server.options)
    assert losses(folder / "run", "teacher_failed").count(("translate", "dropped")) == len(names)
    assert names_in(unbroken) - names <= names_in(dataset(folder / "run"))
    assert not names & names_in(dataset(folder / "run"))


def has_an_answer(request: ReceivedRequest, names: set[str]) -> bool:
    """Return whether the command has read a translation of another item: its second sample is asked after the first."""
    return request.call == "translate" and request.name not in names and request.sample > 0


def names_in(files: dict[str, bytes]) -> set[str]:
    lines = [line for name, file in files.items() if name.endswith(".jsonl") for line in file.splitlines()]
    return {json.loads(line)["name"] for line in lines}


@pytest.mark.slow
def test_a_problem_that_fails_for_a_while_is_not_lost(
    server: Server, tmp_path: Path, unbroken: dict[str, bytes]
) -> None:
    folder, server.fails = corpus(tmp_path), lambda request: request.name in {"total", "gcd", "evens", "fib"}
    for _ in range(2):
        assert command(folder, server) == OUTAGE
    server.fails = lambda _: False
    finish(folder, *RUN, *server.options)
    assert dataset(folder / "run") == unbroken


@pytest.mark.slow
def test_a_function_without_its_teachers_suites_is_marked(server: Server, tmp_path: Path) -> None:
    folder, server.fails = corpus(tmp_path), lambda request: (request.call, request.name) == ("write_tests", "total")
    assert command(folder, server, "--max-runs", 1) == 0
    assert losses(folder / "run", "teacher_failed") == [("write_tests", "lost")] * 2


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 4])
def test_the_limit_can_be_set(server: Server, tmp_path: Path, limit: int) -> None:
    folder, server.status = corpus(tmp_path), 500
    assert command(folder, server, "--max-failures", limit) == OUTAGE
    assert f"failed {limit} time{'s' if limit > 1 else ''} in a row" in log_text(folder)
    assert "--max-failures" in log_text(folder)


@pytest.mark.slow
def test_a_server_that_is_gone_exits_with_the_same_code(server: Server, tmp_path: Path) -> None:
    folder = corpus(tmp_path)
    with serving() as other:
        other.slowest_s = 0.3
        process = start(folder, *RUN, *other.options)
        until(lambda: len(other.log) > 12, process)
    assert process.wait(120) == OUTAGE
    assert re.search(r"cannot reach the server|the connection broke", log_text(folder))


# --- the machine ----------------------------------------------------------------------------------------------------


class Flaky:
    """A sandbox that fails from one program on, or for some programs."""

    def __init__(self, fails: Callable[[Program, int], bool]) -> None:
        self.inner = open_sandbox("auto")
        self.name, self.fails, self.count = self.inner.name, fails, 0

    async def run(self, program: Program) -> Outcome:
        self.count += 1
        if self.fails(program, self.count):
            return Outcome(ending="infra", detail="bwrap: no fork")
        return await self.inner.run(program)

    async def close(self) -> None:
        await self.inner.close()


def machine_run(ledger: Ledger, folder: Path, fails: Callable[[Program, int], bool]) -> bool:
    async def execute() -> bool:
        sandbox = Flaky(fails)
        try:
            recipe = MultiPLT(sources=(str(folder / "src"),), languages=("lua",), typecheck=False)
            tools = RecipeServices(sandbox, Verifier(sandbox), open_teacher("offline"), 0, ledger)
            return await PipelineRunner().run(recipe.steps(tools), ledger, NoProgress())
        finally:
            await sandbox.close()

    return asyncio.run(execute())


def everything(ledger: Ledger) -> tuple[object, ...]:
    rows = [(row.step, row.position, row.key) for step in ledger.steps for row in ledger.kept_rows(step)]
    return rows, [(row.step, row.position, row.key, row.reason) for row in ledger.dropped_rows()]


@pytest.fixture(scope="module")
def on_a_good_machine(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    folder = corpus(tmp_path_factory.mktemp("good"))
    ledger = Ledger(folder / "ledger.sqlite")
    assert machine_run(ledger, folder, lambda *_: False)
    found = everything(ledger)
    ledger.close()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 20, 50])
def test_a_machine_that_breaks_down_costs_nothing(
    tmp_path: Path, on_a_good_machine: tuple[object, ...], count: int
) -> None:
    ledger = Ledger(corpus(tmp_path) / "ledger.sqlite")
    for until_ in (count, 0):
        with pytest.raises(OutageError, match="no fork"):
            machine_run(ledger, tmp_path, lambda _, n, until_=until_: n > until_)
    assert machine_run(ledger, tmp_path, lambda *_: False)
    assert everything(ledger) == on_a_good_machine
    ledger.close()


@pytest.mark.slow
def test_a_program_that_alone_breaks_the_machine_is_dropped_after_three_runs(tmp_path: Path) -> None:
    def fails(program: Program, _: int) -> bool:
        return any("running" in text for text in program.files.values()) and "runner_script.py" not in program.files

    ledger = Ledger(corpus(tmp_path) / "ledger.sqlite")
    for _ in range(2):
        with pytest.raises(OutageError, match="no fork"):
            machine_run(ledger, tmp_path, fails)
    assert machine_run(ledger, tmp_path, fails)
    assert [row.step for row in ledger.dropped_rows(reason="not_verified") if row.status == "dropped"] == ["make_tasks"]
    ledger.close()
