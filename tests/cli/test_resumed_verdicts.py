"""``glotsmith verify -o`` after a stop: verdicts that are there are kept, and those of other jobs are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from glotsmith.cli.job_files import read_jobs
from glotsmith.cli.resumed_verdicts import job_hash

Command = Callable[..., tuple[int, str, str]]
OLD = {"language": "lua", "status": "pass", "seconds": 99.0}  # a value that no new verdict has


def jobs(folder: Path, count: int = 3, code: str = "function f(x) return x end") -> Path:
    fields = {"language": "lua", "code": code, "tests": ["assert f(1) == 1"], "entry_point": "f"}
    file = folder / "jobs.jsonl"
    file.write_text("".join(json.dumps({"id": str(n), **fields}) + "\n" for n in range(count)))
    return file


def stopped(folder: Path, file: Path, written: int, end: str) -> Path:
    """Return the output of a command that was stopped after so many verdicts."""
    output = folder / "out.jsonl"
    known = [job_hash(job) for job in read_jobs(file)][:written]
    output.write_text("".join(json.dumps({"id": str(n), **OLD}) + "\n" for n in range(written)) + end)
    (folder / ".out.jsonl.jobs").write_text("".join(f"{name}\n" for name in known))
    return output


@pytest.mark.parametrize(("written", "end"), [(1, ""), (2, ""), (1, '{"id":"1","lang'), (3, ""), (0, '{"status"')])
def test_the_same_command_goes_on(glotsmith: Command, tmp_path: Path, written: int, end: str) -> None:
    file = jobs(tmp_path)
    output = stopped(tmp_path, file, written, end)
    code, _, err = glotsmith("verify", file, "-o", output)
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert (code, [row["id"] for row in rows]) == (0, ["0", "1", "2"]), err
    assert [row["seconds"] == 99.0 for row in rows] == [n < written for n in range(3)]
    assert not (tmp_path / ".out.jsonl.jobs").exists()


@pytest.mark.parametrize("change", [{"code": "function f(x) return 1 end"}, {"count": 1}])
def test_verdicts_of_other_jobs_are_refused(glotsmith: Command, tmp_path: Path, change: dict[str, str]) -> None:
    output = stopped(tmp_path, jobs(tmp_path), 2, "")
    before = output.read_bytes()
    code, _, err = glotsmith("verify", jobs(tmp_path, **change), "-o", output)
    assert (code, "contains the verdicts of other jobs" in err) == (2, True)
    assert output.read_bytes() == before
