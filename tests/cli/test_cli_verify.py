import gzip
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glotsmith.languages import language_names

Command = Callable[..., tuple[int, str, str]]

GOOD = "local function f(x) return x + 1 end"
JOBS = [
    {"id": "a", "language": "lua", "code": GOOD, "tests": ["assert f(1) == 2"]},
    {"id": "b", "language": "lua", "code": GOOD, "tests": ["assert f(1) == 1"]},
    {"id": "c", "language": "python", "code": "def f(x): return x + 1", "tests": ["assert f(1) == 2"]},
    {"id": "d", "language": "lua", "code": GOOD, "tests": ["assert f(1) == {1}"]},
    {"id": "e", "language": "lua", "code": "io.write(io.read('n') * 2)", "io": [{"stdin": "21", "stdout": "42\n"}]},
    {"id": "f", "language": "lua", "program": "os.exit(3)"},
    {"id": "g", "language": "lua", "code": GOOD, "tests": ["assert g(1) == 2"]},
    {"id": "h", "language": "lua", "code": GOOD.replace("f(", "F("), "tests": ["assert f(1) == 2"], "entry_point": "F"},
]
EXPECTED = {
    "a": "pass",
    "b": "fail:wrong",
    "c": "pass",
    "d": "infra:refused",
    "e": "pass",
    "f": "fail:runtime",
    "g": "fail:compile",
    "h": "pass",
}


def test_verify_answers_in_the_order_of_the_jobs(glotsmith: Command, tmp_path: Path) -> None:
    file, verdicts = tmp_path / "jobs.jsonl", tmp_path / "verdicts.jsonl"
    file.write_text("".join(json.dumps(j) + "\n" for j in JOBS))
    code, _, stderr = glotsmith("verify", file, "-o", verdicts)
    assert code == 0, stderr
    found = [json.loads(line) for line in verdicts.read_text().splitlines()]
    assert {v["id"]: v["status"] for v in found} == EXPECTED
    assert [v["id"] for v in found] == [j["id"] for j in JOBS]
    assert found[1]["cases"][0]["actual"] == "2"
    assert found[0]["isolation"] == "bubblewrap"
    assert "Lua 5.4" in found[0]["toolchain"]


ROW = {
    **{"id": "r", "parallel_id": "p", "language": "lua", "name": "f", "source": "def f(x): return x", "stage": 1},
    **{"messages": [{"role": "user", "content": "x"}], "kind": "translation", "origin": {"source": "s", "path": "p"}},
    **{"prompt": "-- same\nfunction f(x)\n", "completion": "  return x\nend\n", "tests": ["assert f(1) == 1"]},
}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.jsonl.gz", "rows.parquet"])
def test_rows_of_a_dataset_are_judged_as_they_are(glotsmith: Command, tmp_path: Path, name: str) -> None:
    file, rows = tmp_path / name, [ROW, {**ROW, "tests": ["assert f(1) == 2"]}]
    lines = "".join(json.dumps(row) + "\r\n" for row in rows).encode()
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), file)
    else:
        file.write_bytes(gzip.compress(lines) if name.endswith(".gz") else json.dumps(rows, indent=1).encode())
        if name == "rows.jsonl":
            file.write_bytes(lines)
    code, stdout, err = glotsmith("verify", file)
    assert code == 0, err
    assert [json.loads(v)["status"] for v in stdout.splitlines()] == ["pass", "fail:wrong"]


