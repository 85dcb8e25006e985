"""Types that hints suggest for parameters."""

import pytest

from glotsmith.suites.parameters import (
    positional_parameters,
)
from glotsmith.suites.type_weights import rank_types

HINTS = {
    "def f(v: 'dict[str, int]'):\n    return v": "dict[str, int]",
    "def f(v: list):\n    return v": "list[int]",
    "def f(v='a'):\n    return v": "str",
    "def f(v):\n    return v.split(',')": "str",
    "def f(v):\n    return v % 2 == 0": "int",
    "def f(v):\n    return v[0][1] + v[1][0]": "list[list[int]]",
    "def f(v):\n    return {k for k, x in v.items()}": "dict[str, int]",
    "def f(v):\n    return ' '.join(v)": "list[str]",
    "def f(v):\n    return [a + b for a, b in v]": "list[tuple[int, int]]",
    "def f(v):\n    return sum(w.strip() == '' for w in v)": "list[str]",
    "def f(words):\n    return words": "list[str]",
    "def f(matrix):\n    return matrix": "list[list[int]]",
    'def f(v):\n    """Do.\n\n    :type v: list of strings\n    """\n    return v': "list[str]",
}


@pytest.mark.parametrize("code", HINTS)
def test_hints(function, code):
    item = function(code)
    assert str(rank_types(item, positional_parameters(item)[0])[0][0]) == HINTS[code]
