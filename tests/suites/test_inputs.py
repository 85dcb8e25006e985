"""Generated calls."""

from random import Random

import pytest

from glotsmith.suites.inputs import generate_calls, has_exact_integers, heaviest_combinations
from glotsmith.suites.parameters import (
    positional_parameters,
)
from glotsmith.suites.value_pools import collect_constants
from glotsmith.values import INT, literal, parse_type


def test_guesses_come_heaviest_first():
    a, b = parse_type("str"), parse_type("list[int]")
    ranked = [[(INT, 2.0), (a, 1.0)], [(b, 5.0), (INT, 1.5), (a, 0.0)]]
    weights = [w for _, w in heaviest_combinations(ranked, 10)]
    assert weights == sorted(weights, reverse=True) and len(weights) == 6
    assert heaviest_combinations(ranked, 1) == [((INT, b), 7.0)]


def test_mined_constants_are_tried(function):
    item = function('def f(x):\n    """Maybe "quoted".\n    """\n    return x == "zebra" or x == 4711', "K = 'helper'")
    constants = collect_constants(item)
    assert {"zebra", "quoted", "helper"} <= set(constants.strings) and {4710, 4711, 4712} <= set(constants.ints)
    calls = generate_calls([parse_type("str")], positional_parameters(item), constants, Random(0), 40)
    assert ("zebra",) in calls and len({literal(c) for c in calls}) == len(calls) <= 40


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2**53, True), (2**53 + 1, False), ([{"a": -(10**20)}], False), ({1.5: "x"}, True), (True, True)],
)
def test_modest(value, expected):
    assert has_exact_integers(value) is expected
