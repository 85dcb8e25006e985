"""A refused command leaves no folder that it made, and loses nothing that was there or has a result."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from glotsmith.api.folders import removed_if_refused
from glotsmith.errors import InputError, OutageError, UsageError

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("made", "error", "left"),
    [
        (["a/b/cache"], UsageError, []),
        (["a/b/cache"], InputError, []),
        (["a/b/cache"], OutageError, ["a", "a/b", "a/b/cache"]),
        (["a/b/result"], UsageError, ["a", "a/b", "a/b/result"]),
        (["a/other"], UsageError, ["a", "a/other"]),
        ([], UsageError, []),
    ],
)
def test_what_a_refused_block_made_is_removed(
    tmp_path: Path, made: list[str], error: type[Exception], left: list[str]
) -> None:
    with pytest.raises(error), removed_if_refused(tmp_path / "a" / "b", "cache"):
        for name in made:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        raise error("no")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == left


def test_a_folder_that_was_there_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(UsageError), removed_if_refused(tmp_path, "cache"):
        raise UsageError("no")
    assert (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("benchmark", "completions"),
    [("humaneval=none.jsonl", "c.jsonl"), ("humaneval=bad.jsonl", "c.jsonl"), ("humaneval=set.jsonl", "none.jsonl")],
)
def test_a_refused_evaluation_leaves_no_folder(
    glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, benchmark: str, completions: str
) -> None:
    monkeypatch.chdir(tmp_path)
    problem = {
        "task_id": "HumanEval/0",
        "prompt": "def f(x: int) -> int:\n",
        "entry_point": "f",
        "canonical_solution": "    return x\n",
        "test": "def check(candidate):\n    assert candidate(1) == 1\n    assert candidate(2) == 2\n",
    }
    Path("set.jsonl").write_text(json.dumps(problem) + "\n")
    Path("bad.jsonl").write_text("not JSON\n")
    Path("c.jsonl").write_text(json.dumps({"task_id": "HumanEval/0", "completion": "x"}) + "\n")
    before = sorted(tmp_path.rglob("*"))
    code, _, stderr = glotsmith("evaluate", benchmark, "-l", "lua", "--completions", completions, "-o", "results/deep")
    assert (code, sorted(tmp_path.rglob("*"))) == (2, before), stderr
