"""Calls in docstrings."""

import pytest

from glotsmith.suites.doctests import doctest_calls
from glotsmith.suites.parameters import (
    positional_parameters,
)

DOCTESTS = {
    ">>> f(1, 2)\n3": [(1, 2)],
    ">>> list(f([1], 'x'))\n[]": [([1], "x")],
    ">>> f(2, b=3) == 5\nTrue": [(2, 3)],
    ">>> xs = [1, 2]\n>>> f(xs, 0)\n1": [([1, 2], 0)],
    ">>> xs = [1]\n>>> xs = make()\n>>> f(xs, 0)": [],
    ">>> f(range(3), set([1]))\n1": [([0, 1, 2], {1})],
    ">>> m.f(f(1, 2), 3)\n3": [(1, 2)],
    ">>> f(1, 2); f(1, 2)": [(1, 2)],
    ">>> f(x, 2)": [],
    ">>> f(*xs)": [],
    ">>> f(lambda: 0, 1)": [],
    ">>> g(1, 2)": [],
    ">>> f(1,": [],
    "f(1, 2)": [],
}


@pytest.mark.parametrize("text", DOCTESTS)
def test_doctests(function, text):
    indented = text.replace("\n", "\n    ")
    item = function(f'def f(a, b):\n    """Do.\n\n    {indented}\n    """\n    return a')
    assert doctest_calls(item, positional_parameters(item)) == DOCTESTS[text]
