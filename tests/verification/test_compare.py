import json
import math

import pytest

from glotsmith.languages import get_card
from glotsmith.languages.card import Equality
from glotsmith.records import ABSOLUTE_TOLERANCE
from glotsmith.verification.compare import ComparisonRules, matches_expected

PYTHON, LUA = ComparisonRules(get_card("python").equality), ComparisonRules(get_card("lua").equality)


@pytest.mark.parametrize(
    ("expected", "wire"),
    [
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (10**30, str(10**30)),
        (1.5, '{"f":"1.5"}'),
        (1.0, '{"f":"1.0000009"}'),
        (math.nan, '{"f":"nan"}'),
        (math.inf, '{"f":"inf"}'),
        (0.0, '{"f":"-0.0"}'),
        ("é\n\U0001f600", json.dumps("é\n\U0001f600")),
        ([1, [2]], "[1,[2]]"),
        ((1, (2,)), '{"t":[1,{"t":[2]}]}'),
        ({"a": [1], "b": []}, '{"m":[["b",[]],["a",[1]]]}'),
        ({1, 2}, '{"s":[2,1]}'),
        (set(), '{"s":[]}'),
        ({(1, 2): 3}, '{"m":[[{"t":[1,2]},3]]}'),
    ],
)
def test_what_is_equal(expected: object, wire: str) -> None:
    assert matches_expected(expected, json.loads(wire), PYTHON)


@pytest.mark.parametrize(
    ("expected", "wire"),
    [
        (None, "false"),
        (None, "[]"),
        (None, '{"x":"NA"}'),
        (True, "1"),
        (1, "true"),
        (0, "false"),
        (5, "6"),
        (5, '"5"'),
        (2**53 + 1, '{"f":"9007199254740992"}'),
        (1.0, '{"f":"1.00001"}'),
        (1.5, '{"f":"nan"}'),
        (1.5, '{"f":"inf"}'),
        (math.nan, '{"f":"0"}'),
        (math.inf, '{"f":"-inf"}'),
        (math.inf, '{"f":"1e308"}'),
        (0.0, '{"f":"1e-300"}'),
        ("5", "5"),
        ("a", '{"x":"symbol"}'),
        ("", "[]"),
        ([1, 2], "[2,1]"),
        ([1], "[1,1]"),
        ([1], '{"t":[1]}'),
        ((1,), "[1]"),
        ({"a": 1}, '{"m":[["a",1],["a",1]]}'),
        ({"a": 1, "b": 2}, '{"m":[["a",1],["a",1]]}'),
        ({"a": 1}, '{"m":[["a",2]]}'),
        ({1: 2}, '{"m":[["1",2]]}'),
        ({1, 2}, '{"s":[1,1]}'),
        ([], "null"),
        ({}, "[]"),
        ([], '{"m":[]}'),
        (1.5, '{"f":5}'),
        (1.5, '{"f":"one"}'),
        ([1], '{"f":"1","t":[]}'),
    ],
)
def test_what_is_not(expected: object, wire: str) -> None:
    assert not matches_expected(expected, json.loads(wire), PYTHON)


@pytest.mark.parametrize(
    ("expected", "wire", "same"),
    [
        ((1, 2), "[1,2]", True),
        ({1: "a", 2: "b"}, '["a","b"]', True),
        ({2: "a", 1: "b"}, '["a","b"]', False),
        ({}, "[]", True),
        ((), "[]", True),
        ([], "null", False),
        (3, '{"f":"3.0"}', True),
        (3.0, "3", True),
        (3, '{"f":"3.5"}', False),
        ({"a": 1}, "[1]", False),
    ],
)
def test_a_lua_table_is_list_tuple_and_dict(expected: object, wire: str, same: bool) -> None:
    assert matches_expected(expected, json.loads(wire), LUA) is same


@pytest.mark.parametrize(
    ("expected", "wire", "same"),
    [
        (True, "1", True),
        (True, '{"f":"1.0"}', True),
        (True, "true", True),
        (True, "2", False),
        (True, '"1"', False),
        (False, "0", True),
        (False, '""', True),
        (False, '"0"', False),
        (False, "null", False),
        (False, "[]", False),
        (1, "true", True),
        (0, "false", True),
        (2, "true", False),
        ("", "false", False),
        (None, "false", False),
    ],
)
def test_bools_may_be_numbers(expected: object, wire: str, same: bool) -> None:
    assert matches_expected(expected, json.loads(wire), ComparisonRules(Equality(bool_is_number=True))) is same


@pytest.mark.parametrize(
    ("expected", "wire", "same"),
    [
        ({0: "a", 1: "b"}, '["a","b"]', True),
        ({"0": "a", "1": "b"}, '["a","b"]', True),
        ({1: "a", 2: "b"}, '["a","b"]', False),
        ({1: "a", 2: "b"}, '{"m":[["1","a"],["2","b"]]}', True),
        (["a", "b"], '{"m":[["0","a"],["1","b"]]}', False),
    ],
)
def test_lists_may_be_maps_from_0_with_keys_as_text(expected: object, wire: str, same: bool) -> None:
    equality = Equality(map_from_list=True, first_key=0, keys_are_text=True)
    assert matches_expected(expected, json.loads(wire), ComparisonRules(equality)) is same


def test_tolerance_can_be_set() -> None:
    wire = json.loads('{"f":"1.01"}')
    assert matches_expected(1.0, wire, ComparisonRules(get_card("python").equality, tolerance=0.02))
    assert not matches_expected(1.0, wire, PYTHON)


@pytest.mark.parametrize(
    ("expected", "actual", "absolute", "same"),
    [
        (5.551115123125783e-17, 2.7755575615628914e-17, ABSOLUTE_TOLERANCE, True),
        (0.0, 2.7755575615628914e-17, ABSOLUTE_TOLERANCE, True),
        (1.2246467991473532e-16, 0.0, ABSOLUTE_TOLERANCE, True),
        (3.552713678800501e-15, 0.0, ABSOLUTE_TOLERANCE, True),
        (0.0, 5.684341886080802e-14, ABSOLUTE_TOLERANCE, True),
        (0.0, -1e-15, ABSOLUTE_TOLERANCE, True),
        (0.0, 1e-300, ABSOLUTE_TOLERANCE, True),
        (0.0, 1e-300, 0.0, False),
        (5.551115123125783e-17, 2.7755575615628914e-17, 0.0, False),
        (0.0, 1e-12, ABSOLUTE_TOLERANCE, False),
        (1e-12, 2e-12, ABSOLUTE_TOLERANCE, False),
        (1e-9, 1.1e-9, ABSOLUTE_TOLERANCE, False),
        (1e-6, 0.0, ABSOLUTE_TOLERANCE, False),
        (1.0, 1.00001, ABSOLUTE_TOLERANCE, False),
        (1.0, 1.00001, 0.001, True),
        (0, 1e-17, ABSOLUTE_TOLERANCE, False),
        (0, 0.0, ABSOLUTE_TOLERANCE, True),
        (math.inf, 1e308, 1e300, False),
        (math.nan, 0.0, 1e300, False),
    ],
)
def test_an_absolute_tolerance_decides_near_zero(expected: float, actual: float, absolute: float, same: bool) -> None:
    how = ComparisonRules(get_card("python").equality, absolute=absolute)
    assert matches_expected(expected, {"f": repr(actual)}, how) is same
    assert matches_expected([expected], [{"f": repr(actual)}], how) is same


def test_deep_nesting_is_unequal_and_no_crash() -> None:
    wire: object = 1
    for _ in range(100_000):
        wire = [wire]
    assert not matches_expected([1], wire, PYTHON)
