"""Compare a program's stdout with the expected stdout: one function for each checker that a job can name."""

import math
from collections import Counter
from collections.abc import Callable

from glotsmith.languages.compatible_values import Tolerance
from glotsmith.records import Checker


def equal_text(expected: str, actual: str, tolerance: Tolerance) -> bool:
    """Return whether the texts are equal."""
    return actual == expected


def equal_lines(expected: str, actual: str, tolerance: Tolerance) -> bool:
    """Return whether the lines are equal, without trailing white space and trailing empty lines."""
    return _lines(actual) == _lines(expected)


def equal_tokens(expected: str, actual: str, tolerance: Tolerance) -> bool:
    """Return whether the words between white space are equal."""
    return actual.split() == expected.split()


def equal_numbers(expected: str, actual: str, tolerance: Tolerance) -> bool:
    """Return whether the words are equal, or numbers within the tolerance; nan and infinities equal only themselves.

    The relative tolerance is also used as an absolute one, because printed numbers are rounded.
    """
    wanted, found = expected.split(), actual.split()
    return len(wanted) == len(found) and all(_close(w, f, tolerance) for w, f in zip(wanted, found, strict=True))


def equal_line_multisets(expected: str, actual: str, tolerance: Tolerance) -> bool:
    """Return whether each line occurs as often as expected, in any order."""
    return Counter(_lines(actual)) == Counter(_lines(expected))


CHECKERS: dict[Checker, Callable[[str, str, Tolerance], bool]] = {
    "exact": equal_text,
    "lines": equal_lines,
    "tokens": equal_tokens,
    "numbers": equal_numbers,
    "unordered": equal_line_multisets,
}


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _close(expected: str, actual: str, tolerance: Tolerance) -> bool:
    if expected == actual:
        return True
    try:
        wanted, found = float(expected), float(actual)
    except ValueError:
        return False
    if not (math.isfinite(wanted) and math.isfinite(found)):
        return wanted == found or (math.isnan(wanted) and math.isnan(found))
    return math.isclose(wanted, found, rel_tol=tolerance.relative, abs_tol=max(tolerance))
