"""CPU limits of candidates, from the CPU time of the Python original."""

import msgspec
import pytest

from glotsmith.languages import get_card
from glotsmith.languages.reference_limits import ReferenceLimits, round_reference
from glotsmith.records import Job, Suite
from glotsmith.verification.job_limits import limits_of_job

STEP = 1 / 1024
LIMITS = ReferenceLimits(floor_s=0.25, factor=256.0)  # the shortest step has the floor


@pytest.mark.parametrize(
    ("seconds", "stored"),
    [
        (0.0, STEP),
        (0.000_001, STEP),
        (STEP, STEP),
        (STEP * 1.01, STEP * 4),
        (STEP * 4, STEP * 4),
        (0.2, 0.25),
        (0.25, 0.25),
        (0.3, 1.0),
        (5.0, 16.0),
    ],
)
def test_a_time_is_stored_as_the_next_step(seconds: float, stored: float) -> None:
    assert round_reference(seconds) == stored


@pytest.mark.parametrize(
    ("language", "reference_s", "limit"),
    [
        ("lua", 0.0, 10.0),  # not measured: the limit of the language
        ("lua", STEP, 0.25),
        ("lua", STEP * 4, 1.0),
        ("lua", 1 / 64, 4.0),
        ("lua", 1 / 16, 10.0),  # at most the limit of the language
        ("lua", 16.0, 10.0),
        ("perl", STEP, 1.75),  # a slower language
        ("perl", STEP * 4, 7.0),
        ("racket", STEP, 1.0 + 0.5),  # its libraries take time to load
        ("racket", STEP * 4, 4.0 + 0.5),
        ("racket", 16.0, 10.0),
    ],
)
def test_the_limit_follows_from_the_original(language: str, reference_s: float, limit: float) -> None:
    assert LIMITS.cpu_s(get_card(language), reference_s) == pytest.approx(limit)


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (ReferenceLimits(), 0.025),
        (ReferenceLimits(floor_s=2.0), 2.0),
        (ReferenceLimits(factor=1024.0), 1.0),
        (ReferenceLimits(floor_s=3.0, factor=1024.0), 3.0),
    ],
)
def test_floor_and_factor_are_options(limits: ReferenceLimits, limit: float) -> None:
    job = limits.apply(Job(id="x", language="lua", tests=("assert f(1) == 1",), reference_s=STEP))
    assert job.time_limit_s == pytest.approx(limit)


@pytest.mark.parametrize(
    ("language", "reference_s", "limit", "load_limit"), [("lua", STEP, 0.25, 0.0), ("racket", STEP, 1.5, 0.5)]
)
def test_a_part_of_the_limit_is_for_loading(language: str, reference_s: float, limit: float, load_limit: float) -> None:
    job = LIMITS.apply(Job(id="x", language=language, tests=("assert f(1) == 1",), reference_s=reference_s))
    assert (job.time_limit_s, job.load_limit_s) == (limit, load_limit)
    limits = limits_of_job(get_card(language), job)
    assert (limits.cpu_s, limits.load_s) == (limit, load_limit)


@pytest.mark.parametrize("fields", [{"time_limit_s": 7.0, "reference_s": STEP}, {"time_limit_s": 7.0}, {}])
def test_a_limit_of_the_job_and_a_job_without_a_measurement_stay(fields: dict[str, float]) -> None:
    job = Job(id="x", language="lua", tests=("assert f(1) == 1",), **fields)  # type: ignore[arg-type]
    assert LIMITS.apply(job) == job


def test_a_suite_of_an_earlier_version_has_no_measurement() -> None:
    stored = (
        b'{"signature":"def f(x)","tests":[],"line_coverage":1,"branch_coverage":1,"mutation_score":1,'
        b'"mutants":0,"writers":{}}'
    )
    suite = msgspec.json.decode(stored, type=Suite)
    assert suite.reference_s == 0
    assert b"reference_s" not in msgspec.json.encode(suite)  # and is written as before
