"""Agnostics' executor protocol on standard input and output."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]

RIGHT = {"code": "print(io.read('n') + 1)", "test_cases": [{"input": "1", "output": "2"}], "timeout_s": 5}
WRONG = RIGHT | {"test_cases": [{"input": "1", "output": "3"}]}
ARGV = [sys.executable, "-m", "glotsmith", "verify", "-", "--format", "agnostics", "--language", "lua"]


def test_a_line_is_answered_before_the_next_is_there() -> None:
    """As its workers have it: they write a line to the container, and wait for one."""
    with subprocess.Popen(ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        for asked, result in ((RIGHT, "success"), (WRONG, "fail:wrong-output"), ({}, "fail:other")):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["result"] == result
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_file_is_answered_in_order(glotsmith: Command, tmp_path: Path) -> None:
    asked, answered = tmp_path / "asked.jsonl", tmp_path / "answered.jsonl"
    asked.write_text("\n\n".join(map(json.dumps, [RIGHT, WRONG] * 40)))
    code, _, said = glotsmith("verify", asked, "-o", answered, "--format", "agnostics", "--language", "lua")
    assert code == 0, said
    results = [json.loads(line)["result"] for line in answered.read_text().splitlines()]
    assert results == ["success", "fail:wrong-output"] * 40


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--format", "agnostics"], "name the programs' language by --language; there are: bash, "),
        (["--format", "agnostics", "--language", "klingon"], "name the programs' language by --language"),
        (["--format", "piston"], "there is no format 'piston'; choose from glotsmith, agnostics"),
    ],
)
def test_wrong_options(glotsmith: Command, options: list[str], sentence: str) -> None:
    code, _, said = glotsmith("verify", "-", *options)
    assert code == 2
    assert sentence in " ".join(said.split())
