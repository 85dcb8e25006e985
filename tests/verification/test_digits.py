"""Integers of many digits are arguments and results like all others, in every process that meets them."""

import asyncio
import sys
from collections.abc import Iterator

import pytest

from glotsmith.records import Job
from glotsmith.sandbox import open_sandbox
from glotsmith.values import NotLiteral, literal, parse_value
from glotsmith.values.literals import MAX_DIGITS
from glotsmith.verification import Verifier
from glotsmith.verification.wire_format import parse_wire

LARGE = 10**5000
LAST = 10 ** (MAX_DIGITS - 1)  # the largest power that is read


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    sandbox = open_sandbox(jobs=1)
    yield Verifier(sandbox)
    asyncio.run(sandbox.close())


def status(verifier: Verifier, test: str, code: str) -> str:
    job = Job(id="", language="python", code=code, signature="def f(x)", tests=(test,))
    return asyncio.run(verifier.verify(job)).status


@pytest.mark.parametrize(
    ("test", "code", "wanted"),
    [
        (f"assert f({LARGE}) == 1", "def f(x): return 1 if x == 10 ** 5000 else 0", "pass"),
        (f"assert f(1) == {LARGE}", "def f(x): return 10 ** 5000", "pass"),
        (f"assert f(1) == {LARGE}", "def f(x): return 10 ** 5000 + 1", "fail:wrong"),
        (f"assert f([{LARGE}]) == [{LARGE}]", "def f(x): return list(x)", "pass"),
        (f"assert f({LARGE}) == {-LARGE}", "def f(x): return -x", "pass"),
        (f"assert f(1) == {10**4300}", "def f(x): return int('1' + '0' * 4300)", "pass"),
        ("assert f(5000) == 5001", "def f(x): return len(str(10 ** x))", "pass"),
        ("assert f(1) == 7", f"def f(x): return 10 ** {MAX_DIGITS}", "fail:output"),
    ],
)
def test_a_large_integer_is_judged(verifier: Verifier, test: str, code: str, wanted: str) -> None:
    assert status(verifier, test, code) == wanted


@pytest.mark.parametrize(
    "value", [LARGE, -LARGE, [LARGE, 1], {LARGE: (LARGE,)}, LAST], ids=["value", "negative", "list", "dict", "last"]
)
def test_a_large_integer_is_a_literal(value: object) -> None:
    assert parse_value(literal(value)) == value  # type: ignore[arg-type]


def test_more_digits_are_refused() -> None:
    with pytest.raises(NotLiteral):
        parse_value("1" + "0" * (MAX_DIGITS + 10))
    with pytest.raises(NotLiteral):
        parse_wire("1" + "0" * (MAX_DIGITS + 10))


def test_the_limit_of_this_process_is_no_lower() -> None:
    assert sys.get_int_max_str_digits() in (0, MAX_DIGITS)
