"""Validate a draft suite: expected values by execution, then coverage, then a mutation score (MultiPL-T §4.2).

The paper runs each assertion once, in a separate process, and counts the lines of the function and of the assertions
together. Here the function runs twice: all calls in one process, then each call in its own process, in the opposite
order and under another hash seed. A call whose two values differ depends on more than its arguments. Coverage is
measured in the function's own body, without blocks that always raise and without the branches to them, because a test
needs a value that is returned. A third run, in one process and without coverage, measures the CPU time of the function.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.languages.reference_limits import SHORTEST_REFERENCE_S, round_reference
from glotsmith.records import Function, Problem, Suite
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
_REPETITIONS = 2  #: repetitions of a measurement above ``SHORTEST_REFERENCE_S``


class SuiteThresholds(msgspec.Struct, frozen=True, kw_only=True):
    """The thresholds that a suite must reach."""

    line_coverage: float = 0.9  #: the paper's threshold (there with assert lines counted)
    branch_coverage: float = 0.9
    mutation_score: float = 0.5  #: low, because no suite can kill a mutant that is equivalent to the source
    min_cases: int = 3  #: 18 % of the paper's suites have fewer
    max_cases: int = 20
    max_mutants: int = MAX_MUTANTS  #: mutants that are tried; 0 for none


class ValidatedCase(NamedTuple):
    """A call with its expected value."""

    draft: DraftCase
    arguments: tuple[Value, ...]
    expected: Value
    text: str  #: the expected value as the runner wrote it


class Validate(ItemStep[DraftSuite, Problem]):
    """Run the function on a draft's calls, and keep it as a problem if the suite reaches the thresholds."""

    name = "validate"
    output = Problem

    def __init__(self, sandbox: Sandbox, thresholds: SuiteThresholds | None = None) -> None:
        self._runner = FunctionRunner(sandbox)
        self._thresholds = thresholds or SuiteThresholds()

    async def run(self, key: str, item: DraftSuite) -> Result[Problem]:
        """Validate one draft."""
        try:
            found = await self._validate(item)
        except UnsupportedParameters as error:
            found = Dropped(Reason.UNSUPPORTED_PARAMETERS, str(error))
        except RunnerFailed as error:
            if not failures_are_accepted():
                raise
            found = Dropped(Reason.NOT_VERIFIED, str(error))
        return Result(dropped=(found,)) if isinstance(found, Dropped) else keep(found.id, found)

    async def _validate(self, draft: DraftSuite) -> Problem | Dropped:
        """Apply the checks from the cheapest to the most expensive. The first that fails gives the drop reason."""
        function, thresholds = draft.function, self._thresholds
        if dropped := _clock_is_read(function):
            return dropped
        calls = draft.calls[: thresholds.max_cases]
        shared = await self._run_in_one_process(function, calls)
        if dropped := _no_value(shared.results):
            return dropped
        alone = await self._run_one_process_per_call(function, calls)
        if dropped := _no_value(alone) or _runs_differ(calls, shared.results, alone):
            return dropped
        cases = _returning_cases(calls, shared.results, alone)
        if dropped := _too_few_cases(cases, thresholds) or _one_expected_value(cases):
            return dropped
        if len(cases) < len(calls):  # the coverage above includes the calls that gave no value
            shared = await self._run_in_one_process(function, [c.draft for c in cases])
            if dropped := _values_depend_on_other_calls(cases, shared.results):
                return dropped
        if dropped := _low_coverage(shared.coverage, thresholds):
            return dropped
        reference, *mutants = await self._run_reference_and_mutants(function, cases)
        killed = sum(_is_killed(mutant, cases) for mutant in mutants)
        if dropped := _weak_suite(killed, len(mutants), len(cases), thresholds):
            return dropped
        problem = _problem(draft, cases, shared.coverage, killed, len(mutants))
        return await self._with_reference_seconds(problem, cases, reference)

    async def _run_in_one_process(self, function: Function, calls: Sequence[DraftCase]) -> BatchResult:
        """Run all calls in one process, and measure coverage."""
        batch = CallBatch(calls=_texts(calls), cpu_s=_CPU_S, measure="coverage")
        [report] = await self._runner.run(function, [batch], _SEEDS[0])
        return report

    async def _run_one_process_per_call(self, function: Function, calls: Sequence[DraftCase]) -> list[CallResult]:
        """Run each call in its own process, the last call first. Return the results in the order of ``calls``."""
        batch = CallBatch(calls=_texts(calls)[::-1], cpu_s=_CPU_S, one_process_per_call=True)
        [report] = await self._runner.run(function, [batch], _SEEDS[1])
        return list(report.results[::-1])

    async def _run_reference_and_mutants(self, function: Function, cases: Sequence[ValidatedCase]) -> list[BatchResult]:
        """Measure the CPU time of the function, then run each mutant up to its first other value; return both."""
        texts = _texts([c.draft for c in cases])
        codes = make_mutants(function, self._thresholds.max_mutants)
        reference = _timed_batch(cases)
        expected = tuple(c.text for c in cases)
        mutants = [CallBatch(calls=texts, code=code, cpu_s=_CPU_S / 4, expected=expected) for code in codes]
        return await self._runner.run(function, [reference, *mutants], _SEEDS[1])

    async def _with_reference_seconds(
        self, problem: Problem, cases: Sequence[ValidatedCase], first: BatchResult
    ) -> Problem:
        """Return the problem with the CPU time of its function, which stays 0 if a call gave no value.

        On a loaded machine, a measured time sometimes includes milliseconds of other work. So a time above
        ``SHORTEST_REFERENCE_S`` is measured again, and the smallest time of each call counts.
        """
        seconds = _seconds([first])
        if math.isfinite(seconds) and round_reference(seconds) > SHORTEST_REFERENCE_S:
            more = [_timed_batch(cases)] * _REPETITIONS
            seconds = _seconds([first, *await self._runner.run(problem.function, more, _SEEDS[1])])
        if not math.isfinite(seconds):
            return problem
        suite = msgspec.structs.replace(problem.suite, reference_s=round_reference(seconds))
        return msgspec.structs.replace(problem, suite=suite)


