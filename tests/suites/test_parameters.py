"""Parameters of functions: binding of arguments, and what is unsupported."""

import pytest

from glotsmith.suites.parameters import (
    UnsupportedParameters,
    bind_arguments,
    passable_parameters,
    positional_parameters,
    required_arity,
)

ABC = "def f(a, b=2, c=None, d=len):\n    return a"


BOUND = [
    ((1,), {}, (1, 2, None)),
    ((1, 5), {}, (1, 5, None)),
    ((1,), {"c": 7}, (1, 2, 7)),
    ((), {"a": 0}, (0, 2, None)),
    ((1, 2, 3, 4), {}, (1, 2, 3, 4)),
    ((), {}, None),
    ((1, 2, 3, 4, 5), {}, None),
    ((1,), {"a": 2}, None),
    ((1,), {"z": 2}, None),
]


@pytest.mark.parametrize(("arguments", "keywords", "expected"), BOUND)
def test_bind(function, arguments, keywords, expected):
    assert bind_arguments(positional_parameters(function(ABC)), arguments, keywords) == expected


def test_passable_and_trim(function):
    parameters = passable_parameters(positional_parameters(function(ABC)))
    assert [p.name for p in parameters] == ["a", "b", "c"]
    assert required_arity(parameters, [(1, 2, None), (5, 2, None)]) == 1
    assert required_arity(parameters, [(1, 3, None), (5, 2, None)]) == 2
    assert required_arity(parameters, [(1, 2, None), (5, 2, 0)]) == 3
    assert required_arity(parameters, [(1, True, None), (1, 2, None)]) == 2


@pytest.mark.parametrize("code", ["def f():\n    pass", "def f(*xs):\n    return xs", "def f(x, *, k):\n    return k"])
def test_unsupported(function, code):
    with pytest.raises(UnsupportedParameters):
        positional_parameters(function(code))
