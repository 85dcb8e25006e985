"""The values that R's vectors hold, and the names that R does not distinguish."""

from typing import Any

import pytest

from glotsmith.languages import Unrepresentable, get_card, render
from glotsmith.languages.render import is_vector


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([1, 2], True),
        ([1, 2.5], True),
        (["a"], True),
        ((True, False), True),
        ([], False),
        ([True, 1], False),
        ([1, "a"], False),
        ([1, None], False),
        ([None], False),
        ([[1]], False),
        ([{}], False),
    ],
)
def test_scalars_of_one_type_are_a_vector(items: Any, expected: bool) -> None:
    assert is_vector(items) is expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, -2.5], "c(1, -2.5)"),
        ([1, "a"], 'list(1, "a")'),
        ([[1, 2], [3]], "list(c(1, 2), c(3))"),
        ([], "c()"),
        ({}, "list()"),
        ({1: [None]}, 'list("1" = list(NULL))'),
        ("\u202e", '"\\u202e"'),
    ],
)
def test_r_literals(value: Any, text: str) -> None:
    assert render.render_literal(get_card("r"), value) == text


@pytest.mark.parametrize(
    "value", [{1: 0, "1": 0}, {"": 0}, {True: 0}, {None: 0}, {1.5: 0}, {(1,): 0}, {1}, "\0", 2**53]
)
def test_r_refuses_what_it_cannot_tell_apart(value: Any) -> None:
    with pytest.raises(Unrepresentable):
        render.render_literal(get_card("r"), value)
    with pytest.raises(Unrepresentable):
        render.render_literal(get_card("r"), [[value]])


def test_twins_are_no_matter_elsewhere() -> None:
    assert render.render_literal(get_card("racket"), {1: 0, "1": 0}) == '(hash 1 0 "1" 0)'
