"""A verifier that judges by the text of the program, without execution."""

from collections.abc import Callable

import msgspec
import pytest

from glotsmith.records import CaseVerdict, Job, Status, Verdict

Judge = Callable[[Job], Status]


class ScriptedVerifier:
    """Gives the status of a function of the job; every case has it."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.jobs = list[Job]()

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on one job."""
        self.jobs.append(job)
        status = self._judge(job)
        cases = tuple(CaseVerdict(status=status) for _ in job.tests)
        return Verdict(id=job.id, language=job.language, status=status, cases=cases, seconds=0.01)


@pytest.fixture
def scripted() -> Callable[[Judge], ScriptedVerifier]:
    return ScriptedVerifier


@pytest.fixture
def job() -> Job:
    return msgspec.convert(
        {
            "id": "j",
            "language": "lua",
            "code": "local function f(x)\n  if x < 2 then return x end\n  return 2\nend",
            "signature": "def f(x: int) -> int",
            "tests": ["assert f(1) == 1", "assert f(5) == 2"],
        },
        Job,
    )
