"""Tests: asserts that are parsed, rendered or refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from value_strategies import anything

from glotsmith import values
from glotsmith.values import Check, NotLiteral


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("assert f([1, -2], 1) == 3", ("f", ([1, -2], 1), 3)),
        ("assert 3 == f(1)", ("f", (1,), 3)),
        ("assert f(1) is None", ("f", (1,), None)),
        ("assert f('a'), 'message'", ("f", ("a",), Check("returned"))),
        ("assert not f('a')", ("f", ("a",), Check("not returned"))),
        ("assert set() == f([])", ("f", ([],), set())),
        ("assert float('inf') == f(1)", ("f", (1,), math.inf)),
        ("assert f(2 ** 10, 'a' * 3) == [0] * 3, 'why'", ("f", (1024, "aaa"), [0, 0, 0])),
        ("assert f(set([1, 2])) == tuple(sorted([2, 1]))", ("f", ({1, 2},), (1, 2))),
        ("assert sorted(f([3, 1])) == [1, 3]", ("f", ([3, 1],), Check("sorted(returned) == [1, 3]"))),
        ("assert f(7) > 7", ("f", (7,), Check("returned > 7"))),
        ("assert 1 <= f(7) <= 7", ("f", (7,), Check("1 <= returned <= 7"))),
        ("assert f(1) != 2", ("f", (1,), Check("returned != 2"))),
        ("assert f(1) == pytest.approx(2.0)", ("f", (1,), Check("returned == pytest.approx(2.0)"))),
        ("assert sum([1, 2]) == 3", ("sum", ([1, 2],), 3)),
        ("assert f(float('-inf'), set()) == {1: (2,)}", ("f", (-math.inf, set()), {1: (2,)})),
    ],
)
def test_asserts_over_literals_are_read(text: str, expected: tuple[object, ...]) -> None:
    call = values.parse_test(text)
    assert (call.function, call.arguments, call.expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "assert f(x) == 1",
        "assert f(1) == f(2)",
        "assert f(f(1)) == 2",
        "assert f(1) == g(2)",
        "assert f(1) == 'a' * 10**12",
        "assert f(1) == sum(range(10**12))",
        "assert f(1) in (lambda: [1])()",
        "assert f(1).__class__ == int",
        "assert '%d' % 3",
        "assert isinstance(f(1), Exception)",
        "assert f(k=1) == 1",
        "assert f(*[1]) == 1",
        "assert f(g(1)) == 1",
        "assert f.g(1) == 1",
        "f(1) == 1",
        "assert f(1) == 1; import os",
        "assert f(__import__('os').system('true')) == 0",
        "assert f({[]: 1}) == 1",
        "assert f(" + "[" * 500 + "]" * 500 + ") == 1",
        "assert f(1 ==",
        "assert f(float('x')) == 1",
        f"assert f(0x{'F' * 90_000}) == 1",
        f"assert f(1) == -0x{'F' * 90_000}",
        f"assert f(g(0x{'F' * 90_000})) == 1",
        "",
        "\0",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NotLiteral):
        values.parse_test(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "assert f(1) == f(2)",
            "the test calls f with different arguments; write a test for each call: assert f(1) == f(2)",
        ),
        ("assert f(1) == g(2)", "the test calls several functions: f, g: assert f(1) == g(2)"),
        ("assert f(1).sort() == 2", "returned.sort() cannot be evaluated outside Python: assert"),
        ("assert len(f(1)) == 1 / 0", "1 / 0 has no value (ZeroDivisionError): assert len(f(1)) == 1 / 0"),
    ],
)
def test_a_refusal_quotes_the_test(text: str, reason: str) -> None:
    with pytest.raises(NotLiteral) as error:
        values.parse_test(text)
    assert str(error.value).startswith(reason)


def test_the_function_is_the_named_one() -> None:
    call = values.parse_test("assert len(sorted([2, 1])) == 2", "sorted")
    assert (call.function, call.arguments, call.expected) == ("sorted", ([2, 1],), Check("len(returned) == 2"))


def test_a_check_says_nothing_of_a_type() -> None:
    calls = [values.parse_test("assert f(1) > 7"), values.parse_test("assert f(1) == 7")]
    assert str(values.infer_signature("f", ["x"], calls)) == "def f(x: int) -> int"
    assert str(values.infer_signature("f", ["x"], calls[:1])) == "def f(x: int)"


@given(st.lists(anything, max_size=3), anything)
def test_a_test_written_and_read_is_the_same(arguments: list[object], expected: object) -> None:
    text = values.render_test(values.Call("f", tuple(arguments), expected))
    assert values.render_test(values.parse_test(text)) == text
