"""Candidates of one problem: equal ones are judged once, and the Python original determines their CPU limit."""

import asyncio
from typing import Any

import msgspec
import pytest

from glotsmith.languages.reference_limits import ReferenceLimits
from glotsmith.records import Job, Verdict
from glotsmith.verification.candidate_verifier import CandidateVerifier

JOB = Job(id="1", language="lua", code="function f(x) return x end", tests=("assert f(1) == 1",))
COMMENTED = "-- it\nfunction f( x )\n  return x\nend"


class CountingVerifier:
    """Returns a status for each job in turn, and records the jobs."""

    def __init__(self, *statuses: Any) -> None:
        self.statuses, self.jobs = list(statuses), list[Job]()

    async def verify(self, job: Job) -> Verdict:
        self.jobs.append(job)
        await asyncio.sleep(0)
        status = self.statuses.pop(0) if self.statuses else "pass"
        if isinstance(status, Exception):
            raise status
        return Verdict(id=job.id, language=job.language, status=status)


def judged(verifier: CountingVerifier, *changes: dict[str, Any]) -> list[Verdict]:
    """Judge changed copies of a job at the same time."""

    async def judge() -> list[Verdict]:
        candidates = CandidateVerifier(verifier)
        jobs = [msgspec.structs.replace(JOB, id=str(n), **fields) for n, fields in enumerate(changes)]
        return await asyncio.gather(*map(candidates.verify, jobs))

    return asyncio.run(judge())


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        ([{}, {}, {}], 1),
        ([{}, {"code": COMMENTED}], 1),
        ([{}, {"code": "function f(x) return x + 0 end"}], 2),
        ([{}, {"tests": ("assert f(2) == 2",)}], 2),
        ([{}, {"time_limit_s": 3.0}], 2),
        ([{}, {"stop_at_failure": True}], 2),
        ([{}, {"language": "python"}], 2),
        ([{"code": "", "tests": (), "program": "print(1)"}, {"code": "", "tests": (), "program": "print( 1 )"}], 1),
        ([{"code": "print(1)", "tests": ()}, {"code": "", "tests": (), "program": "print(1)"}], 2),
    ],
)
def test_equal_candidates_of_one_suite_are_judged_once(changes: list[dict[str, Any]], runs: int) -> None:
    verifier = CountingVerifier("fail:wrong", "pass")
    verdicts = judged(verifier, *changes)
    assert len(verifier.jobs) == runs
    assert [v.id for v in verdicts] == [str(n) for n in range(len(changes))]  # each has its own
    assert len({v.status for v in verdicts}) == runs


def test_a_failure_of_the_machine_is_not_shared() -> None:
    verifier = CountingVerifier("infra:sandbox", "pass")
    assert [v.status for v in judged(verifier, {}, {})] == ["infra:sandbox", "pass"]


def test_an_exception_reaches_its_own_caller_only() -> None:
    async def judge() -> list[Any]:
        candidates = CandidateVerifier(CountingVerifier(ValueError("no"), "pass"))
        return await asyncio.gather(*(candidates.verify(JOB) for _ in range(3)), return_exceptions=True)

    first, *others = asyncio.run(judge())
    assert isinstance(first, ValueError)
    assert [v.status for v in others] == ["pass", "pass"]


def test_a_cancelled_caller_does_not_take_the_others_along() -> None:
    async def judge() -> str:
        verifier = CountingVerifier()
        candidates = CandidateVerifier(verifier)
        first, second = (asyncio.ensure_future(candidates.verify(JOB)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).status

    assert asyncio.run(judge()) == "pass"


def test_the_original_determines_the_limit() -> None:
    verifier = CountingVerifier()
    candidates = CandidateVerifier(verifier, ReferenceLimits(floor_s=0.3, factor=100.0))
    for reference_s, time_limit_s in ((0.0, None), (1 / 256, None), (1 / 64, None), (1 / 64, 5.0)):
        job = msgspec.structs.replace(JOB, reference_s=reference_s, time_limit_s=time_limit_s)
        asyncio.run(candidates.verify(job))
    assert [job.time_limit_s for job in verifier.jobs] == [None, 100 / 256, 100 / 64, 5.0]
