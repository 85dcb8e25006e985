import pytest

from glotsmith.languages import get_card
from glotsmith.values import Value
from glotsmith.verification.compare import ComparisonRules
from glotsmith.verification.json_results import NOT_JSON, judge_json

RULES = ComparisonRules(get_card("bash").equality, 1e-6, 1e-13)


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [
        ("3\n", 3),
        ("  3.0 ", 3),
        ("3e0", 3.0),
        ("3", 3.0),
        ("0.30000000000000004", 0.3),
        ("0.3000001", 0.3),
        ("null", None),
        ("true", True),
        ('"a\tb"', "a\tb"),
        ('"\\u00e9"', "é"),
        ("[1,\n 2]", [1, 2]),
        ("[1, 2]", (1, 2)),
        ("[2, 1]", {1, 2}),
        ("[]", set()),
        ('[["a"], []]', [{"a"}, set()]),
        ('{"b": 1, "a": [null]}', {"a": [None], "b": 1}),
        ('{"1": 2}', {1: 2}),
        ("{}", {}),
        ("1" * 400, int("1" * 400)),
    ],
)
def test_a_value_passes_whatever_its_text(stdout: str, expected: Value) -> None:
    assert judge_json(stdout, expected, RULES).status == "pass"


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [
        ("4", 3),
        ("3.0000000001", 3),
        ("0.31", 0.3),
        ("NaN", 0.3),
        ("Infinity", 1e308),
        ("1", True),
        ("true", 1),
        ('"3"', 3),
        ("3", "3"),
        ("null", False),
        ("false", None),
        ("[]", None),
        ("{}", []),
        ("[]", {}),
        ('"A"', "a"),
        ("[2, 1]", [1, 2]),
        ("[1, 1]", {1}),
        ("[1]", {1, 2}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        ('{"a": 1}', {"a": 1, "b": 2}),
        ('{"01": 2}', {1: 2}),
        ('{"f": "1.5"}', 1.5),
        ('{"s": [1]}', {1}),
        ('{"t": [1]}', (1,)),
        ('{"m": [["a", 1]]}', {"a": 1}),
        ('{"x": "y"}', "y"),
    ],
)
def test_another_value_fails(stdout: str, expected: Value) -> None:
    found = judge_json(stdout, expected, RULES)
    assert (found.status, NOT_JSON in found.actual) == ("fail:wrong", False)


@pytest.mark.parametrize("stdout", ["", "\n", "a", "'a'", "1 1", "1\n2", "[1,]", "01", "True", "[" * 100_000, '"a'])
def test_what_is_not_one_json_value_fails_with_its_text(stdout: str) -> None:
    found = judge_json(stdout, 1, RULES)
    assert found.status == "fail:wrong"
    assert found.actual.startswith(f"{NOT_JSON}: {stdout[:20]!r}"[:30])
