import pytest

from glotsmith.records import Function, Origin
from glotsmith.suites.clock import find_clock_read


def function(code: str, helpers: str = "") -> Function:
    return Function(id="f", name="f", code=code, helpers=helpers, origin=Origin(source="s", path="m.py"))


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("def f(x):\n    return datetime.datetime.now().year + x", "datetime.datetime.now"),
        ("def f(x=None):\n    return time.gmtime() if x is None else time.gmtime(x)", "time.gmtime()"),
        ("def f(x):\n    return time.time() - x", "time.time"),
        ("def f(x):\n    return date.today() > x", "date.today"),
        ("def f(x):\n    return perf.perf_counter()", "perf.perf_counter"),
        ("def f(x):\n    return time.gmtime(x)", ""),
        ("def f(x):\n    return x.time", ""),
        ("def f(now):\n    return now + 1", ""),
        ("def f(x:", ""),
    ],
)
def test_what_reads_the_clock(code: str, read: str) -> None:
    assert find_clock_read(function(code)) == read


def test_helpers_count_too() -> None:
    assert find_clock_read(function("def f(x):\n    return g() + x", "def g():\n    return time.time()")) == "time.time"
