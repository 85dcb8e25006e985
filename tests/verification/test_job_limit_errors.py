"""Limits and tolerances that make no sense are refused at every door, with a sentence."""

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glotsmith.cli.job_files import read_jobs
from glotsmith.errors import UsageError
from glotsmith.records import Job, Verdict
from glotsmith.reward.reward_jobs import build_job
from glotsmith.sandbox import open_sandbox
from glotsmith.service.jobs import check_job
from glotsmith.service.request_handling import RequestRefused
from glotsmith.verification import Verifier
from glotsmith.verification.job_limits import limits_error

JOB: dict[str, Any] = {
    "id": "a",
    "language": "python",
    "code": "def f(x): return x",
    "tests": ["assert f(1) == 1"],
}
WRONG: list[tuple[str, float]] = [
    ("time_limit_s", -3),
    ("time_limit_s", 0),
    ("time_limit_s", 1e9),
    ("load_limit_s", -1),
    ("memory_limit_mb", 1),
    ("memory_limit_mb", 0),
    ("memory_limit_mb", -200),
    ("output_limit_kb", 0),
    ("output_limit_kb", -1),
    ("file_limit_mb", 0),
    ("file_limit_mb", -16),
    ("tolerance", -1),
    ("absolute_tolerance", -1e-9),
]


def by_verifier(fields: dict[str, Any]) -> str:
    async def verdict() -> Verdict:
        sandbox = open_sandbox()
        try:
            return await Verifier(sandbox).verify(Job(**{**fields, "tests": tuple(fields["tests"])}))
        finally:
            await sandbox.close()

    found = asyncio.run(verdict())
    return found.detail if found.status == "infra:refused" else found.status


def by_reward(fields: dict[str, Any]) -> str:
    try:
        build_job(0, fields["code"], fields)
    except UsageError as error:
        return str(error)
    return "pass"


def by_service(fields: dict[str, Any]) -> str:
    try:
        check_job(Job(**{**fields, "tests": tuple(fields["tests"])}))
    except RequestRefused as error:
        return str(error)
    return "pass"


@pytest.mark.parametrize("door", [by_verifier, by_reward, by_service])
@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_limit_that_makes_no_sense_is_refused(
    door: Callable[[dict[str, Any]], str], field: str, value: float
) -> None:
    assert f"{field} is {value}; it must be " in door({**JOB, field: value}).replace(f"{float(value)};", f"{value};")


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_line_of_a_file_is_refused_with_its_number(tmp_path: Path, field: str, value: float) -> None:
    file = tmp_path / "jobs.jsonl"
    file.write_text(f"{json.dumps(JOB)}\n{json.dumps({**JOB, field: value})}\n")
    first, second = read_jobs(file)
    assert isinstance(first, Job)
    assert isinstance(second, Verdict)
    assert (second.status, second.line, second.id) == ("infra:refused", 2, "a")
    assert f"{field} is " in second.detail


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["time_limit_s", "tolerance", "absolute_tolerance"])
def test_a_number_that_is_not_finite_is_out_of_bounds(field: str, value: float) -> None:
    assert limits_error(Job(**{**JOB, field: value})).startswith(f"{field} is {value}; it must be ")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"time_limit_s": 0.3, "memory_limit_mb": 32, "output_limit_kb": 1, "file_limit_mb": 1},
        {"time_limit_s": 600, "memory_limit_mb": 65_536, "output_limit_kb": 2048, "file_limit_mb": 4096},
        {"tolerance": 0, "absolute_tolerance": 0},
        {"tolerance": 2.0},
    ],
)
@pytest.mark.parametrize("door", [by_reward, by_service])
def test_a_limit_within_bounds_stays(door: Callable[[dict[str, Any]], str], fields: dict[str, Any]) -> None:
    assert door({**JOB, **fields}) == "pass"