def _timed_batch(cases: Sequence[ValidatedCase]) -> CallBatch:
    return CallBatch(calls=_texts([c.draft for c in cases]), cpu_s=_CPU_S, measure="seconds")


def _seconds(measured: Sequence[BatchResult]) -> float:
    """Return the sum of the smallest CPU times of the calls; infinite if a call gave no value."""
    calls = [*zip(*(batch.results for batch in measured), strict=True)]
    if not all(result.kind == "value" for results in calls for result in results):
        return math.inf
    return sum(min(result.seconds for result in results) for results in calls)


def _clock_is_read(function: Function) -> Dropped | None:
    clock = find_clock_read(function)
    return Dropped(Reason.NONDETERMINISTIC, f"it reads the clock: {clock}") if clock else None


def _no_value(results: Sequence[CallResult]) -> Dropped | None:
    """Drop a function without a call that returned a literal, with the most frequent cause."""
    if any(map(returned_literal, results)):
        return None
    [((kind, text), _)] = Counter((r.kind, r.text) for r in results if r.kind != "value").most_common(1)
    return Dropped(Reason.SOURCE_FAILS, f"{kind} {text}".strip())


def _runs_differ(
    calls: Sequence[DraftCase], first: Sequence[CallResult], second: Sequence[CallResult]
) -> Dropped | None:
    """Drop a function whose two runs returned different values for the same arguments."""
    for call, a, b in zip(calls, first, second, strict=True):
        one, two = returned_literal(a), returned_literal(b)
        if one is not None and two is not None and literal(one[0]) != literal(two[0]):
            return _nondeterministic(call, one[0], two[0])
    return None


def _values_depend_on_other_calls(cases: Sequence[ValidatedCase], results: Sequence[CallResult]) -> Dropped | None:
    """Drop a function whose values change when the calls without a value are left out."""
    for case, result in zip(cases, results, strict=True):
        value = returned_literal(result)
        if value is None:
            return Dropped(Reason.NONDETERMINISTIC, f"on {case.draft.arguments} a repeated run returned no value")
        if literal(value[0]) != literal(case.expected):
            return _nondeterministic(case.draft, case.expected, value[0])
    return None


