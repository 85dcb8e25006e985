"""``glotsmith compare``, and ``show --memory``, over ledgers that are written here."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.ledger import Ledger, StepInput
from glotsmith.recipes.xcoder.pipeline_item import PipelineItem
from glotsmith.recipes.xcoder.proposals import DiscussionSession, Proposal
from glotsmith.records import (
    Candidate,
    Example,
    Function,
    InstructionCandidate,
    IoCase,
    Lineage,
    Origin,
    Problem,
    Record,
    Solution,
    Suite,
    Task,
    Verdict,
)
from glotsmith.run_folder import RunFolder
from glotsmith.step import Dropped, Kept, Result

Command = Callable[..., tuple[int, str, str]]
SESSION_STEPS = (
    *("discuss", "execute_reference", "filter", "write_tests", "validate", "deduplicate_problems", "make_tasks"),
    "solve",
)
LINEAGE, ORIGIN = Lineage(teacher="scripted"), Origin(source="s", path="p")
TOTAL = "def total(numbers):\n    result = 0\n    for number in numbers:\n        result += number\n    return result"


def example(number: int, language: str, source: str, wish: str = "") -> Example:
    return Example(
        id=f"e{number}{language}",
        parallel_id=f"p{number}",
        language=language,
        name="f",
        messages=({"role": "user", "content": wish}, {"role": "assistant", "content": "…"}),
        prompt="",
        completion="…",
        source=source,
        origin=ORIGIN,
        lineage=LINEAGE,
    )


def failed(status: str, language: str = "lua") -> Candidate:
    verdict = Verdict(id="t", language=language, status=status)  # type: ignore[arg-type]
    return Candidate(task="t", language=language, code="…", verdict=verdict, lineage=LINEAGE)


def pass_on(ledger: Ledger, before: str, step: str, key: str, *kept: Kept[Any], **result: Any) -> None:
    taken = ledger.find_input(before, key)
    assert taken
    ledger.record(step, taken, Result(kept=kept, **result))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Make two runs: one with three rows of two problems that differ in a name, one that has not made a row yet."""
    item = IoCase(stdin="", stdout="")
    with RunFolder.create_or_resume(tmp_path / "one", {"recipe": "multipl-t"}) as folder:
        ledger = folder.ledger
        ledger.register_steps(["sources", "translate", "dataset"])
        ledger.record("sources", StepInput("u", "a0"), Result(kept=(Kept("t", item), Kept("x", item))), ordered=True)
        lost = (
            Dropped(Reason.FAILED_VERIFICATION, "", "l0", failed("fail:wrong")),
            Dropped(Reason.FAILED_VERIFICATION, "", "l1", failed("fail:compile")),
            Dropped(Reason.FAILED_VERIFICATION, "", "l2", failed("fail:wrong")),
        )
        pass_on(ledger, "sources", "translate", "t", Kept("s", item), dropped=lost, tokens=900, cost=0.6)
        pass_on(ledger, "sources", "translate", "x", dropped=(Dropped(Reason.NO_CODE),))
        made = [
            example(1, "lua", TOTAL),
            example(1, "ocaml", TOTAL),
            example(2, "lua", TOTAL.replace("total", "sum_up")),
        ]
        pass_on(ledger, "translate", "dataset", "s", *(Kept(e.id, e) for e in made))
        ledger.mark_finished("dataset")
    with RunFolder.create_or_resume(tmp_path / "two", {"recipe": "xcoder"}) as folder:
        folder.ledger.register_steps(["sources", "dataset"])
    return tmp_path


def test_runs_stand_side_by_side(glotsmith: Command, runs: Path) -> None:
    code, stdout, err = glotsmith("compare", runs / "one", runs / "two")
    assert code == 0, err
    lines = {
        cells[0]: cells[1:] for line in stdout.splitlines() if (cells := [c.strip() for c in line.split("│")[1:-1]])
    }
    assert lines["recipe"] == ["multipl-t", "xcoder (not finished)"]
    assert lines["rows"] == ["3", "0"]
    assert lines["distinct problems (clusters)"] == ["1", "0"]
    assert lines["tokens per row"] == ["300", "–"]
    assert lines["cost per row, both, US $"] == ["0.200000", "–"]
    assert lines["failing programs"] == ["fail:wrong 2", "–"]


