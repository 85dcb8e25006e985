"""Describe how a program failed its suite, and find suites that prove nothing."""

from collections.abc import Sequence

from glotsmith.drop_reasons import Reason
from glotsmith.records import Verdict
from glotsmith.values import NotLiteral, literal, parse_test

_SHOWN = 300  #: characters of stderr in a description


def describe_failure(tests: Sequence[str], verdict: Verdict) -> str:
    """Return one line with the verdict's status and the first failing test with its result; "" for a pass."""
    if verdict.passed:
        return ""
    for test, case in zip(tests, verdict.cases, strict=False):
        if case.status != "pass":
            return f"{verdict.status}: {test}; got {case.actual or verdict.detail or verdict.stderr[-_SHOWN:]}"
    return f"{verdict.status}: {verdict.detail or verdict.stderr[-_SHOWN:]}"


def find_suite_flaw(tests: Sequence[str], min_cases: int) -> tuple[Reason, str] | None:
    """Return why a pass of this suite proves nothing, as a drop reason with its detail; None for a usable suite.

    A function that always returns the same value passes a suite that expects only one value.
    """
    try:
        expected = {literal(parse_test(test).expected) for test in tests}
    except NotLiteral as error:
        return Reason.NO_TESTS, str(error)
    if len(set(tests)) < min_cases:
        return Reason.TOO_FEW_CASES, f"{len(set(tests))}, and {min_cases} are required"
    return (Reason.ONE_EXPECTED_VALUE, next(iter(expected))) if len(expected) == 1 else None
