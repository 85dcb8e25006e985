"""Find observed calls that kill mutants that the chosen cases of a suite do not kill.

Coverage alone leaves boundaries untested: a suite may cover every branch of a primality test without an even number.
The method is the selection of tests by mutation analysis (DeMillo, Lipton and Sayward, 1978).
"""

from collections import Counter
from collections.abc import Sequence

from glotsmith.records import Function
from glotsmith.suites.case_selection import MAX_CASES, ObservedCall, further_cases
from glotsmith.suites.function_runner import BatchResult, CallBatch, FunctionRunner
from glotsmith.suites.mutants import make_mutants
from glotsmith.values import Type

MAX_MUTANTS = 40  #: largest number of mutants on which the chosen cases are run
_MAX_CALLS = 80  #: largest number of further calls of a surviving mutant
_CPU_S = 0.05  #: CPU seconds for a call; a slower mutant counts as killed
_HASH_SEED = 3


async def find_killing_calls(
    runner: FunctionRunner,
    function: Function,
    chosen: Sequence[ObservedCall],
    observed: Sequence[ObservedCall],
    base: Sequence[Type],
) -> list[ObservedCall]:
    """Return observed calls that kill surviving mutants, at most ``MAX_CASES`` with the chosen ones.

    Args:
        runner: Runs the mutants.
        function: The function whose mutants are made.
        chosen: The cases of the suite.
        observed: All calls that returned a literal.
        base: Types of the arguments, as in ``choose_cases``.

    Raises:
        RunnerFailed: The sandbox failed.

    """
    limit, further = MAX_CASES - len(chosen), further_cases(chosen, observed, base)[:_MAX_CALLS]
    if limit <= 0 or not further:
        return []
    expected = tuple(call.returned for call in chosen)
    codes = make_mutants(function, MAX_MUTANTS)
    killed = await _run_mutants(runner, function, codes, chosen, expected)
    survivors = [code for code, killers in zip(codes, killed, strict=True) if not killers]
    return _choose_killers(further, await _run_mutants(runner, function, survivors, further), limit)


async def _run_mutants(
    runner: FunctionRunner,
    function: Function,
    codes: Sequence[str],
    calls: Sequence[ObservedCall],
    expected: tuple[str, ...] = (),
) -> list[set[int]]:
    """Return for each mutant the indices of the calls that kill it; with ``expected``, only of the first one."""
    texts = tuple(call.text for call in calls)
    batches = [CallBatch(calls=texts, code=code, cpu_s=_CPU_S, expected=expected) for code in codes]
    reports = await runner.run(function, batches, _HASH_SEED) if batches else []
    return [_killers(report, calls) for report in reports]


def _killers(report: BatchResult, calls: Sequence[ObservedCall]) -> set[int]:
    pairs = enumerate(zip(report.results, calls, strict=True))
    return {i for i, (got, call) in pairs if got.kind != "skipped" and (got.kind, got.text) != ("value", call.returned)}


def _choose_killers(calls: Sequence[ObservedCall], killers: Sequence[set[int]], limit: int) -> list[ObservedCall]:
    """Return calls that kill all these mutants: repeatedly the first call that kills most of the remaining ones."""
    found = list[ObservedCall]()
    left: list[set[int]] = [mutant for mutant in killers if mutant]
    while left and len(found) < limit:
        counts = Counter(index for mutant in left for index in mutant)
        best = min(counts, key=lambda index: (-counts[index], index))
        found.append(calls[best])
        left = [mutant for mutant in left if best not in mutant]
    return found