def test_figures_come_as_json_whole(glotsmith: Command, runs: Path) -> None:
    code, stdout, _ = glotsmith("compare", "--json", runs / "one", runs / "two")
    one, two = map(json.loads, stdout.splitlines())
    assert code == 0
    assert one == {
        "run": str(runs / "one"),
        "recipe": "multipl-t",
        "finished": True,
        "taken": 1,
        "rows": 3,
        "originals": 0,
        "problems": 2,
        "distinct": 1,
        "languages": {"lua": 2, "ocaml": 1},
        "pairs": 0,
        "tokens": 900,
        "cost": 0.6,
        "requests": 0,
        "unpriced": 0,
        "cached_cost": None,
        "cached_tokens": None,
        "failures": {"fail:wrong": 2, "fail:compile": 1},
        "reasons": {"no_code": 1},
        "tokens_per_row": 300.0,
        "cost_per_row": pytest.approx(0.2),
    }
    assert set(two) == set(one)
    assert (two["rows"], two["finished"], two["languages"]) == (0, False, {})


def test_answers_that_fail_a_round_trip_are_failing_programs(glotsmith: Command, tmp_path: Path) -> None:
    ends = ("fail:wrong", "fail:compile", "fail:wrong", "no_code", "infra:sandbox", "")
    lost = tuple(
        Dropped(
            Reason.FAILED_ROUND_TRIP, "", f"s{n}",
            InstructionCandidate(id=f"s{n}", sample=n, text="t", lineage=LINEAGE, round_trip=end),  # type: ignore[arg-type]
        )
        for n, end in enumerate(ends)
    )  # fmt: skip
    with RunFolder.create_or_resume(tmp_path / "run", {"recipe": "inverse-instruct"}) as folder:
        folder.ledger.register_steps(["sources", "round_trip"])
        item = IoCase(stdin="", stdout="")
        folder.ledger.record("sources", StepInput("u", "a0"), Result(kept=(Kept("t", item),)), ordered=True)
        pass_on(folder.ledger, "sources", "round_trip", "t", dropped=(*lost, Dropped(Reason.NO_INSTRUCTION)))
    _, stdout, _ = glotsmith("compare", "--json", tmp_path / "run")
    assert json.loads(stdout)["failures"] == {"fail:wrong": 2, "fail:compile": 1}  # a broken machine is no wrong answer


def test_original_pairs_are_no_rows_that_were_made(glotsmith: Command, tmp_path: Path) -> None:
    """They would make every row cheaper, and every yield higher."""
    with RunFolder.create_or_resume(tmp_path / "run", {"recipe": "inverse-instruct"}) as folder:
        folder.ledger.register_steps(["sources", "dataset"])
        item = IoCase(stdin="", stdout="")
        folder.ledger.record("sources", StepInput("u", "a0"), Result(kept=(Kept("t", item),)), ordered=True)
        made = [
            example(1, "lua", "", "Add."),
            msgspec.structs.replace(example(2, "other", "", "Why?"), kind="original"),
        ]
        pass_on(folder.ledger, "sources", "dataset", "t", *(Kept(e.id, e) for e in made), tokens=100)
    _, stdout, _ = glotsmith("compare", "--json", tmp_path / "run")
    found = json.loads(stdout)
    assert (found["rows"], found["originals"], found["problems"], found["distinct"]) == (1, 1, 1, 1)
    assert (found["languages"], found["tokens_per_row"]) == ({"lua": 1}, 100)


def test_what_is_no_run_is_said_in_a_sentence(glotsmith: Command, tmp_path: Path) -> None:
    code, _, err = glotsmith("compare", tmp_path)
    assert (code, "not a run folder" in err) == (2, True)
    RunFolder.create_or_resume(tmp_path / "new", {"recipe": "multipl-t"}).close()
    code, _, err = glotsmith("compare", tmp_path / "new")
    assert (code, "has not started" in err) == (2, True)


