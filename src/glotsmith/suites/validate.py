"""From a draft to a problem: expected values from execution, coverage, and mutants that must fail (MultiPL-T §4.2).

The paper runs each assertion once, alone, and counts lines of function and assertions together. Here the source runs
twice: all calls in one process, and each in its own in the opposite order under another hash seed. What differs depends
on more than its arguments. Coverage is that of the function's own body, without blocks that only raise and without the
branches to them: a test is a value that comes back.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.records import Problem, Suite
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Dropped, ItemStep, Result, keep
from glotsmith.suites.clock import find_clock_read
from glotsmith.suites.draft import DraftCase, DraftSuite
from glotsmith.suites.explore import returned_literal
from glotsmith.suites.function_runner import (
    BatchResult,
    BodyCoverage,
    CallBatch,
    CallResult,
    FunctionRunner,
    RunnerFailed,
)
from glotsmith.suites.mutants import MAX_MUTANTS, make_mutants
from glotsmith.suites.parameters import UnsupportedParameters
from glotsmith.unanswered import failures_are_accepted
from glotsmith.values import Call, NotLiteral, Value, infer_signature, literal, parse_value, render_test

_SEEDS = (1, 2)  #: PYTHONHASHSEED of the two runs
_CPU_S = 1.0  #: CPU seconds a call


class SuiteThresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What a suite must reach."""

    line_coverage: float = 0.9  #: the paper's threshold (there with assert lines counted)
    branch_coverage: float = 0.9
    mutation_score: float = 0.5  #: low, since some mutants are equivalent to the source and can't be killed
    min_cases: int = 3  #: 18 % of the paper's suites have fewer
    max_cases: int = 20
    max_mutants: int = MAX_MUTANTS  #: how many are tried; 0 for none


class ValidatedCase(NamedTuple):
    """A call with its proved value."""

    draft: DraftCase
    arguments: tuple[Value, ...]
    expected: Value


class Validate(ItemStep[DraftSuite, Problem]):
    """Run the source on a draft's calls, and keep it as a problem if its suite means something."""

    name = "validate"
    output = Problem

    def __init__(self, sandbox: Sandbox, thresholds: SuiteThresholds | None = None) -> None:
        self._bench = FunctionRunner(sandbox)
        self._bar = thresholds or SuiteThresholds()

    async def run(self, key: str, item: DraftSuite) -> Result[Problem]:
        """Validate one draft."""
        try:
            answer = await self._validate(item)
        except UnsupportedParameters as error:
            answer = Dropped(Reason.UNSUPPORTED_PARAMETERS, str(error))
        except RunnerFailed as error:
            if not failures_are_accepted():
                raise
            answer = Dropped(Reason.NOT_VERIFIED, str(error))
        return Result(dropped=(answer,)) if isinstance(answer, Dropped) else keep(answer.id, answer)

    async def _validate(self, draft: DraftSuite) -> Problem | Dropped:
        if clock := find_clock_read(draft.function):
            return Dropped(Reason.NONDETERMINISTIC, f"it reads the clock: {clock}")
        calls = draft.calls[: self._bar.max_cases]
        first = await self._first(draft, calls)
        if not any(map(returned_literal, first.results)):
            return Dropped(Reason.SOURCE_FAILS, _complaint(first.results))
        codes = make_mutants(draft.function, self._bar.max_mutants)
        second, *tried = await self._second(draft, calls, codes)
        cases, why = _agreeing(calls, first.results, second.results[::-1])
        if why or (why := _too_weak(cases, self._bar)):
            return why
        if len(cases) < len(calls):  # what was measured holds for all calls, not for these
            return await self._validate(msgspec.structs.replace(draft, calls=tuple(c.draft for c in cases)))
        if why := _too_little(first.coverage, self._bar):
            return why
        killed = sum(_killed(report, cases) for report in tried)
        return self._problem(draft, cases, first.coverage, killed, len(tried))

    async def _first(self, draft: DraftSuite, calls: Sequence[DraftCase]) -> BatchResult:
        """Run all calls in one process, with coverage."""
        batch = CallBatch(calls=tuple(c.arguments for c in calls), cpu_s=_CPU_S, measure="coverage")
        [report] = await self._bench.run(draft.function, [batch], _SEEDS[0])
        return report

    async def _second(self, draft: DraftSuite, calls: Sequence[DraftCase], codes: Sequence[str]) -> list[BatchResult]:
        """Run each call in its own process, the last first; then each mutant until it fails."""
        texts = tuple(c.arguments for c in calls)
        alone = CallBatch(calls=texts[::-1], cpu_s=_CPU_S, one_process_per_call=True)
        tried = [CallBatch(calls=texts, code=code, cpu_s=_CPU_S / 4, stop_at_failure=True) for code in codes]
        return await self._bench.run(draft.function, [alone, *tried], _SEEDS[1])

    def _problem(
        self, draft: DraftSuite, cases: Sequence[ValidatedCase], coverage: BodyCoverage, killed: int, tried: int
    ) -> Problem | Dropped:
        score = killed / tried if tried else 1.0
        if score < self._bar.mutation_score:
            return Dropped(
                Reason.WEAK_SUITE,
                f"{tried - killed} of {counted(tried, 'mutant')} pass all {counted(len(cases), 'case')}",
            )
        function = draft.function
        proved = [Call(function.name, c.arguments, c.expected) for c in cases]
        suite = Suite(
            signature=str(infer_signature(function.name, draft.parameters, proved)),
            tests=tuple(map(render_test, proved)),
            line_coverage=round(coverage.line_rate, 4),
            branch_coverage=round(coverage.branch_rate, 4),
            mutation_score=round(score, 4),
            mutants=tried,
            writers=dict(sorted(Counter(c.draft.writer for c in cases).items())),
        )
        return Problem(id=function.id, function=function, suite=suite)


