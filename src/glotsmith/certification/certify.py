"""Certify a language: judge its labelled programs and the mutants of the right ones, and count the verdicts."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import msgspec

from glotsmith.certification.certificate import (
    KindCount,
    LanguageCertificate,
    UnexpectedVerdict,
    VerdictRate,
    rate_interval,
)
from glotsmith.certification.labelled import LabelledProgram
from glotsmith.certification.mutant_checks import JudgedMutant, MutantChecks, check_mutants
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.program_mutants import mutation_method
from glotsmith.records import Record, Verdict
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Verify
from glotsmith.suites.function_runner import FunctionRunner

_IN_FLIGHT = 8  #: largest number of programs, with their mutants, in flight
_LONGEST = 300  #: largest number of characters of a detail


class MutationPlan(Record, frozen=True, kw_only=True):
    """The numbers of mutants and of further inputs."""

    mutants: int = 20  #: largest number of mutants of a program; 0 for none
    inputs: int = 200  #: largest number of further inputs for a surviving mutant


class _Judged(msgspec.Struct, frozen=True):
    """A labelled program with its verdict, and its mutants."""

    program: LabelledProgram
    verdict: Verdict
    checks: MutantChecks = MutantChecks()

    @property
    def fits(self) -> bool:
        """Whether the verdict fits the label."""
        return self.verdict.passed == self.program.right


async def certify_language(
    language: str,
    programs: Sequence[LabelledProgram],
    verify: Verify,
    sandbox: Sandbox,
    plan: MutationPlan,
    tick: Callable[[], None] = lambda: None,
) -> LanguageCertificate:
    """Judge labelled programs of one language and the mutants of the right ones.

    Args:
        language: The language.
        programs: The labelled programs in this language.
        verify: The verifier.
        sandbox: Runs the Python originals.
        plan: The numbers of mutants and further inputs.
        tick: Called after each program with its mutants.

    """
    limit, runner = asyncio.Semaphore(_IN_FLIGHT), FunctionRunner(sandbox)

    async def one(program: LabelledProgram) -> _Judged:
        async with limit:
            found = await _judge(program, verify, runner, plan)
            tick()
            return found

    return _certificate(language, await asyncio.gather(*map(one, programs)), sandbox.name)


async def _judge(program: LabelledProgram, verify: Verify, runner: FunctionRunner, plan: MutationPlan) -> _Judged:
    verdict = await verify.verify(program.job)
    if not (program.mutated and program.right and verdict.passed and plan.mutants):
        return _Judged(program, verdict)
    checks = await check_mutants(program, verdict, verify, runner, mutants=plan.mutants, inputs=plan.inputs)
    return _Judged(program, verdict, checks)


def _certificate(language: str, judged: Sequence[_Judged], isolation: str) -> LanguageCertificate:
    card, scored = get_card(language), [one for one in judged if not one.verdict.is_infra]
    mutants = [mutant for one in judged for mutant in one.checks.mutants]
    return LanguageCertificate(
        language=language,
        toolchain=toolchain.find_toolchain(language).version,
        isolation=isolation,
        fingerprint=card.fingerprint,
        method=mutation_method(card),
        rates=tuple(_rates_by_source(scored)),
        tpr=rate_interval(_counts_by_problem(scored, right=True)),
        tnr=rate_interval(_counts_by_problem(scored, right=False)),
        kinds=_counts_by_kind(mutants),
        equivalent=sum(mutant.result == "equivalent" for mutant in mutants),
        not_compiled=sum(mutant.result == "not_compiled" for mutant in mutants),
        not_judged=len(judged) - len(scored) + sum(mutant.result == "not_judged" for mutant in mutants),
        problems=len({one.program.problem for one in judged if one.checks.mutants}),
        unexpected=tuple(found for one in judged for found in _unexpected_verdicts(one)),
        differing={one.program.name: tests[0] for one in judged if (tests := one.checks.further.differing)},
    )


def _rates_by_source(judged: Sequence[_Judged]) -> list[VerdictRate]:
    programs, fitting = Counter[tuple[bool, str]](), Counter[tuple[bool, str]]()
    for one in judged:
        programs[one.program.right, one.program.source] += 1
        fitting[one.program.right, one.program.source] += one.fits
        killed, survived = one.checks.count("killed"), one.checks.count("survived")
        if killed + survived:
            programs[False, "mutants"] += killed + survived
            fitting[False, "mutants"] += killed
    return [
        VerdictRate(right=right, source=source, programs=count, fitting=fitting[right, source])
        for (right, source), count in sorted(programs.items(), reverse=True)
    ]


def _counts_by_problem(judged: Sequence[_Judged], *, right: bool) -> list[tuple[int, int]]:
    """Return (fitting, programs) of each problem, for right programs, or for wrong ones except rows."""
    found = defaultdict[str, list[int]](lambda: [0, 0])
    for one in judged:
        counts = found[one.program.problem or one.program.name]
        if one.program.right == right and (right or one.program.source != "rows"):
            counts[0] += one.fits
            counts[1] += 1
        if not right:
            killed, survived = one.checks.count("killed"), one.checks.count("survived")
            counts[0] += killed
            counts[1] += killed + survived
    return [(fitting, programs) for fitting, programs in found.values()]


def _counts_by_kind(mutants: Sequence[JudgedMutant]) -> dict[str, KindCount]:
    results = Counter((mutant.mutant.kind, mutant.result) for mutant in mutants)
    kinds = sorted({kind for kind, result in results if result in ("killed", "survived")})
    return {kind: KindCount(killed=results[kind, "killed"], survived=results[kind, "survived"]) for kind in kinds}


def _unexpected_verdicts(one: _Judged) -> list[UnexpectedVerdict]:
    program, verdict = one.program, one.verdict
    found = list[UnexpectedVerdict]()
    if not one.fits or verdict.is_infra:
        detail = verdict.detail or _first_failure(verdict) or " ".join(verdict.stderr.split())
        found.append(
            UnexpectedVerdict(
                right=program.right,
                source=program.source,
                name=program.name,
                status=verdict.status,
                detail=detail[-_LONGEST:],
            )
        )
    survivors = (mutant for mutant in one.checks.mutants if mutant.result == "survived")
    return found + [
        UnexpectedVerdict(
            right=False,
            source="mutants",
            name=f"{program.name}, line {survivor.mutant.line}: {survivor.mutant.change}"[:_LONGEST],
            status=survivor.status,
            detail=f"it fails {survivor.test}",
            kind=survivor.mutant.kind,
        )
        for survivor in survivors
    ]


def _first_failure(verdict: Verdict) -> str:
    failed = (
        f"case {number}: {case.status} {case.actual}"
        for number, case in enumerate(verdict.cases)
        if case.status != "pass"
    )
    return next(failed, "")
