"""Where the machine has no verdict, that is raised; what is wrong with the job is not the machine's."""

import asyncio

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import ToolchainError
from glotsmith.records import Job, Outcome, Verdict
from glotsmith.unanswered import Unanswered, accepting_failures
from glotsmith.verification import Verifier
from glotsmith.verification.raising_verifier import RaisingVerifier

JOB = Job(id="j", language="python", code="def f(x): return x", tests=("assert f(1) == 1",))


class Runner:
    def __init__(self, status):
        self.status = status

    async def verify(self, job):
        return Verdict(id=job.id, language=job.language, status=self.status, detail="no room")


@pytest.mark.parametrize("status", ["pass", "fail:wrong", "fail:timeout", "infra:refused"])
def test_verdicts_and_refused_jobs_pass(status):
    assert asyncio.run(RaisingVerifier(Runner(status)).verify(JOB)).status == status


@pytest.mark.parametrize("status", ["infra:sandbox", "infra:toolchain"])
def test_a_failure_of_the_machine_is_raised(status):
    with pytest.raises(Unanswered, match="no room") as raised:
        asyncio.run(RaisingVerifier(Runner(status)).verify(JOB))
    assert (raised.value.reason, raised.value.health.name) == (Reason.NOT_VERIFIED, "the verifier (python)")
    with accepting_failures():
        assert asyncio.run(RaisingVerifier(Runner(status)).verify(JOB)).status == status


def test_a_runner_works_if_it_has_given_a_verdict():
    async def scenario():
        runner = Runner("infra:sandbox")
        deciding = RaisingVerifier(runner)
        with pytest.raises(Unanswered) as raised:
            await deciding.verify(JOB)
        assert not await raised.value.health.works()
        runner.status = "fail:wrong"
        await deciding.verify(JOB)
        assert (raised.value.health.answered, await raised.value.health.works()) == (1, True)

    asyncio.run(scenario())


class Broken:
    name = "broken"

    async def run(self, program):
        return Outcome(ending="infra", detail="no fork")


def test_a_broken_sandbox_is_no_verdict_of_the_real_runner():
    async def scenario():
        verifier = Verifier(Broken())
        with pytest.raises(Unanswered, match="no fork") as raised:
            await RaisingVerifier(verifier).verify(JOB)
        assert not await raised.value.health.works()
        assert not verifier.ran["python"]

    asyncio.run(scenario())


def test_a_toolchain_that_is_gone_does_not_work(monkeypatch):
    def raise_toolchain_error(*_):
        raise ToolchainError("python is gone")

    verifier = Verifier(Broken())
    monkeypatch.setattr("glotsmith.languages.toolchain.find_toolchain", raise_toolchain_error)
    assert not asyncio.run(verifier.passes_example("python"))