def _agreeing(
    calls: Sequence[DraftCase], first: Sequence[CallResult], second: Sequence[CallResult]
) -> tuple[list[ValidatedCase], Dropped | None]:
    """Return the cases on which both runs agree, or why the function is no function of its arguments."""
    cases: list[ValidatedCase] = []
    for call, a, b in zip(calls, first, second, strict=True):
        one, two = returned_literal(a), returned_literal(b)
        if one is None or two is None:
            continue
        if literal(one[0]) != literal(two[0]):
            detail = f"on {call.arguments} it returned {literal(one[0])[:100]} and {literal(two[0])[:100]}"
            return [], Dropped(Reason.NONDETERMINISTIC, detail)
        cases.append(ValidatedCase(call, _arguments(call), one[0]))
    if not cases:
        return [], Dropped(Reason.SOURCE_FAILS, _complaint(second))
    return cases, None


def _arguments(call: DraftCase) -> tuple[Value, ...]:
    value = parse_value(call.arguments)
    if not isinstance(value, tuple):
        raise NotLiteral(f"a draft's arguments are a tuple, not {call.arguments[:80]}")
    return value  # type: ignore[reportUnknownVariableType]  # a tuple of Values, which are Any


def _complaint(answers: Sequence[CallResult]) -> str:
    [((kind, text), _)] = Counter((a.kind, a.text) for a in answers if a.kind != "value").most_common(1)
    return f"{kind} {text}".strip()


def _too_weak(cases: Sequence[ValidatedCase], bar: SuiteThresholds) -> Dropped | None:
    if len(cases) < bar.min_cases:
        return Dropped(Reason.TOO_FEW_CASES, f"{len(cases)} of {bar.min_cases}")
    if len({literal(c.expected) for c in cases}) < 2:
        return Dropped(Reason.ONE_EXPECTED_VALUE, literal(cases[0].expected)[:100])
    return None


def _too_little(coverage: BodyCoverage, bar: SuiteThresholds) -> Dropped | None:
    if coverage.line_rate >= bar.line_coverage and coverage.branch_rate >= bar.branch_coverage:
        return None
    lines = f"{coverage.lines_hit} of {counted(coverage.lines, 'line')}"
    return Dropped(Reason.LOW_COVERAGE, f"{lines}, {coverage.branches_hit} of {counted(coverage.branches, 'branch')}")


def _killed(report: BatchResult, cases: Sequence[ValidatedCase]) -> bool:
    """Whether a mutant gives another value, or none, on one of the cases."""
    return any(
        (value := returned_literal(answer)) is None or literal(value[0]) != literal(case.expected)
        for answer, case in zip(report.results, cases, strict=True)
    )
