"""Agnostics' executor protocol on standard input and output."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from glotsmith.cli import verify_agnostics

Command = Callable[..., tuple[int, str, str]]

RIGHT = {"code": "print(io.read('n') + 1)", "test_cases": [{"input": "1", "output": "2"}], "timeout_s": 5}
WRONG = RIGHT | {"test_cases": [{"input": "1", "output": "3"}]}
ARGV = [sys.executable, "-m", "glotsmith", "verify", "-", "--format", "agnostics", "--language", "lua"]


@pytest.mark.slow
def test_a_line_is_answered_before_the_next_is_there() -> None:
    """As its workers have it: they write a line to the container, and wait for one."""
    with subprocess.Popen(ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        for question, result in ((RIGHT, "success"), (WRONG, "fail:wrong-output"), ({}, "fail:other")):
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["result"] == result
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_file_is_answered_in_order(glotsmith: Command, tmp_path: Path) -> None:
    questions, answered = tmp_path / "asked.jsonl", tmp_path / "answered.jsonl"
    questions.write_text("\n\n".join(map(json.dumps, [RIGHT, WRONG] * 40)))
    code, _, stderr = glotsmith("verify", questions, "-o", answered, "--format", "agnostics", "--language", "lua")
    assert code == 0, stderr
    results = [json.loads(line)["result"] for line in answered.read_text().splitlines()]
    assert results == ["success", "fail:wrong-output"] * 40


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", []),
        (b"\n \n", []),
        (b"a\n\nb", [b"a", b"b"]),
        (b"a" * 70_000 + b"\nb\n", [b"a" * 70_000, b"b"]),
        (b"x" * 65_535 + b"\n" + b"y" * 65_536 + b"\nz", [b"x" * 65_535, b"y" * 65_536, b"z"]),
    ],
)
def test_lines_are_whole_wherever_they_are_cut(tmp_path: Path, text: bytes, lines: list[bytes]) -> None:
    file = tmp_path / "lines"
    file.write_bytes(text)
    with file.open("rb") as source:
        assert [*verify_agnostics._read_lines(source.fileno())] == lines


def test_a_long_line_takes_time_in_proportion(tmp_path: Path) -> None:
    """LiveCodeBench's tests of one problem are tens of megabytes; four times as many take four times as long."""
    file, seconds = tmp_path / "line", dict[int, float]()
    for size in (6, 24, 6, 24):
        file.write_bytes(b"x" * (size * 2**20))
        with file.open("rb") as source:
            begun = time.process_time()
            assert [len(line) for line in verify_agnostics._read_lines(source.fileno())] == [size * 2**20]
            seconds[size] = min(seconds.get(size, 99.0), time.process_time() - begun)
    assert seconds[24] < 10 * seconds[6]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--format", "agnostics"], "the programs need a language: --language NAME, one of bash, "),
        (["--format", "agnostics", "--language", "klingon"], "no language is named 'klingon'"),
        (["--format", "piston"], "the format 'piston' does not exist; choose glotsmith or agnostics"),
    ],
)
def test_wrong_options(glotsmith: Command, options: list[str], sentence: str) -> None:
    code, _, stderr = glotsmith("verify", "-", *options)
    assert code == 2
    assert sentence in " ".join(stderr.split())
