"""Jobs that end at their first failing case, by real programs; and limits that a verdict depends on."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from glotsmith.languages import program
from glotsmith.records import IoCase, Job, Outcome, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import IsDecided
from glotsmith.sandbox.local_sandbox import LocalSandbox
from glotsmith.verification import Verifier, job_limits
from glotsmith.verification.verifier import verdict_key


class RecordingSandbox:
    """A sandbox that records how programs ended."""

    def __init__(self, sandbox: LocalSandbox) -> None:
        self._sandbox, self.name, self.promises = sandbox, sandbox.name, sandbox.promises
        self.endings = list[str]()

    async def run(self, program: Program) -> Outcome:
        return await self.run_until(program, None)

    async def run_until(self, program: Program, is_decided: IsDecided | None) -> Outcome:
        outcome = await self._sandbox.run_until(program, is_decided)
        self.endings.append(outcome.ending)
        return outcome

    async def close(self) -> None:
        await self._sandbox.close()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RecordingSandbox]:
    opened = open_sandbox()
    assert isinstance(opened, LocalSandbox)
    yield RecordingSandbox(opened)
    asyncio.run(opened.close())


TESTS = ("assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3")
WRONG_THEN_LOOPS = "def f(x):\n    while x > 1: pass\n    return 9"
EXITS = "import os\ndef f(x): os._exit(0)"


@pytest.mark.parametrize(
    ("code", "stop", "status", "cases", "endings"),
    [
        (WRONG_THEN_LOOPS, True, "fail:wrong", ["fail:wrong", "skipped", "skipped"], ["decided"]),
        (EXITS, True, "fail:exit", ["fail:exit"] * 3, ["exit"]),
        (EXITS, False, "fail:exit", ["fail:exit"] * 3, ["exit"] * 3),  # all cases run, each in a process
        ("def f(x): return x", True, "pass", ["pass"] * 3, ["exit"]),
    ],
)
def test_a_job_may_end_at_its_first_failing_case(
    sandbox: RecordingSandbox, code: str, stop: bool, status: str, cases: list[str], endings: list[str]
) -> None:
    job = Job(id="x", language="python", code=code, tests=TESTS, stop_at_failure=stop, time_limit_s=20)
    asyncio.run(Verifier(sandbox).verify(job))  # the first program of a language also measures its speed
    sandbox.endings.clear()
    verdict = asyncio.run(Verifier(sandbox).verify(msgspec.structs.replace(job, code=f"{code}\n# again")))
    assert (verdict.status, [c.status for c in verdict.cases]) == (status, cases)
    assert sandbox.endings[-len(endings) :] == endings


@pytest.mark.parametrize(
    ("stop", "cases"),
    [(True, ["pass", "fail:wrong", "skipped"]), (False, ["pass", "fail:wrong", "pass"])],
)
def test_a_whole_program_may_end_at_its_first_failing_case(
    sandbox: RecordingSandbox, stop: bool, cases: list[str]
) -> None:
    io = tuple(IoCase(stdin=text, stdout=text) for text in ("a", "b", "a"))
    job = Job(id="x", language="bash", code="read x; echo a", io=io, stop_at_failure=stop)
    assert [c.status for c in asyncio.run(Verifier(sandbox).verify(job)).cases] == cases


JOB = Job(id="x", language="python", code="def f(x): return x", tests=TESTS)


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (job_limits, "DEFAULT_IDLE_S", 7.0),
        (job_limits, "_MAX_BYTES_PER_CHAR", 100_000),  # of the output limit
        (program, "WALL_FACTOR", 7.0),
    ],
)
def test_the_address_of_a_verdict_depends_on_default_limits(
    module: object, name: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = verdict_key(JOB, "none")
    monkeypatch.setattr(module, name, value)
    assert verdict_key(JOB, "none") != before
    monkeypatch.undo()
    assert verdict_key(JOB, "none") == before


@pytest.mark.parametrize(
    "fields",
    [{"idle_limit_s": 3.0}, {"time_limit_s": 3.0}, {"memory_limit_mb": 99}, {"reference_s": 0.01}, {"all_cases": True}],
)
def test_the_address_of_a_verdict_depends_on_the_limits_of_the_job(fields: dict[str, float]) -> None:
    changed = msgspec.structs.replace(JOB, **fields)
    assert verdict_key(changed, "none") != verdict_key(JOB, "none")


def test_a_job_cannot_both_stop_and_run_all_cases(sandbox: RecordingSandbox) -> None:
    job = msgspec.structs.replace(JOB, all_cases=True, stop_at_failure=True)
    verdict = asyncio.run(Verifier(sandbox).verify(job))
    assert (verdict.status, verdict.detail) == ("infra:refused", "all_cases and stop_at_failure cannot be combined")
