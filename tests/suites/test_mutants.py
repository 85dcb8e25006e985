"""Mutants of functions."""

import ast

import pytest

from glotsmith.suites.mutants import make_mutants
from glotsmith.suites.parameters import parse_definition

MUTATED = {
    "if x < 0:\n        return 1\n    return 2": {"x <= 0", "not x < 0", "return None", "x < 1"},
    "return x[1:n] and not x": {"x[:n]", "x[1:]", "or not x", "not not x"},
    "y = x + 1\n    y -= 2\n    return y": {"x - 1", "y += 2", "pass", "y -= 3"},
    "for i in x:\n        if i in n:\n            break\n    return -i": {"continue", "not in n", "+i"},
}


@pytest.mark.parametrize("body", MUTATED)
def test_mutants(function, body):
    item = function(f'def f(x, n=3):\n    """Doc < 5."""\n    {body}')
    found = make_mutants(item, 100)
    assert all(any(part in code for code in found) for part in MUTATED[body])
    original = ast.unparse(ast.parse(item.code))
    assert len(set(found)) == len(found) and original not in found
    assert all("n=3" in code and "Doc < 5." in code for code in found)
    assert make_mutants(item, 2) == found[:2]
    assert ast.unparse(parse_definition(item)) == original  # all callers share this tree
