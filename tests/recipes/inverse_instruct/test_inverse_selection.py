"""Snippets and what was made of them: which are duplicates, and what of them a benchmark must not hold."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.languages.lexer import CommentSyntax
from glotsmith.recipes.inverse_instruct.selection import (
    DecontaminateInstructions,
    DecontaminateSnippets,
    DeduplicateSnippets,
)
from glotsmith.records import InstructionCandidate, Lineage, Origin, Snippet, SnippetWithInstructions
from glotsmith.selection.benchmark_overlap import BenchmarkIndex

LUA = "local function f(xs)\n  local out = {}\n  for i, x in ipairs(xs) do\n    out[i] = x\n  end\n  return out\nend"
WISH = "Write a Lua function that copies the array part of a table into a new table and returns it."
EXACT, NEAR = Reason.EXACT_DUPLICATE, Reason.NEAR_DUPLICATE


@pytest.fixture
def syntax() -> dict[str, CommentSyntax]:
    return {
        "python": CommentSyntax(line=("#",), strings=('"""', "'''", '"', "'"), layout=True),
        "lua": CommentSyntax(line=("--",), block=("--[[", "]]"), strings=('"', "'")),
    }


def snippet(code: str = "", language: str = "lua", **fields: str) -> Snippet:
    made = {"id": f"{language} {code} {fields}", "language": language, "code": code, **fields}
    return Snippet(origin=Origin(source="s", path="p"), **made)  # type: ignore[arg-type]


def pair(instruction: str, response: str) -> Snippet:
    return snippet(kind="original", instruction=instruction, response=response)


@pytest.mark.parametrize(
    ("items", "most", "outcomes"),
    [
        ([snippet(LUA), snippet(LUA.replace("out", "res"))], 1.0, ["kept", "kept"]),
        ([snippet(LUA), snippet("-- a copy\n" + LUA)], 1.0, ["kept", EXACT]),
        ([snippet(LUA), snippet(LUA.replace("out", "res"))], 0.6, ["kept", NEAR]),
        ([snippet(LUA), snippet(LUA, language="python")], 0.6, ["kept", "kept"]),
        ([snippet(LUA), pair(WISH, LUA)], 1.0, ["kept", "kept"]),  # the pair that it was taken from
        ([pair(WISH, LUA), pair("Copy it.", LUA)], 1.0, ["kept", "kept"]),
        ([pair(WISH, LUA), pair(WISH, LUA)], 1.0, ["kept", EXACT]),
    ],
)
def test_duplicates(
    items: list[Snippet], most: float, outcomes: list[str], syntax: Mapping[str, CommentSyntax]
) -> None:
    step = DeduplicateSnippets({**syntax, "": CommentSyntax()}, within=most, across=most)
    results = [r for _, r in step.run(lambda: ((str(n), item) for n, item in enumerate(items)))]
    assert [r.dropped[0].reason if r.dropped else "kept" for r in results] == outcomes


@pytest.fixture
def overlap(tmp_path: Path, syntax: Mapping[str, CommentSyntax]) -> BenchmarkIndex:
    path = tmp_path / "bench.jsonl"
    rows = [{"task_id": "B/1", "prompt": WISH}, {"task_id": "B/2", "language": "lua", "prompt": LUA}]
    path.write_text("\n".join(map(json.dumps, rows)))
    return BenchmarkIndex.from_files([path], syntax)


@pytest.mark.parametrize(
    ("item", "instruction"),
    [
        (snippet(LUA), "program: "),
        (pair(WISH, "See below."), "instruction: "),
        (pair("Copy it.", f"Here:\n\n```lua\n{LUA}\n```"), "response: "),
        (snippet("return 1"), ""),
        (pair("Copy it.", "See below."), ""),
    ],
)
def test_what_a_benchmark_holds_is_dropped_before_anything_is_asked(
    item: Snippet, instruction: str, overlap: BenchmarkIndex
) -> None:
    result = asyncio.run(DecontaminateSnippets(overlap).run("k", item))
    assert [(d.reason, d.detail.startswith(instruction)) for d in result.dropped] == [
        (Reason.CONTAMINATED, True)
    ] * bool(instruction)
    assert bool(result.kept) != bool(instruction)


@pytest.mark.parametrize(("texts", "kept"), [((WISH,), False), (("Copy it.", WISH), False), (("Copy it.",), True)])
def test_one_instruction_that_a_benchmark_holds_drops_the_snippet(
    texts: tuple[str, ...], kept: bool, overlap: BenchmarkIndex
) -> None:
    made = [InstructionCandidate(id=t, sample=n, text=t, lineage=Lineage(teacher="t")) for n, t in enumerate(texts)]
    item = SnippetWithInstructions(snippet=snippet("return 1"), summaries=tuple(made))
    result = asyncio.run(DecontaminateInstructions(overlap).run("k", item))
    assert bool(result.kept) is kept
