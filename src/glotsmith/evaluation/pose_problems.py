"""Pose problems with a Python original in target languages, and prove their suites as for a dataset."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from glotsmith.drop_reasons import Reason
from glotsmith.evaluation.benchmarks.base import PythonProblem
from glotsmith.evaluation.oracles import apply_oracle
from glotsmith.evaluation.questions import ImpossibleProblem
from glotsmith.records import Job, Problem, Task, Verdict
from glotsmith.step import Result, Verify

_MIN_CASES = 2  #: smallest number of cases: a benchmark fixes its suite, but one case is too little


class Prover(Protocol):
    """Makes one task per language of a problem and checks its suite there (``suites.make_tasks.MakeTasks``)."""

    async def run(self, key: str, item: Problem) -> Result[Task]:
        """Return the tasks, and a drop with its reason for each other language."""
        ...


#: makes the prover for target languages, a verifier and a minimum number of cases
MakeProver = Callable[[Sequence[str], Verify, int], Prover]


async def pose_problems(
    benchmark: str, problems: Sequence[PythonProblem], languages: Sequence[str], verify: Verify, make_prover: MakeProver
) -> tuple[list[tuple[PythonProblem, Task]], list[ImpossibleProblem]]:
    """Return the tasks whose suites can pass and fail, in the order of the languages, and the impossible problems."""
    sound, lost = await _check_originals(benchmark, problems, languages, verify)
    step, problems = make_prover(languages, verify, _MIN_CASES), sound
    results = await asyncio.gather(*(step.run(p.problem.id, p.problem) for p in problems))
    tasks = [(p, kept.item) for p, result in zip(problems, results, strict=True) for kept in result.kept]
    tasks.sort(key=lambda pair: languages.index(pair[1].language))
    lost += [
        ImpossibleProblem(
            benchmark=benchmark,
            problem=p.name,
            language=loss.key.rpartition(":")[2],
            reason=loss.reason.value,
            detail=loss.detail,
        )
        for p, result in zip(problems, results, strict=True)
        for loss in result.dropped
        if loss.key
    ]
    return tasks, lost


async def _check_originals(
    benchmark: str, problems: Sequence[PythonProblem], languages: Sequence[str], verify: Verify
) -> tuple[list[PythonProblem], list[ImpossibleProblem]]:
    """Return the problems whose original passes its own tests, which fails if they depend on the order of a dict."""
    verdicts = await asyncio.gather(*(verify.verify(_job(p)) for p in problems))
    judged = [(p, apply_oracle(p.oracle, p.problem.suite.tests, v)) for p, v in zip(problems, verdicts, strict=True)]
    lost = [
        ImpossibleProblem(
            benchmark=benchmark,
            problem=p.name,
            language=language,
            reason=_reason(verdict).value,
            detail=verdict.detail or _failed_test(p, verdict),
        )
        for p, verdict in judged
        for language in languages
        if not verdict.passed
    ]
    return [p for p, verdict in judged if verdict.passed], lost


def _failed_test(p: PythonProblem, verdict: Verdict) -> str:
    """Return the first test that the original fails, with its result or exception; "" for none."""
    for test, case in zip(p.problem.suite.tests, verdict.cases, strict=False):
        if case.status != "pass":
            return f"the original fails the test {test!r} ({case.status}): {case.actual or 'no result'}"
    return ""


def _reason(verdict: Verdict) -> Reason:
    """Return why a problem is impossible whose original did not pass."""
    if verdict.status == "infra:refused":
        return Reason.UNREPRESENTABLE
    return Reason.NOT_VERIFIED if verdict.is_infra else Reason.SOURCE_FAILS


def _job(p: PythonProblem) -> Job:
    suite = p.problem.suite
    return Job(
        id=p.problem.id,
        language="python",
        code=p.problem.function.program,
        signature=suite.signature,
        tests=suite.tests,
        tolerance=p.tolerance,
    )
