"""Lines in blocks that always raise."""

import pytest

from glotsmith.suites.parameters import (
    body_lines,
)
from glotsmith.suites.raising import raising_lines

RAISING = {
    "if x:\n        raise E\n    return 1": {3},
    "if x:\n        m = 1\n        raise E(m)\n    return 1": {3, 4},
    "if x:\n        return 1\n    raise E": set(),
    "if x:\n        return 1\n    else:\n        raise E": {5},
    "for i in x:\n        if i:\n            raise A\n        raise B\n    return 1": {3, 4, 5},
    "try:\n        raise E\n    except E:\n        return 1": set(),
    "try:\n        return x[0]\n    except E:\n        raise F": {5},
    "if x:\n        if y:\n            return 1\n        raise E\n    return 2": set(),
    "raise E": {2},
}


@pytest.mark.parametrize("body", RAISING)
def test_raising_lines(function, body):
    assert raising_lines(function(f"def f(x):\n    {body}")) == RAISING[body]
    helped = function(f"def f(x):\n    {body}", "K = 1")
    assert raising_lines(helped) == {n + 3 for n in RAISING[body]}
    assert body_lines(helped)[0] == 4