def _nondeterministic(call: DraftCase, one: Value, two: Value) -> Dropped:
    detail = f"on {call.arguments} it returned {literal(one)[:100]} and {literal(two)[:100]}"
    return Dropped(Reason.NONDETERMINISTIC, detail)


def _too_few_cases(cases: Sequence[ValidatedCase], thresholds: SuiteThresholds) -> Dropped | None:
    if len(cases) >= max(1, thresholds.min_cases):
        return None
    return Dropped(Reason.TOO_FEW_CASES, f"{len(cases)} of {thresholds.min_cases}")


def _one_expected_value(cases: Sequence[ValidatedCase]) -> Dropped | None:
    if len({literal(c.expected) for c in cases}) > 1:
        return None
    return Dropped(Reason.ONE_EXPECTED_VALUE, literal(cases[0].expected)[:100])


def _low_coverage(coverage: BodyCoverage, thresholds: SuiteThresholds) -> Dropped | None:
    if coverage.line_rate >= thresholds.line_coverage and coverage.branch_rate >= thresholds.branch_coverage:
        return None
    lines = f"{coverage.lines_hit} of {counted(coverage.lines, 'line')}"
    branches = f"{coverage.branches_hit} of {counted(coverage.branches, 'branch')}"
    return Dropped(Reason.LOW_COVERAGE, f"{lines}, {branches}")


def _weak_suite(killed: int, mutants: int, cases: int, thresholds: SuiteThresholds) -> Dropped | None:
    if _mutation_score(killed, mutants) >= thresholds.mutation_score:
        return None
    detail = f"{mutants - killed} of {counted(mutants, 'mutant')} pass all {counted(cases, 'case')}"
    return Dropped(Reason.WEAK_SUITE, detail)


def _mutation_score(killed: int, mutants: int) -> float:
    return killed / mutants if mutants else 1.0


def _returning_cases(
    calls: Sequence[DraftCase], first: Sequence[CallResult], second: Sequence[CallResult]
) -> list[ValidatedCase]:
    """Return the calls that gave a value in both runs, with that value."""
    cases: list[ValidatedCase] = []
    for call, a, b in zip(calls, first, second, strict=True):
        value = returned_literal(a)
        if value is not None and returned_literal(b) is not None:
            cases.append(ValidatedCase(call, _arguments(call), value[0], a.text))
    return cases


def _arguments(call: DraftCase) -> tuple[Value, ...]:
    value = parse_value(call.arguments)
    if not isinstance(value, tuple):
        raise NotLiteral(f"the arguments of a draft case must be a tuple, not {call.arguments[:80]}")
    return value  # type: ignore[reportUnknownVariableType]  # a tuple of Values, which are Any


def _texts(calls: Sequence[DraftCase]) -> tuple[str, ...]:
    return tuple(c.arguments for c in calls)


def _is_killed(report: BatchResult, cases: Sequence[ValidatedCase]) -> bool:
    """Return whether a mutant gives another value, or none, on one of the cases."""
    return any(
        (value := returned_literal(answer)) is None or literal(value[0]) != literal(case.expected)
        for answer, case in zip(report.results, cases, strict=True)
    )


def _problem(
    draft: DraftSuite, cases: Sequence[ValidatedCase], coverage: BodyCoverage, killed: int, mutants: int
) -> Problem:
    function = draft.function
    proved = [Call(function.name, c.arguments, c.expected) for c in cases]
    suite = Suite(
        signature=str(infer_signature(function.name, draft.parameters, proved)),
        tests=tuple(map(render_test, proved)),
        line_coverage=round(coverage.line_rate, 4),
        branch_coverage=round(coverage.branch_rate, 4),
        mutation_score=round(_mutation_score(killed, mutants), 4),
        mutants=mutants,
        writers=dict(sorted(Counter(c.draft.writer for c in cases).items())),
    )
    return Problem(id=function.id, function=function, suite=suite)