def seat(number: int, **fields: Any) -> Proposal:
    session = DiscussionSession(number=number, epoch=number + 1, place=0, chair="lua", others=("python",))
    return Proposal(
        id=f"session-{number}", kind="ds3", language="python", origin=ORIGIN, lineage=LINEAGE, session=session, **fields
    )


def solution(language: str) -> Solution:
    function = Function(id="p", name="f", code="…", origin=ORIGIN)
    suite = Suite(
        signature="def f(x)", tests=(), line_coverage=1, branch_coverage=1, mutation_score=1, mutants=1, writers={}
    )
    problem = Problem(id="p", function=function, suite=suite)
    task = Task(id="t", problem=problem, language=language, signature="", tests=(), prefix="")
    return Solution(id="s", task=task, code="…", lineage=LINEAGE)


@pytest.fixture
def remembering(tmp_path: Path) -> Path:
    """Make a run of two sessions: one solved in Python at the third try in Lua, one without a usable reply."""
    config = {"recipe": "xcoder", "options": {"sources": ["x"], "languages": ["lua", "python"]}}
    with RunFolder.create_or_resume(tmp_path / "run", config) as folder:
        ledger = folder.ledger
        ledger.register_steps(["schedule_sessions", *SESSION_STEPS])
        seats = [seat(0), seat(1)]
        kept = tuple(Kept(s.id, s) for s in seats)
        ledger.record("schedule_sessions", StepInput("u", "a0"), Result(kept=kept), ordered=True)
        posed = seat(0, instruction="Do it. Well.", name="f", signature="s", reference="r")
        item: Record = PipelineItem(proposal=posed)
        pass_on(ledger, "schedule_sessions", "discuss", "session-0", Kept("session-0", posed))
        notes = seat(1, notes={"lua": "Bad: Dull."})
        silent = Dropped(Reason.EMPTY_REPLY, item=notes)
        pass_on(ledger, "schedule_sessions", "discuss", "session-1", dropped=(silent,))
        for before, step in pairwise(SESSION_STEPS[:-1]):
            names = ["session-0"] if step != "make_tasks" else ["session-0:lua", "session-0:python"]
            pass_on(ledger, before, step, "session-0", *(Kept(name, item) for name in names))
        losses = (
            Dropped(Reason.FAILED_VERIFICATION, "", "l", failed("fail:wrong")),
            Dropped(Reason.NO_PASSING_SOLUTION),
        )
        pass_on(ledger, "make_tasks", "solve", "session-0:lua", dropped=losses)
        passed = Kept("session-0:python:1", PipelineItem(proposal=posed, solution=solution("python")))
        pass_on(ledger, "make_tasks", "solve", "session-0:python", passed)
    return tmp_path / "run"


def test_an_agents_memory_is_a_table(glotsmith: Command, remembering: Path) -> None:
    code, stdout, err = glotsmith("show", remembering, "--memory", "lua")
    assert code == 0, err
    lines = {
        cells[0]: cells[1:] for line in stdout.splitlines() if (cells := [c.strip() for c in line.split("│")[1:-1]])
    }
    assert lines["session-0"] == ["1", "chair", "python", "f: Do it.", "no_agreement", "python", "fail:wrong 1"]
    assert lines["session-1"] == ["2", "chair", "python", "", "empty_reply", "", ""]
    assert "Its last reflection: Bad: Dull." in stdout
    assert "Frequent failures: fail:wrong 1" in stdout


def test_a_memory_comes_as_json_lines(glotsmith: Command, remembering: Path) -> None:
    _, stdout, _ = glotsmith("show", remembering, "--memory", "python", "--json")
    first, second = map(json.loads, stdout.splitlines())
    assert (first["name"], first["passed"], first["failures"]) == ("f", ["python"], {"lua": {"fail:wrong": 1}})
    assert second["outcome"] == "empty_reply"


def test_who_has_no_memory_is_said_in_a_sentence(glotsmith: Command, remembering: Path, runs: Path) -> None:
    code, _, err = glotsmith("show", remembering, "--memory", "ocaml")
    assert (code, "no agent 'ocaml'; there are: lua, python" in err) == (2, True)
    code, _, err = glotsmith("show", runs / "one", "--memory", "lua")
    assert (code, "only runs of xcoder have agents with a memory" in err) == (2, True)
