"""Values of each type."""

from random import Random

import pytest

from glotsmith.suites.inputs import mutate_calls
from glotsmith.suites.value_pools import collect_constants, value_pool
from glotsmith.values import literal, parse_type, type_of, unite

TYPES = [
    "int", "float", "str", "bool", "None", "list[int]", "list[list[int]]", "dict[str, list[int]]", "set[str]",
    "dict[int, list[int]]", "tuple[int, str]", "tuple[int, ...]", "int | None",
    "list[tuple[str, float]]", "dict[float, set[int]]",
]  # fmt: skip


@pytest.mark.parametrize("text", TYPES)
def test_pools_hold_their_type(function, text):
    kind, constants = parse_type(text), collect_constants(function("def f(x):\n    return x == 'zebra' or x == 4711"))
    values = value_pool(kind, constants, Random(1))
    assert values and all(unite(type_of(v), kind) in (kind, parse_type("float")) for v in values)
    assert [literal(v) for v in values] == [literal(v) for v in value_pool(kind, constants, Random(1))]
    for v in mutate_calls([(v,) for v in values], constants, Random(2), 50):
        assert unite(type_of(v[0]), kind) in (kind, parse_type("float"))
