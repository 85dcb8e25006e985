"""``glotsmith verify`` takes the rows of every export as they are, or says why it cannot."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from glotsmith.cli.job_files import read_jobs
from glotsmith.datasets.exporters.formats import DATASET_FORMATS, FORMATS
from glotsmith.records import Job

Command = Callable[..., tuple[int, str, str]]

SOURCE = '''
def shout(text: str, times: int) -> str:
    """Say it louder."""
    if times < 1:
        return text.lower()
    return text.upper() + "!" * times


def total(numbers: list[int]) -> int:
    """Add up what is positive."""
    result = 0
    for number in numbers:
        if number > 0:
            result += number
    return result
'''
WHOLE = [*DATASET_FORMATS, "parallel"]  #: programs with their tests
TASKS = ["trl-grpo", "verl", "openrlhf", "open-instruct", "verifiers"]  #: tests, for programs that a policy writes
PAIRS = ["trl-dpo", "trl-kto"]  #: of programs that passed and failed
UNTESTED = [name for name in FORMATS if name not in [*WHOLE, *TASKS, *PAIRS]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "module.py").write_text(SOURCE)
    return folder


@pytest.fixture
def run(glotsmith: Command, source: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    code, _, stderr = glotsmith("run", "multipl-t", "-s", source, "-l", "lua", "-o", folder)
    assert code == 0, stderr
    return folder


def files(folder: Path) -> Iterator[Path]:
    return (f for f in sorted(folder.rglob("*")) if f.suffix in (".jsonl", ".parquet"))


def reverified(glotsmith: Command, export: Path, out: Path) -> None:
    """Check that all rows of an export hold, and are written as they are."""
    code, _, stderr = glotsmith("reverify", export, "-o", out)
    assert (code, contents(out / "dataset")) == (0, contents(export)), stderr
    assert {g["made_with"] for g in json.loads((out / "report.json").read_text())["verdicts"]} != {""}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in files(folder)}


def rows(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        return pq.read_table(file).to_pylist()
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.slow
def test_the_rows_of_each_export_are_judged_as_they_are(glotsmith: Command, run: Path, tmp_path: Path) -> None:
    programs = {row["id"]: row for f in files(run / "dataset" / "jsonl") for row in rows(f)}
    assert len(programs) == 2
    for name in [*WHOLE, *TASKS, *UNTESTED]:
        out = tmp_path / name
        code, _, stderr = glotsmith("export", run, "--format", name, "-o", out)
        assert code == 0, stderr
        found = [v for file in files(out) for v in verdicts(glotsmith, file, name in WHOLE)]
        if name in WHOLE:
            reverified(glotsmith, out, tmp_path / f"{name}-again")
            assert sorted((v["id"], v["status"]) for v in found) == [(i, "pass") for i in sorted(programs)], name
            continue
        assert {v["status"] for v in found} == {"infra:refused"}
        missing = "has tests but no program" if name in TASKS else "has no tests"
        assert all(missing in v["detail"] and name in v["detail"] for v in found), (name, found[0])
        if name in TASKS:
            answered(glotsmith, out, programs)


def answered(glotsmith: Command, folder: Path, programs: dict[str, Any]) -> None:
    """Verify the tasks of a folder with replies beside them, as a trainer's log of samples has them."""
    for column in ("completion", "response", "messages"):
        file = folder / f"answered-{column}.jsonl"
        given = list[dict[str, Any]]()
        for row in [r for f in files(folder) if not f.name.startswith("answered") for r in rows(f)]:
            name = row.get("id") or row["extra_info"]["id"]
            reply: Any = programs[name]["messages"]
            given.append({**row, column: reply if column == "messages" else reply[-1]["content"]})
        file.write_text("".join(json.dumps(row) + "\n" for row in given))
        assert [v["status"] for v in verdicts(glotsmith, file, True)] == ["pass"] * len(programs), (folder.name, column)


def verdicts(glotsmith: Command, file: Path, good: bool) -> list[dict[str, Any]]:
    code, stdout, err = glotsmith("verify", file)
    assert code == (0 if good else 2), (file, stdout, err)
    return [json.loads(line) for line in stdout.splitlines()]


TESTED = {"language": "lua", "tests": ["assert f(1) == 1"]}
CODE = "function f(x) return x end"
FENCED = f"So:\n\n```lua\n{CODE}\n```\nDone."
CHAT = [{"role": "user", "content": "Write f."}, {"role": "assistant", "content": FENCED}]


@pytest.mark.parametrize(
    "row",
    [
        {**TESTED, "completion": FENCED},
        {**TESTED, "completion": CHAT[1:]},
        {**TESTED, "prompt": CHAT[:1], "completion": FENCED, "signature": "def f(x: int) -> int"},
        {**TESTED, "prompt": "Write f.", "completion": FENCED},
        {**TESTED, "messages": CHAT},
        {**TESTED, "messages": [*CHAT, {"role": "user", "content": "Thanks."}]},
        {**TESTED, "conversations": [{"from": "human", "value": "Write f."}, {"from": "gpt", "value": FENCED}]},
        {**TESTED, "instruction": "Write f.", "input": "", "output": FENCED},
        {**TESTED, "text": CODE},
        {**TESTED, "prefix": "function f(x)", "completion": " return x end"},
        {**TESTED, "prompt": "function f(x)", "completion": " return x end", "source": "", "kind": "translation"},
        {"completion": FENCED, "label": json.dumps(TESTED), "parallel_id": "p"},
        {"completion": FENCED, "reward_model": {"style": "rule", "ground_truth": json.dumps(TESTED)}},
        {"completion": FENCED, "extra_info": {"language": "lua"}, "reward_model": {"ground_truth": TESTED}},
        {"completion": FENCED, "ground_truth": json.dumps([json.dumps(TESTED)]), "dataset": "code"},
        {"programs": [{**TESTED, "id": "p", "code": CODE}], "parallel_id": "p", "name": "f", "source": ""},
    ],
)
def test_the_program_of_a_row(row: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row))
    (job,) = read_jobs(file)
    assert isinstance(job, Job), job
    assert (job.language, "".join(job.code.split())) == ("lua", "".join(CODE.split()))
    assert job.tests == ("assert f(1) == 1",)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"messages": CHAT}, "the row (its fields are those of openai-ft) has no tests"),
        ({"instruction": "a", "input": "", "output": "b"}, "(its fields are those of alpaca) has no tests"),
        ({"prompt": CHAT[:1], "chosen": CHAT[1:], "rejected": CHAT[1:], "parallel_id": "p"}, "the row has no tests"),
        ({**TESTED, "prompt": CHAT[:1], "parallel_id": "p"}, "the row has tests but no program"),
        ({**TESTED, "messages": CHAT[:1]}, "the row has tests but no program"),
        ({**TESTED, "completion": FENCED, "language": "klingon"}, "no language is named 'klingon'"),
        ({**TESTED, "completion": FENCED, "tests": [1]}, "Expected `str`, got `int`"),
        ({**TESTED, "completion": FENCED, "id": 3}, "the id is 3; it must be a string"),
        ({"completion": FENCED, "ground_truth": "[{"}, "the ground truth is not JSON"),
        ({"programs": [3], "parallel_id": "p"}, "an entry of the column programs is not an object"),
        ({**TESTED, "completion": FENCED, "testss": []}, "do you mean 'tests'"),
    ],
)
def test_a_row_that_is_no_job_says_why(row: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n" + json.dumps(row))
    (verdict,) = read_jobs(file)
    assert not isinstance(verdict, Job)
    assert (verdict.status, verdict.line) == ("infra:refused", 2)
    assert sentence in verdict.detail
