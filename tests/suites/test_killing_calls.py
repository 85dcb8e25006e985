"""Calls that kill the mutants which the chosen cases do not kill."""

import asyncio

import pytest

from glotsmith.suites.case_selection import MAX_CASES, ObservedCall
from glotsmith.suites.function_runner import CallBatch, FunctionRunner
from glotsmith.suites.killing_calls import find_killing_calls
from glotsmith.values import INT, STR

IS_PRIME = """
def f(n):
    d = 2
    while d * d <= n:
        if n % d == 0:
            return False
        d += 1
    return n > 1
"""
CLAMP = "def f(n):\n    return 0 if n <= 10 else n"


def prime(n):
    return n > 1 and all(n % d for d in range(2, n))


def observed(of, *numbers, writer="generated"):
    return [ObservedCall((n,), writer, of(n), frozenset(), repr(of(n))) for n in numbers]


@pytest.mark.parametrize(
    ("code", "of", "chosen", "others", "found"),
    [
        # The mutant d = 3 calls even numbers prime.
        (IS_PRIME, prime, (1, 3, 5, 7, 9), (11, 13, 10, 8), {10}),
        (IS_PRIME, prime, (1, 3, 5, 7, 9), (11, 13), set()),
        (IS_PRIME, prime, (1, 2, 3, 4, 8, 9, 10), (14,), set()),  # the chosen calls kill it
        (CLAMP, lambda n: 0 if n <= 10 else n, (0, 30), (50, 11, 12), {11}),
        (CLAMP, lambda n: 0 if n <= 10 else n, (0, 30), (11, 10), {11, 10}),
        (CLAMP, lambda n: 0 if n <= 10 else n, (0, 30), (), set()),
    ],
)
def test_a_boundary_is_found(sandbox, function, code, of, chosen, others, found):
    cases, all_calls = observed(of, *chosen), observed(of, *chosen, *others)
    calls = asyncio.run(find_killing_calls(FunctionRunner(sandbox), function(code), cases, all_calls, [INT]))
    assert {call.arguments[0] for call in calls} == found


def test_calls_that_change_the_types_are_not_added(sandbox, function):
    code = "def f(s):\n    return len(s) <= 1"
    cases = [ObservedCall((s,), "generated", len(s) <= 1, frozenset(), repr(len(s) <= 1)) for s in ("abc", "")]
    others = [ObservedCall((s,), "generated", len(s) <= 1, frozenset(), repr(len(s) <= 1)) for s in (["x"], "é", "x")]
    calls = asyncio.run(find_killing_calls(FunctionRunner(sandbox), function(code), cases, [*cases, *others], [STR]))
    assert [call.arguments for call in calls] == [("x",)]


def test_a_full_suite_costs_no_run(function):
    full = observed(prime, *range(MAX_CASES))
    assert asyncio.run(find_killing_calls(None, function(IS_PRIME), full, observed(prime, 99), [INT])) == []


def test_a_batch_stops_at_the_first_other_value(sandbox, function):
    batch = CallBatch(calls=("(1,)", "(2,)", "(3,)", "(4,)"), expected=("1", "2", "4", "4"))
    [report] = asyncio.run(FunctionRunner(sandbox).run(function("def f(x):\n    return x"), [batch], 1))
    assert [r.kind for r in report.results] == ["value", "value", "value", "skipped"]
