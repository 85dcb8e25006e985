"""Judge the mutants of a right program by its suite, and find the equivalent ones."""

import asyncio
from typing import Literal

import msgspec

from glotsmith.certification.further_tests import FurtherTests, make_further_tests
from glotsmith.certification.labelled import LabelledProgram
from glotsmith.languages import get_card
from glotsmith.languages.program_mutants import ProgramMutant, mutate_program
from glotsmith.records import Job, Record, Status, Verdict
from glotsmith.step import Verify
from glotsmith.suites.function_runner import FunctionRunner

#: ``equivalent``: it passes also all further tests, or there are none; ``not_judged``: the machine failed
MutantResult = Literal["killed", "survived", "equivalent", "not_compiled", "not_judged"]
_SLOWER, _LEAST_S = 5.0, 1.0  #: CPU limit of a mutant: a multiple of the program's time, and a minimum in seconds
MAX_TEST_CHARACTERS = 200  #: largest number of characters of a test in a report


class JudgedMutant(Record, frozen=True, kw_only=True):
    """A mutant, and whether the suite of its program rejects it."""

    mutant: ProgramMutant
    result: MutantResult
    status: Status  #: status of the verdict by the suite
    test: str = ""  #: a further test that a surviving mutant fails


class MutantChecks(msgspec.Struct, frozen=True):
    """The mutants of a program."""

    mutants: tuple[JudgedMutant, ...] = ()
    further: FurtherTests = FurtherTests()  #: further tests, which are made only if a mutant passes the suite

    def count(self, result: MutantResult) -> int:
        """Return the number of mutants with a result."""
        return sum(mutant.result == result for mutant in self.mutants)


async def check_mutants(
    program: LabelledProgram, right: Verdict, verify: Verify, runner: FunctionRunner, *, mutants: int, inputs: int
) -> MutantChecks:
    """Judge up to ``mutants`` mutants of a program.

    Mutants that pass the suite are judged again, with up to ``inputs`` further inputs.

    Args:
        program: A right program.
        right: The verdict on the program, which is ``pass``.
        verify: The verifier.
        runner: Runs the Python original of the program.
        mutants: The largest number of mutants.
        inputs: The largest number of further inputs.

    """
    job = msgspec.structs.replace(program.job, time_limit_s=_mutant_limit_s(program.job, right))
    made = mutate_program(get_card(job.language), job.code, mutants)
    jobs = [msgspec.structs.replace(job, code=mutant.code) for mutant in made]
    verdicts = await asyncio.gather(*map(verify.verify, jobs))
    further = FurtherTests()
    if any(verdict.passed for verdict in verdicts) and job.tests:
        further = await make_further_tests(program, verify, runner, inputs)
    # The program passed the further tests under its own limit, so mutants have the same limit here.
    own = msgspec.structs.replace(program.job, tests=further.tests, all_cases=True, stop_at_failure=False)
    later = [msgspec.structs.replace(own, code=mutant.code) for mutant in made]
    judged = [_judge(verify, *each) for each in zip(made, later, verdicts, strict=True)]
    return MutantChecks(tuple(await asyncio.gather(*judged)), further)


def _mutant_limit_s(job: Job, right: Verdict) -> float:
    limit = job.time_limit_s or get_card(job.language).limits.cpu_s
    return min(limit, max(_LEAST_S, _SLOWER * right.seconds))


async def _judge(verify: Verify, mutant: ProgramMutant, further: Job, verdict: Verdict) -> JudgedMutant:
    """Return the result of a mutant; ``further`` is its job with the further tests."""
    result, test = _result(verdict), ""
    if verdict.passed and further.tests:
        second = await verify.verify(further)
        result = {"killed": "survived", "not_compiled": "survived"}.get(_result(second), _result(second))
        failed = (test for test, case in zip(further.tests, second.cases, strict=False) if case.status != "pass")
        test = next(failed, "")[:MAX_TEST_CHARACTERS] if result == "survived" else ""
    return JudgedMutant(mutant=mutant, result=result, status=verdict.status, test=test)  # type: ignore[arg-type]


def _result(verdict: Verdict) -> MutantResult:
    if verdict.is_infra:
        return "not_judged"
    if verdict.passed:
        return "equivalent"
    return "not_compiled" if verdict.status == "fail:compile" else "killed"