def test_an_empty_file_is_no_error(glotsmith: Command, tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text("")
    code, stdout, _ = glotsmith("verify", file)
    assert (code, stdout) == (0, "")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\ufeff"])
def test_a_byte_order_mark_is_no_part_of_a_job(glotsmith: Command, tmp_path: Path, end: str) -> None:
    file = tmp_path / "jobs.jsonl"  # the last of them is two marked files, one behind the other
    file.write_bytes("".join(("\ufeff", json.dumps(JOBS[0]), end, json.dumps(JOBS[1]), "\n")).encode())
    code, stdout, err = glotsmith("verify", file)
    assert code == 0, err
    assert [json.loads(line)["status"] for line in stdout.splitlines()] == ["pass", "fail:wrong"]


def test_a_byte_order_mark_is_no_part_of_a_configuration(glotsmith: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('recipe = "no-such-recipe"\n', "utf-8-sig")
    code, _, err = glotsmith("run", file, "-s", tmp_path, "-l", "lua", "-o", tmp_path / "run")
    assert (code, "no-such-recipe" in err, "not valid TOML" in err) == (2, True, False), err


def test_jobs_come_from_a_pipe_too(glotsmith: Command, tmp_path: Path) -> None:
    pipe = tmp_path / "jobs"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(json.dumps(JOBS[0]) + "\n"))
    writer.start()
    code, stdout, _ = glotsmith("verify", pipe)
    writer.join()
    assert (code, json.loads(stdout)["status"]) == (0, "pass")


def test_no_arguments_is_help(glotsmith: Command) -> None:
    code, stdout, err = glotsmith()
    assert (code, err) == (2, "")
    assert "Commands" in stdout


@pytest.mark.slow
def test_every_language_is_listed(glotsmith: Command) -> None:
    code, stdout, _ = glotsmith("languages")
    assert code == 0
    assert all(name in stdout for name in language_names())


@pytest.mark.slow
def test_doctor_says_what_works(glotsmith: Command) -> None:
    code, stdout, _ = glotsmith("doctor")
    assert code == 0
    assert "bubblewrap" in stdout
    assert "Lua 5.4" in stdout


SOURCE = '''
def shout(text):
    """Return the text in capitals with a mark.

    >>> shout("hi")
    'HI!'
    >>> shout("")
    '!'
    """
    result = text.upper()
    return result + "!"


def total(numbers):
    """Add up the positive ones.

    >>> total([1, -2, 3])
    4
    """
    result = 0
    for number in numbers:
        if number > 0:
            result += number
    return result


def nothing(x):
    """Return nothing."""
    print(x)
'''


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "module.py").write_text(SOURCE)
    return folder


@pytest.mark.slow
def test_a_run_from_source_to_dataset(glotsmith: Command, corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ("run", "multipl-t", "-s", corpus, "-l", "lua", "-o", run)
    code, stdout, err = glotsmith(*arguments)
    assert code == 0, err
    assert "2 verified programs" in stdout
    rows = [json.loads(x) for x in (run / "dataset/jsonl/data/lua/train.jsonl").read_text().splitlines()]
    assert {r["name"] for r in rows} == {"shout", "total"}
    before = {f: f.read_bytes() for f in (run / "dataset").rglob("*") if f.is_file()}
    code, _, err = glotsmith(*arguments)  # again: resumes, finds nothing to do, writes the same bytes
    assert code == 0
    assert "Resumes the run" in err
    assert {f: f.read_bytes() for f in before} == before
    code, _, err = glotsmith(*arguments, "--set", "wanted=2")
    assert code == 2
    assert "options.wanted was not set and is now 2" in err
    code, stdout, _ = glotsmith("show", run, "--dropped", "--json")
    assert [json.loads(line)["reason"] for line in stdout.splitlines()] == ["returns_nothing"]
    code, stdout, _ = glotsmith("show", run, "--dropped")
    assert "no return statement" in stdout
    code, stdout, _ = glotsmith("show", run, rows[0]["id"][:10])
    assert all(step in stdout for step in ("translate", "validate", "sources"))
    assert rows[0]["tests"][0] in stdout
    code, _, err = glotsmith("show", run, "zzz")
    assert (code, "has no item" in err) == (2, True)
    code, stdout, err = glotsmith("export", run, "-f", "parquet", "-o", tmp_path / "out")
    assert code == 0, err
    assert (tmp_path / "out/README.md").exists()


@pytest.mark.slow
def test_a_preview_shows_each_stage_and_leaves_the_run_alone(glotsmith: Command, corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, stdout, err = glotsmith("run", "multipl-t", "-s", corpus, "-l", "lua", "-o", run, "--preview", 1)
    assert code == 0, err
    assert not run.exists()
    assert "sample" in stdout
    assert (tmp_path / "run-preview/run.toml").exists()


@pytest.mark.slow
def test_a_run_from_a_toml_file(glotsmith: Command, corpus: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        'recipe = "multipl-t"\nseed = 3\n[teacher]\nname = "offline"\n[options]\nlanguages = ["lua"]\n'
        f'sources = ["{corpus}"]\n'
    )
    code, stdout, err = glotsmith("run", file, "-o", tmp_path / "run")
    assert code == 0, err
    assert "2 verified programs" in stdout


@pytest.mark.parametrize("language", ["Lua", "LUA", ".lua", " lua "])
def test_a_job_may_write_its_language_as_people_do(glotsmith: Command, tmp_path: Path, language: str) -> None:
    file = tmp_path / "jobs.jsonl"
    file.write_text(json.dumps({**JOBS[0], "language": language}) + "\n")
    code, stdout, err = glotsmith("verify", file)
    assert code == 0, err
    verdict = json.loads(stdout)
    assert (verdict["status"], verdict["language"]) == ("pass", "lua")
