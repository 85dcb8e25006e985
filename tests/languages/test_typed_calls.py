"""Suites in which two tests are one call of a language, and want different results."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glotsmith.languages import Unrepresentable, get_card, language_names
from glotsmith.languages.card import Equality
from glotsmith.languages.compatible_values import Tolerance, ValueCompatibility
from glotsmith.languages.typed_calls import apply_signature, parse_suite
from glotsmith.values import NotLiteral, Value
from glotsmith.verification.compare import ComparisonRules, matches_expected

TYPED = tuple(n for n in language_names() if get_card(n).values.widen)
ONE_NUMBER = ("javascript", "perl", "r", "typescript")
FULL = tuple(n for n in language_names() if get_card(n).level == "full")


def contradicts(language: str, tests: tuple[str, str], signature: str = "") -> bool:
    calls, declared = parse_suite([f"assert {t}" for t in tests], signature)
    try:
        apply_signature(get_card(language), calls, declared)
    except Unrepresentable as error:
        assert "contradict" in str(error), error
        return True
    return False


ANY_INT = ("any_int(3, 4, 7) == True", "any_int(3.0, 4, 7) == False")
DECLARED = "def any_int(x: float, y: float, z: float) -> bool"


@pytest.mark.parametrize("language", [*TYPED, *ONE_NUMBER])
def test_an_int_and_a_float_are_one_call_where_they_are_one_type(language: str) -> None:
    assert contradicts(language, ANY_INT)


@pytest.mark.parametrize("language", FULL)
def test_an_int_and_a_float_are_one_call_where_the_signature_says_float(language: str) -> None:
    assert contradicts(language, ANY_INT, DECLARED)


@pytest.mark.parametrize("language", ["elixir", "lua", "php", "python", "racket", "ruby"])
@pytest.mark.parametrize("signature", ["", "def any_int(x: int | float, y: int, z: int) -> bool"])
def test_an_int_and_a_float_are_two_calls_where_a_program_can_tell(language: str, signature: str) -> None:
    assert not contradicts(language, ANY_INT, signature)


@pytest.mark.parametrize(
    ("languages", "tests"),
    [
        ("lua ruby racket javascript typescript perl php commonlisp", ("f([1, 2]) == 1", "f((1, 2)) == 2")),
        ("racket commonlisp", ("f(None) == 1", "f(False) == 2")),
        ("racket commonlisp", ("f([None]) == 1", "f([False]) == 2")),
        ("lua php", ("f([]) == 'a'", "f({}) == 'b'")),
        ("lua", ("f({'a': [], 'b': 1}) == 'a'", "f({'a': {}, 'b': 1}) == 'b'")),
        ("lua", ("f(['a', 'b']) == 1", "f({1: 'a', 2: 'b'}) == 2")),
        ("lua", ("f({1: 'a', 3: 'b'}) == 1", "f({1.0: 'a', 3: 'b'}) == 2")),
        ("php", ("f(['a', 'b']) == 1", "f({0: 'a', 1: 'b'}) == 2")),
        ("php javascript typescript perl r", ("f({1: 'a', 3: 'b'}) == 1", "f({'1': 'a', '3': 'b'}) == 2")),
        ("r", ("f([1]) == 1", "f(1) == 2")),
        ("r", ("f([[1], 'a']) == 1", "f([1, 'a']) == 2")),
        ("r commonlisp", ("f([]) == 1", "f(None) == 2")),
        ("r javascript", ("f([1, 2]) == 1", "f([1.0, 2.0]) == 2")),
        ("perl", ("f(1) == 'int'", "f(True) == 'bool'")),
        (" ".join(FULL), ("f(1) == 1", "f(1) == 2")),
        ("python ruby racket", ("f(float('nan')) == 1", "f(float('nan')) == 2")),
        ("python rust", ("f({1, 2}) == 1", "f({2, 1}) == 2")),
        ("python racket", ("f(1) == 3", "f(1) == 3.5")),
        ("rust java go", ("f([1, 2]) == 1", "f([1.0, 2]) == 2")),
    ],
)
def test_tests_that_contradict_each_other(languages: str, tests: tuple[str, str]) -> None:
    assert [n for n in languages.split() if not contradicts(n, tests)] == []


@pytest.mark.parametrize(
    ("languages", "tests"),
    [
        ("python julia", ("f([1, 2]) == 1", "f((1, 2)) == 2")),
        ("python lua ruby javascript", ("f(None) == 1", "f(False) == 2")),
        ("python racket ruby javascript", ("f(1) == 1", "f(True) == 2")),
        ("python racket ruby javascript", ("f(0) == 1", "f(False) == 2")),
        ("python lua php ruby", ("f('1') == 1", "f(1) == 2")),
        ("python lua racket r", ("f('') == 1", "f(None) == 2")),
        (" ".join(FULL), ("f(0.0) == 1", "f(-0.0) == 2")),
        ("python ruby racket", ("f([]) == 1", "f({}) == 2")),
        ("r", ("f([[1], [2]]) == 1", "f([1, 2]) == 2")),
        ("lua", ("f({2: 'a', 3: 'b'}) == 1", "f(['a', 'b']) == 2")),
        ("python", ("f(2**1) == 1".replace("2**1", "9007199254740993"), "f(9007199254740992) == 2")),
        (" ".join(FULL), ("f(1) == 2", "f(2) == 3")),
    ],
)
def test_tests_that_a_program_can_tell_apart(languages: str, tests: tuple[str, str]) -> None:
    assert [n for n in languages.split() if contradicts(n, tests)] == []


@pytest.mark.parametrize(
    ("languages", "tests"),
    [
        (" ".join(FULL), ("f(1) == 2", "f(1) == 2")),
        ("lua javascript r", ("f([1]) == [2]", "f((1,)) == (2,)")),
        ("javascript r rust", ("f(3) == 0.3", "f(3.0) == 0.30000000000000004")),
        ("javascript perl", ("f(3) == 7", "f(3.0) == 7.0")),
        ("racket", ("f(None) == None", "f(False) == False")),
        ("lua", ("f([]) == []", "f({}) == {}")),
        ("lua", ("f([1]) == ['a', 'b']", "f((1,)) == {1: 'a', 2: 'b'}")),
        ("r", ("f([1]) == [True]", "f(1) == True")),
        ("r", ("f([1]) == ['a']", "f(1) == 'a'")),
        ("python", ("f(1) == float('nan')", "f(1) == float('nan')")),
        ("perl", ("f([1]) == True", "f((1,)) == 1")),
        ("perl", ("f([1]) == False", "f((1,)) == ''")),
        ("javascript", ("f([1]) == {1: 'a'}", "f((1,)) == {'1': 'a'}")),
    ],
)
def test_one_call_with_expectations_that_are_alike(languages: str, tests: tuple[str, str]) -> None:
    assert [n for n in languages.split() if contradicts(n, tests)] == []


def test_the_tolerance_decides_what_is_alike() -> None:
    calls, declared = parse_suite(["assert f(1) == 1.0", "assert f(1) == 1.01"], "")
    assert apply_signature(get_card("python"), calls, declared, Tolerance(0.1))
    with pytest.raises(Unrepresentable, match=r"f\(1\) twice, must return 1.0 and 1.01"):
        apply_signature(get_card("python"), calls, declared)


@pytest.mark.parametrize("tests", [(), ("assert f(1) == 1", "assert f(1, 2) == 1")])
def test_a_suite_that_can_not_be_read(tests: tuple[str, ...]) -> None:
    with pytest.raises(NotLiteral):
        parse_suite(tests, "")


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 2.5, math.nan])
    | st.text("ab1", max_size=1)
)
keys = st.integers(0, 3) | st.text("ab1", max_size=1)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=2).map(tuple) | st.dictionaries(keys, inner, max_size=2)
    ),
    max_leaves=5,
)


def wire(value: Value, e: Equality) -> Value:
    """Return what a program prints that returns the expected value itself."""
    match value:
        case bool() | None | str() | int():
            return value
        case float():
            return {"f": repr(value)}
        case list():
            return [wire(x, e) for x in value]
        case tuple():
            return [wire(x, e) for x in value] if e.list_is_tuple else {"t": [wire(x, e) for x in value]}
        case _:
            return {"m": [[str(k) if e.keys_are_text else k, wire(v, e)] for k, v in value.items()]}


@pytest.mark.parametrize("language", [n for n in FULL if n != "r"])
@given(anything, anything)
def test_what_one_result_satisfies_is_alike(language: str, a: Value, b: Value) -> None:
    """By the comparison itself: a result that is right for one value and accepted for the other."""
    e = get_card(language).equality
    how = ComparisonRules(e, *Tolerance())
    if any(matches_expected(x, wire(y, e), how) for x, y in ((a, b), (b, a))):
        assert ValueCompatibility(e).are_compatible(a, b)


@pytest.mark.parametrize("language", FULL)
@given(anything, anything)
def test_alike_is_reflexive_and_symmetric(language: str, a: Value, b: Value) -> None:
    likeness = ValueCompatibility(get_card(language).equality)
    assert likeness.are_compatible(a, a)
    assert likeness.are_compatible(a, b) == likeness.are_compatible(b, a)
