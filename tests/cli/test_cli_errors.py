"""What a person sees who types it wrong: a sentence that says what to do, exit code 2, never a traceback."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from glotsmith.cli.job_files import RawRow, jobs_of_row
from glotsmith.records import Verdict

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["verfy"], r"No such command 'verfy'.*glotsmith --help"),
        (["run"], r"Missing argument 'recipe'"),
        (["run", "multiplt"], r"no recipe 'multiplt'; do you mean 'multipl-t'"),
        (["run", "nowhere.toml"], r"nowhere.toml is not a file"),
        (["run", "multipl-t"], r"-s \(--source\), or options.sources in a TOML file, is missing: it must be a list"),
        (["run", "multipl-t", "-s", "x", "--set", "temperature=hot"], r"--set temperature, .* must be a number"),
        (["run", "multipl-t", "-s", "x", "--set", "helpers=maybe"], r"--set helpers, .* must be true or false"),
        (["run", "multipl-t", "-s", "x", "--set", "style=poem"], r"--set style, .* must be one of "),
        (["run", "multipl-t", "-s", "x", "--set", "benchmarks=a"], r"--set benchmarks, .* is 'a'; it must be a list"),
        (["run", "multipl-t", "-s", "x", "--set", "seed=often"], r"--set seed is 'often'; it must be a whole number"),
        (["run", "multipl-t", "-s", "x", "--preview", "few"], r"Invalid value for '--preview'.*integer"),
        (
            ["run", "multipl-t", "-s", "stdlib:textwrap", "-l", "luaa"],
            r"named 'luaa'; do you mean 'lua'",
        ),
        (["run", "multipl-t", "-s", "package:no_such_package", "-l", "lua"], r"no_such_package"),
        (["run", "multipl-t", "-s", "stdlib:textwrap", "-l", "lua", "--set", "samples"], r"not of the form NAME=VALUE"),
        (["run", "multipl-t", "-s", "stdlib:textwrap", "-l", "lua", "--set", "sample=3"], r"no option 'sample'"),
        (["run", "multipl-t", "-s", "stdlib:textwrap", "--set", "sampels=3"], r"'sampels'; do you mean 'samples'\?"),
        (["run", "xcoder", "-s", "x", "--set", 'new_languages=["Jula"]'], r"named 'Jula'; do you mean 'julia'\?"),
        (["run", "multipl-t", "-s", "stdlib:textwrap", "--teacher", "opnai"], r"'opnai'; do you mean 'openai'\?"),
        (["run", "multipl-t", "-s", "stdlib:textwrap", "--retry", "internal_eror"], r"you mean 'internal_error'\?"),
        (
            ["run", "multipl-t", "-s", "x", "--set", 'formats=["trl_sft","parqet"]'],
            r"do you mean '(trl-sft|parquet)'\?",
        ),
        (["run", "multipl-t", "-s", "x", "--isolation", "bublewrap"], r"do you mean 'bubblewrap'\?"),
        (["evaluate", "humanevl", "-l", "lua"], r"no benchmark is named 'humanevl'; do you mean 'humaneval'\?"),
        (["evaluate", "rows=x", "-l", "Ruyb", "--completions", "x"], r"named 'Ruyb'; do you mean 'ruby'\?"),
        (["benchmark", "make", "x", "-l", "C--"], r"no language is named 'C--'; there are"),
        (["verify", "x", "--format", "agnostics", "--language", "javscript"], r"do you mean 'javascript'\?"),
        (["languages", "check", "haskel"], r"do you mean 'haskell'\?"),
        (["languages", "new", "moon", "--from", "luaa"], r"do you mean 'lua'\?"),
        (["languages", "container", "ocmal"], r"do you mean 'ocaml'\?"),
        (["languages", "install", "--dry-run", "rcaket"], r"do you mean 'racket'\?"),
        (
            ["run", "multipl-t", "-s", "stdlib:textwrap", "-l", "lua", "--set", "samples=many"],
            r"--set samples, .* is 'many'; it must be a whole number",
        ),
        (
            ["run", "multipl-t", "-s", "stdlib:textwrap", "-l", "lua", "--teacher", "gpt"],
            r"no teacher 'gpt'; there are",
        ),
        (["run", "multipl-t", "-s", "stdlib:textwrap", "-l", "lua", "--isolation", "jail"], r"no isolation 'jail'"),
        (["run", "multipl-t", "-s", "stdlib:textwrap", "-l", "lua", "--teacher", "openai"], r"model"),
        (["run", "multipl-t", "-s", "stdlib:textwrap", "-l", "lua", "--set", 'benchmarks=["no.jsonl"]'], r"no\.jsonl"),
        (["verify", "no.jsonl"], r"no\.jsonl does not exist"),
        (["show", "no-run"], r"no-run cannot be shown: no such folder exists. Give the folder of a run"),
        (["export", "no-run"], r"not a run folder"),
        (["languages", "check", "cobol"], r"no language is named 'cobol'"),
    ],
)
def test_a_mistake_gets_a_sentence(
    glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, _, stderr = glotsmith(*arguments)
    assert code == 2, stderr
    assert re.search(sentence, stderr), stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "not a job"),
        ("[]", "not a job"),
        ('{"id": "a", "language": "lua", "codee": ""}', "codee"),
        ('{"id": 3, "language": "lua"}', "id"),
        ('{"id": "a", "language": "cobol", "tests": ["assert f(1) == 1"]}', "no language is named 'cobol'"),
        ('{"id": "a", "language": "lua", "code": "x"}', "has no tests: set one of tests, io, program"),
        ("\xff", "not a job"),
        ('{"id": "a", "language": "lua", "code": "x",}', "not JSON"),
        ('{"id": "a", "language": "lua", "tolerance": NaN}', "not JSON"),
        ("3", "a row must be a JSON object, not 3"),
        (
            '{"id": "a", "language": "lua", "tests": ["assert f(1) == 1"], "io": [{"stdin": "", "stdout": ""}]}',
            "the job has tests and io: write one job for each",
        ),
        (
            '{"id": "a", "language": "lua", "io": [{"stdin": "", "stdout": ""}], "program": "x"}',
            "the job has io and program: write one job for each",
        ),
        ('{"language": "lua", "code": "x"}', "the field id is missing: it must be text"),
        ('{"id": "a"}', "the field language is missing: it must be text"),
        (
            '{"id": "a", "language": "lua", "tests": "assert"}',
            "the field tests is 'assert'; it must be a list; each item",
        ),
        ('{"id": "a", "language": "lua", "time_limit_s": "s"}', "the field time_limit_s is 's'; it must be a number"),
        ('{"id": "a", "language": "lua", "parallel_id": "x", "testss": []}', "do you mean 'tests'? See"),
    ],
)
def test_a_malformed_line_has_a_verdict_and_the_others_are_judged(
    glotsmith: Command, tmp_path: Path, line: str, sentence: str
) -> None:
    good = {"id": "a", "language": "lua", "code": "function f(x) return x end", "tests": ["assert f(1) == 1"]}
    file, verdicts = tmp_path / "jobs.jsonl", tmp_path / "verdicts.jsonl"
    file.write_bytes(json.dumps(good).encode() + b"\n\n" + line.encode("latin-1") + b"\n" + json.dumps(good).encode())
    code, _, stderr = glotsmith("verify", file, "-o", verdicts)
    assert code == 2, stderr
    found = [json.loads(v) for v in verdicts.read_text().splitlines()]
    assert [(v["status"], v.get("line", 0)) for v in found] == [("pass", 0), ("infra:refused", 3), ("pass", 0)]
    assert sentence in found[1]["detail"]


@pytest.mark.parametrize(
    ("line", "offset", "named"),
    [
        (b'{"id": "x7", "language": "lua", "code": "\xff"}', 41, ("x7", "lua")),
        (b'{"code": "\xc3\xa9\xc3(", "id": "x8"}', 12, ("x8", "")),
        (b'{"id": "x9\xfe", "language": "r"}', 10, ("x9\ufffd", "r")),
        (b'{"id": "x", "code": "\xff"', 21, ("", "")),
        (b'["\x80"', 2, ("", "")),
    ],
)
def test_a_byte_that_is_not_utf_8_is_located_and_the_job_keeps_its_id(
    line: bytes, offset: int, named: tuple[str, str]
) -> None:
    (verdict,) = jobs_of_row(RawRow(4, line))
    assert isinstance(verdict, Verdict)
    assert f"the byte 0x{line[offset]:02x} at offset {offset} is not UTF-8" in verdict.detail
    assert (verdict.id, verdict.language, verdict.line) == (*named, 4)


GOOD = b'{"id": "a", "language": "lua", "code": "function f(x) return x end", "tests": ["assert f(1) == 1"]}\n'


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "jobs.jsonl.gz",
            gzip.compress(GOOD, mtime=0)[:-9],
            r"jobs.jsonl.gz:2: the file cannot be read from here on: .*end",
        ),
        (
            "jobs.jsonl.gz",
            gzip.compress(GOOD, mtime=0)[:14] + b"\x07\xff" * 9,
            r"jobs.jsonl.gz:1: the file cannot be read",
        ),
        ("jobs.jsonl", gzip.compress(GOOD, mtime=0)[:14], r"jobs.jsonl:1: the file cannot be read"),
        ("jobs.jsonl.gz", b"not packed\n", r"jobs.jsonl.gz:1: not a gzip file"),
        ("jobs.jsonl", b"\x7fELF\x02\x00\x00" * 9, r"jobs.jsonl:1: this is a binary file; give JSONL in UTF-8"),
        ("jobs.jsonl", GOOD.decode().encode("utf-16"), r"jobs.jsonl:1: this is a binary file; give JSONL in UTF-8"),
        ("jobs.jsonl", b"PAR1\x15\x04", r"a Parquet file must be named .parquet"),
        ("jobs.parquet", b"", r"jobs.parquet: not a readable Parquet file"),
        ("jobs.parquet", GOOD, r"jobs.parquet: not a readable Parquet file"),
        ("jobs.jsonl", b'{"id": "' + b"x" * 2**20 + b'"}\n' + GOOD, r"jobs.jsonl:1: the line is longer than 1 MiB"),
        ("folder", None, r"folder is a folder\. Give a JSONL file"),
        ("folder.parquet", None, r"folder.parquet is a folder"),
    ],
)
def test_a_file_that_can_not_be_read_is_a_sentence(
    glotsmith: Command, tmp_path: Path, name: str, content: bytes | None, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glotsmith.cli.job_files._LONGEST_MB", 1)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    code, _, stderr = glotsmith("verify", file)
    assert code == 2, stderr
    assert re.search(sentence, stderr), stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (GOOD + b'{"id": "' + b"x" * 2**21 + b'"}\n' + GOOD, ["pass", 2, "pass"]),
        (GOOD + b'{"id": "' + b"x" * 2**20, ["pass", 2]),
        (GOOD + b"\x7fELF\x00\n" + GOOD, ["pass", 2, "pass"]),
        (gzip.compress(GOOD * 3000, mtime=0)[:-9], ["pass"] * 3000 + [3001]),
    ],
)
def test_what_is_broken_further_on_does_not_take_the_others(
    glotsmith: Command, tmp_path: Path, content: bytes, lines: list[str | int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glotsmith.cli.job_files._LONGEST_MB", 1)
    file, verdicts = tmp_path / "jobs.jsonl", tmp_path / "verdicts.jsonl"
    file.write_bytes(content)
    code, _, stderr = glotsmith("verify", file, "-o", verdicts)
    assert code == 2, stderr
    found = [json.loads(line) for line in verdicts.read_text().splitlines()]
    assert [v.get("line") or v["status"] for v in found] == lines
    assert f"1 line of {file} contains no valid job" in stderr


def test_a_folder_is_no_input_of_agnostics(glotsmith: Command, tmp_path: Path) -> None:
    code, _, stderr = glotsmith("verify", tmp_path, "--format", "agnostics", "--language", "lua")
    assert (code, "is a folder. Give a JSONL file" in stderr) == (2, True), stderr


def test_a_defect_keeps_its_traceback_in_a_log(
    glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("glotsmith.cli.verify.read_jobs", lambda _: 1 / 0)
    code, _, stderr = glotsmith("verify", "x")
    assert code == 70
    assert "glotsmith-error.log" in stderr
    assert "ZeroDivisionError" in (tmp_path / "glotsmith-error.log").read_text()


def test_a_full_disk_is_a_sentence(glotsmith: Command, tmp_path: Path) -> None:
    job = {"id": "a", "language": "lua", "code": "local function f(x) return x end", "tests": ["assert f(1) == 1"]}
    file = tmp_path / "jobs.jsonl"
    file.write_text(json.dumps(job))
    code, _, stderr = glotsmith("verify", file, "-o", "/dev/full")
    assert code == 2, stderr
    assert "disk is full" in stderr
