"""Accept all correct answers to problems that have several, as EvalPlus does.

An oracle takes the arguments of a case, the expected value and the returned value. It runs outside the sandbox, on
values only. (evalplus/eval/__init__.py lists the problems.)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

from msgspec.structs import replace

from glotsmith.records import CaseVerdict, Verdict
from glotsmith.values import Check, NotLiteral, Value, parse_test, parse_value

Oracle = Callable[[Sequence[Value], Value, Value], bool]


def _root(arguments: Sequence[Value], expected: Value, actual: Value) -> bool:
    """Accept any zero of the polynomial, within 1e-4 as in HumanEval/32."""
    return abs(math.fsum(c * actual**i for i, c in enumerate(arguments[0]))) <= 1e-4


def _same_set(arguments: Sequence[Value], expected: Value, actual: Value) -> bool:
    """Accept the elements in any order."""
    return set(actual) == set(expected)


def _is_something(arguments: Sequence[Value], expected: Value, actual: Value) -> bool:
    """Accept any value but None for True, and None for False."""
    return not isinstance(actual, bool) and expected == (actual is not None)


def _zero(arguments: Sequence[Value], expected: Value, actual: Value) -> bool:
    """Accept 0 in addition to the expected value."""
    return actual == 0


def _digits(arguments: Sequence[Value], expected: Value, actual: Value) -> bool:
    """Accept the sum of the distances of the digits, where zeros precede the shorter number."""
    first, second = (str(a) for a in arguments)
    width = max(len(first), len(second))
    return actual == sum(abs(int(a) - int(b)) for a, b in zip(first.zfill(width), second.zfill(width), strict=True))


def _pyramid(arguments: Sequence[Value], expected: Value, actual: Value) -> bool:
    """Accept the surface of a pyramid whose height is perpendicular."""
    edge, height = arguments
    return actual == round(edge**2 + 2 * edge * math.sqrt((edge / 2) ** 2 + height**2))


def _close(within: float, arguments: Sequence[Value], expected: Value, actual: Value) -> bool:
    """Accept floats that differ by at most ``within``, also in lists and tuples."""
    if isinstance(expected, list | tuple):
        wanted = cast(Sequence[Value], expected)
        floats = bool(wanted) and all(isinstance(e, float) for e in wanted)  # a list and a tuple are then equal
        if not (isinstance(actual, list | tuple) if floats else type(actual) is type(wanted)):
            return False
        return len(actual) == len(wanted) and all(
            _close(within, arguments, *pair) for pair in zip(wanted, actual, strict=True)
        )
    if isinstance(expected, float) and isinstance(actual, float | int) and not isinstance(actual, bool):
        return math.isclose(expected, actual, rel_tol=1e-6, abs_tol=within)
    return type(expected) is type(actual) and bool(expected == actual)


ORACLES: Mapping[str, Oracle] = {
    "root": _root,
    "same_set": _same_set,
    "something": _is_something,
    "zero": _zero,
    "digits": _digits,
    "pyramid": _pyramid,
    "anything": lambda arguments, expected, actual: True,
}

#: function → its oracle
ORACLE_OF_FUNCTION: Mapping[str, str] = {
    "find_zero": "root",
    "are_equivalent": "anything",
    "sum_div": "zero",
    "surface_Area": "pyramid",
    "digit_distance_nums": "digits",
    **dict.fromkeys(
        (
            "similar_elements",
            "find_char_long",
            "common_in_nested_lists",
            "extract_singly",
            "larg_nnum",
            "intersection_array",
            "find_dissimilar",
            "Diff",
        ),
        "same_set",
    ),
    **dict.fromkeys(("check_str", "text_match_three", "text_starta_endb"), "something"),
}


def oracle_of(name: str) -> Oracle | None:
    """Return an oracle by name; None if there is none."""
    kind, _, within = name.partition(":")
    return partial(_close, float(within)) if kind == "close" else ORACLES.get(name)


def apply_oracle(name: str, tests: Sequence[str], verdict: Verdict) -> Verdict:
    """Return the verdict, with a pass for each case that the oracle accepts; without an oracle, the same verdict.

    In addition to the oracles of the table, ``close:WITHIN`` accepts floats that differ by at most WITHIN.
    """
    oracle = oracle_of(name)
    if oracle is None or verdict.status != "fail:wrong":
        return verdict
    cases = tuple(_judge_case(oracle, t, c) for t, c in zip(tests, verdict.cases, strict=True))
    failed = next((c for c in cases if c.status != "pass"), None)
    return replace(verdict, cases=cases, status=failed.status if failed else "pass")


def _judge_case(oracle: Oracle, test: str, case: CaseVerdict) -> CaseVerdict:
    if case.status != "fail:wrong":
        return case
    call = parse_test(test)
    if isinstance(call.expected, Check):  # the check itself decides
        return case
    try:
        right = oracle(call.arguments, call.expected, parse_value(case.actual))
    except (NotLiteral, TypeError, ValueError, ArithmeticError):
        return case
    return replace(case, status="pass") if right else case
