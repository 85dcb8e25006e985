"""The steps of the recipes that compare programs with benchmarks by behaviour."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from glotsmith.api.verify import open_verifier
from glotsmith.recipes.benchmark_problems import behaviour_steps
from glotsmith.recipes.inverse_instruct.selection import DecontaminateCheckedSnippets
from glotsmith.recipes.xcoder.pipeline_item import DecontaminateReferences, PipelineItem
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.records import Function, Lineage, Origin, Problem, Snippet, Suite
from glotsmith.selection.decontaminate import DecontaminateProblems

ORIGIN = Origin(source="s", path="p")
CLIP = "def clip(numbers, limit):\n    return [min(n, limit) for n in numbers if n % 2]\n"
ROW = {
    "task_id": "B/0",
    "prompt": "",
    "canonical_solution": CLIP,
    "test": "def check(candidate):\n    assert candidate([1, 2, 3, 9], 4) == [1, 3, 4]\n"
    "    assert candidate([5, 7], 6) == [5, 6]\n",
    "entry_point": "clip",
}
SAME = "def odd_up_to(most, values):\n    return [v if v < most else most for v in values if v % 2 == 1]\n"
OTHER = SAME.replace("== 1", "== 0")
LUA = """function odd_up_to(most, values)
  local found = {}
  for _, v in ipairs(values) do
    if v % 2 == 1 then table.insert(found, math.min(v, most)) end
  end
  return found
end"""
SIGNATURE = "def odd_up_to(most: int, values: list[int]) -> list[int]"
TESTS = ("assert odd_up_to(2, [1]) == [1]",)


def problem(code: str) -> Problem:
    function = Function(id="x", name="odd_up_to", code=code, docstring="", origin=ORIGIN)
    rates = {"line_coverage": 1.0, "branch_coverage": 1.0, "mutation_score": 1.0, "mutants": 1, "writers": {}}
    return Problem(id="x", function=function, suite=Suite(signature=SIGNATURE, tests=TESTS, **rates))  # type: ignore[arg-type]


def item(code: str) -> PipelineItem:
    proposal = Proposal(id="x", kind="ds3", origin=ORIGIN, lineage=Lineage(teacher="hand-written"))
    return PipelineItem(proposal=proposal, problem=problem(code) if code else None)


def snippet(**fields: Any) -> Snippet:
    return Snippet(**{"id": "x", "language": "lua", "code": LUA, "origin": ORIGIN} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("step", "made", "dropped"),
    [
        (DecontaminateProblems, problem(SAME), True),
        (DecontaminateProblems, problem(OTHER), False),
        (DecontaminateReferences, item(SAME), True),
        (DecontaminateReferences, item(OTHER), False),
        (DecontaminateReferences, item(""), False),  # an answer without a suite
        (DecontaminateCheckedSnippets, snippet(signature=SIGNATURE, tests=TESTS), True),
        (
            DecontaminateCheckedSnippets,
            snippet(signature=SIGNATURE, tests=TESTS, code=LUA.replace("== 1", "== 0")),
            False,
        ),
        (DecontaminateCheckedSnippets, snippet(), False),
        (DecontaminateCheckedSnippets, snippet(kind="original", signature=SIGNATURE, tests=TESTS), False),
    ],
)
def test_a_program_that_behaves_as_a_benchmark_problem_is_dropped(
    tmp_path: Path, step: Any, made: Any, dropped: bool
) -> None:
    file = tmp_path / "benchmark.jsonl"
    file.write_text(json.dumps(ROW))

    async def run() -> list[tuple[str, str]]:
        async with open_verifier() as verifier:
            [made_step] = behaviour_steps(step, [str(file)], verifier, on=True)
            result = await made_step.run("key", made)
        assert len(result.kept) + len(result.dropped) == 1
        return [(str(loss.reason), loss.detail) for loss in result.dropped]

    losses = asyncio.run(run())
    assert bool(losses) == dropped
    assert all(reason == "contaminated" and "behaviour of benchmark.jsonl:B/0" in detail for reason, detail in losses)


@pytest.mark.parametrize(("files", "on"), [(True, False), (False, True)])
def test_nothing_is_compared_without_a_benchmark_or_if_it_is_turned_off(tmp_path: Path, files: bool, on: bool) -> None:
    file = tmp_path / "benchmark.jsonl"
    file.write_text(json.dumps(ROW))
    assert behaviour_steps(DecontaminateProblems, [str(file)] if files else [], None, on=on) == []  # type: ignore[arg-type]
