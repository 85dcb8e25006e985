"""Literals: values that are written and parsed."""

from hypothesis import given
from value_strategies import anything

from glotsmith import values


@given(anything)
def test_a_value_written_and_read_is_the_same(value: object) -> None:
    text = values.literal(value)
    assert values.literal(values.parse_value(text)) == text
