"""Values that are converted to declared types."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from value_strategies import anything

from glotsmith import values

DECLARED = [
    ("7", "float", "7.0"),
    ("-3", "float", "-3.0"),
    ("(7, 9)", "Optional[tuple[float, float]]", "(7.0, 9.0)"),
    ("[1, 2.5]", "list[float]", "[1.0, 2.5]"),
    ("[[1], []]", "list[list[float]]", "[[1.0], []]"),
    ("(1, 2, 3)", "tuple[float, ...]", "(1.0, 2.0, 3.0)"),
    ("(1, 'a', 3)", "tuple[int, str, float]", "(1, 'a', 3.0)"),
    ("{1: 2}", "dict[float, int]", "{1.0: 2}"),
    ("{1: [2]}", "dict[int, list[float]]", "{1: [2.0]}"),
    ("{'a': None, 'b': 2}", "dict[str, float | None]", "{'a': None, 'b': 2.0}"),
    ("{1, 2}", "set[float]", "{1.0, 2.0}"),
    ("[(1, [2])]", "list[tuple[int, list[float | None]]]", "[(1, [2.0])]"),
    ("(1, 2)", "list[float]", "(1.0, 2.0)"),
    ("9007199254740993", "float", "9007199254740992.0"),
    ("None", "float | None", "None"),
]


KEPT = [
    ("7", "int"),
    ("7.0", "int"),
    ("True", "float"),
    ("[True, 'a', None]", "list[float]"),
    ("7", "Any"),
    ("7", "object"),
    ("[7]", "list"),
    ("7", "str"),
    ("7", "list[float]"),
    ("[7]", "float"),
    ("(1, 2, 3)", "tuple[float, float]"),
    ("{'a': 1}", "list[float]"),
    ("1" + "0" * 400, "float"),
    ("{9007199254740992, 9007199254740993}", "set[float]"),
    ("{9007199254740992: 1, 9007199254740993: 2}", "dict[float, str]"),
]


@pytest.mark.parametrize(("text", "kind", "expected"), [*DECLARED, *((text, kind, text) for text, kind in KEPT)])
def test_an_int_where_a_float_is_declared_is_a_float(text: str, kind: str, expected: str) -> None:
    value = values.coerce_value(values.parse_value(text), values.parse_type(kind))
    assert values.literal(value) == values.literal(values.parse_value(expected))


@given(anything)
def test_a_value_of_its_own_type_is_converted_once(value: object) -> None:
    made = values.coerce_value(value, values.type_of(value))
    assert values.literal(values.coerce_value(made, values.type_of(value))) == values.literal(made)


nested_ints = st.recursive(
    st.integers(-1000, 1000), lambda inner: st.lists(inner) | st.lists(inner).map(tuple), max_leaves=9
)


@given(nested_ints)
def test_ints_become_floats_that_equal_them(value: object) -> None:
    kind = values.parse_type(re.sub(r"\bint\b", "float", str(values.type_of(value))))
    made = values.coerce_value(value, kind)
    assert made == value
    assert "int" not in str(values.type_of(made)) or "object" in str(kind)
