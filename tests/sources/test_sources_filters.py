"""A table of functions, each with the reason for which it is dropped, or none."""

import asyncio
import textwrap
from typing import Any

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.records import Function, Origin
from glotsmith.sources.extract import SourceModule
from glotsmith.sources.filters import PREDICATES, Filter, FilterOptions

GOOD = """
def f(x, y):
    "Add."
    z = x + y
    return z * 2
"""


def with_line(line: str) -> str:
    """Return a function that is kept but for one line."""
    return f'def f(x, y=1):\n    "Do."\n    {line}\n    return x + y\n'


def with_head(head: str) -> str:
    """Return a function that is kept but for its parameters."""
    return f'def f({head}):\n    "Do."\n    x = 1\n    return x + 1\n'


ROWS: dict[str, tuple[str, Reason | None, str]] = {
    "a good one": (GOOD, None, ""),
    # documentation
    "no docstring": ("def f(x):\n    y = x\n    return y + 1", Reason.UNDOCUMENTED, ""),
    "a blank docstring": ("def f(x):\n    '  '\n    y = x\n    return y + 1", Reason.UNDOCUMENTED, ""),
    "single quotes": ("def f(x):\n    'Do.'\n    y = x\n    return y + 1", None, ""),
    # what cannot be worked on
    "a long sum": (with_line("z = " + " + ".join(["x"] * 130)), Reason.TOO_DEEP, "over 120 levels"),
    "a sum of a hundred": (with_line("z = " + " + ".join(["x"] * 100)), None, ""),
    "calls in calls": (with_line("z = " + "abs(" * 125 + "x" + ")" * 125), Reason.TOO_DEEP, "over 120 levels"),
    "a chain of elif": (
        with_line("if x == 0: y = 1" + "".join(f"\n    elif x == {n}: y = {n}" for n in range(1, 130))),
        *(Reason.TOO_DEEP, "over 120 levels"),
    ),
    "a chain of methods": (with_line("z = x" + ".real" * 200), Reason.TOO_DEEP, "over 120 levels"),
    "a long and": (with_line("z = " + " and ".join(["x"] * 500)), None, ""),  # one level
    "an integer beyond 4300 digits": (
        with_line(f"z = 0x{'f' * 4000}"),
        *(Reason.TOO_LARGE, "an integer of 16,000 bits"),
    ),
    "an integer of 4000 digits": (with_line(f"z = {'9' * 4000}"), None, ""),
    # returns
    "no return": ("def f(x):\n    'Do.'\n    x.append(1)", Reason.RETURNS_NOTHING, ""),
    "a bare return": ("def f(x):\n    'Do.'\n    if x: return\n    return None", Reason.RETURNS_NOTHING, ""),
    "a return of a nested function": ("def f(x):\n    'D'\n    def g(): return 1\n    g()", Reason.RETURNS_NOTHING, ""),
    "a return of a class": (
        "def f(x):\n    'D'\n    class A:\n        def g(self): return 1\n    A()",
        *(Reason.RETURNS_NOTHING, ""),
    ),
    "a generator": ("def f(x):\n    'D'\n    yield x\n    return 1", Reason.RETURNS_NOTHING, "it is a generator"),
    "yield from": (
        "def f(x):\n    'D'\n    y = yield from x\n    return y",
        Reason.RETURNS_NOTHING,
        "it is a generator",
    ),
    "a yield in a lambda": (with_line("g = lambda: (yield)"), None, ""),
    "a generator inside": (with_line("def g(): yield x"), None, ""),
    "sometimes None": ("def f(x):\n    'D'\n    if x: return None\n    return x + 1", None, ""),
    # parameters
    "a vararg": (with_head("x, *a"), Reason.UNSUPPORTED_PARAMETERS, "*a"),
    "keywords": (with_head("x, **k"), Reason.UNSUPPORTED_PARAMETERS, "**k"),
    "keyword only": (with_head("x, *, y"), Reason.UNSUPPORTED_PARAMETERS, "y (keyword only)"),
    "keyword only with default": (with_head("x, *, y=1"), None, ""),
    "keyword only, one with default": (with_head("x, *, y=1, z"), Reason.UNSUPPORTED_PARAMETERS, "z (keyword only)"),
    "keyword only and nothing else": (
        with_head("*, y=1"),
        *(Reason.UNSUPPORTED_PARAMETERS, "no parameter that a test could vary"),
    ),
    "positional only": (with_head("x, /, y"), None, ""),
    "positional only self": (
        with_head("self, /, y"),
        *(Reason.UNSUPPORTED_PARAMETERS, "a method: its first parameter is self"),
    ),
    "no parameter": (with_head(""), Reason.UNSUPPORTED_PARAMETERS, "no parameter that a test could vary"),
    "a method": (with_head("self, x"), Reason.UNSUPPORTED_PARAMETERS, "a method: its first parameter is self"),
    "a class method": (with_head("cls, x"), Reason.UNSUPPORTED_PARAMETERS, "a method: its first parameter is cls"),
    "self later": (with_head("x, self"), None, ""),
    # imports
    "an import": (with_line("import math"), Reason.IMPORTS, "imports: math"),
    "imports": (with_line("import os.path, re"), Reason.IMPORTS, "imports: os.path, re"),
    "a relative import": (with_line("from ..a import b"), Reason.IMPORTS, "imports: ..a"),
    "an import in a nested function": (with_line("def g(): import os"), Reason.IMPORTS, "imports: os"),
    # names
    "an undefined name": (with_line("z = other(x)"), Reason.NOT_STANDALONE, "undefined: other"),
    "eleven": (
        with_line("z = " + " + ".join(f"n{i:02}" for i in range(11))),
        *(Reason.NOT_STANDALONE, "undefined: n00, n01, n02, n03, n04, n05, n06, n07, n08, n09 and 1 more"),
    ),
    "a global": (with_line("global n; n = 1"), Reason.NOT_STANDALONE, "undefined: n"),
    "a module's own name": (with_line("z = __name__"), Reason.NOT_STANDALONE, "undefined: __name__"),
    "an annotation": (
        "def f(x: List) -> int:\n    'D'\n    y = x\n    return y + 1",
        *(Reason.NOT_STANDALONE, "undefined: List"),
    ),
    "a default": (with_head("x=LIMIT"), Reason.NOT_STANDALONE, "undefined: LIMIT"),
    "builtins": (with_line("z = sorted(map(str, [len(range(x))]), key=int)"), None, ""),
    "an exception": (with_line("if x < 0: raise ValueError(x)"), None, ""),
    "recursion": (with_line("z = f(x - 1)"), None, ""),
    "print": (with_line("print(x)"), None, ""),
    "open": (with_line("z = open(x)"), Reason.NOT_STANDALONE, "uses: open"),
    "eval and exec": (with_line("z = eval(x), exec(x)"), Reason.NOT_STANDALONE, "uses: eval, exec"),
    "its own input": (with_line("input = 3"), None, ""),
    "exit, which site adds": (with_line("exit()"), Reason.NOT_STANDALONE, "undefined: exit"),
    # marks
    "a TODO": (with_line("z = 1  # TODO: more"), Reason.TODO, "z = 1  # TODO: more"),
    "a FIXME": (with_line("z = 'FIXME'"), Reason.TODO, "z = 'FIXME'"),
    "a TODO in a word": (with_line("TODOS = MASTODON = 1"), None, ""),
    "a to-do list": (with_line("todo = [x]"), None, ""),
    # size
    "trivial": ("def f(x):\n    'D'\n    return x", Reason.TRIVIAL, "3 nodes"),
    "a small sum": ("def f(x, y):\n    'D'\n    return x + y", Reason.TRIVIAL, "7 nodes"),
    "a larger one": ("def f(x, y):\n    'D'\n    return x + y + 1", None, ""),
    "two statements": ("def f(x):\n    'D'\n    y = x\n    return y", None, ""),
    # characters
    "beyond ASCII": (with_line("z = 'ü'"), Reason.NON_ASCII, "U+00FC"),
    "in a comment": (with_line("z = 1  # \U0001f600"), Reason.NON_ASCII, "U+1F600"),
    # texts that are none
    "two functions": (GOOD + GOOD, Reason.NOT_A_FUNCTION, ""),
    "a class": ("class A: pass", Reason.NOT_A_FUNCTION, ""),
    "nothing": ("", Reason.NOT_A_FUNCTION, ""),
    "no Python": ("def f(:", Reason.SYNTAX_ERROR, "line 1: invalid syntax"),
    "too deep": (
        with_line("z = " + "-" * 50_000 + "x"),
        Reason.TOO_DEEP,
        "nested deeper than Python's parser supports",
    ),
    "nonlocal at the top": (
        with_line("nonlocal n"),
        *(Reason.SYNTAX_ERROR, "line 3: no binding for nonlocal 'n' found"),
    ),
    "half a pair": (
        with_line("z = '\ud800'"),
        Reason.UNREADABLE,
        "it contains a lone surrogate, which UTF-8 cannot encode",
    ),
}


def function(code: str, *, helpers: str = "", licence: str = "", docstring: str | None = None) -> Function:
    if docstring is None:
        try:
            docstring = next((f.docstring for f in SourceModule(code).functions()), "")
        except Exception:
            docstring = "Do."
    origin = Origin(source="s", path="p", licence=licence)
    return Function(id="i", name="f", code=code.strip("\n"), docstring=docstring, helpers=helpers, origin=origin)


def fault(item: Function, **options: Any) -> tuple[Reason | None, str]:
    result = asyncio.run(Filter(FilterOptions(**options)).run("k", item))
    if result.kept:
        assert (result.kept[0].key, result.kept[0].item, result.dropped) == ("k", item, ())
        return None, ""
    (dropped,) = result.dropped
    assert dropped.key == ""
    return dropped.reason, dropped.detail


@pytest.mark.parametrize(("code", "reason", "detail"), ROWS.values(), ids=ROWS)
def test_reasons(code: str, reason: Reason | None, detail: str) -> None:
    assert fault(function(code)) == (reason, detail)


def test_every_reason_has_a_row() -> None:
    rows = {reason for _, reason, _ in ROWS.values()}
    assert {reason for reason, _ in PREDICATES} - rows == {Reason.FORBIDDEN_LICENCE}  # off by default


OPTIONS: list[tuple[Function, dict[str, Any], Reason | None]] = [
    (function(with_line("z = 'ü'")), {"ascii_only": False}, None),
    (function(with_line("import math")), {"imports": True}, None),
    (function(with_line("from collections.abc import Sequence")), {"imports": True}, None),
    (function(with_line("import os")), {"imports": True}, Reason.IMPORTS),
    (function(with_line("from .math import pi")), {"imports": True}, Reason.IMPORTS),
    (function(GOOD, helpers="import math"), {}, Reason.IMPORTS),
    (function(GOOD, helpers="import math"), {"imports": True}, None),
    (function(with_line("z = A")), {}, Reason.NOT_STANDALONE),
    (function(with_line("z = A"), helpers="A = 1"), {}, None),
    (function(with_line("z = A"), helpers="A = B"), {}, Reason.NOT_STANDALONE),
    (function(GOOD, helpers="A = open('x')"), {}, Reason.NOT_STANDALONE),
    (function(GOOD, helpers="A = 1  # TODO"), {}, Reason.TODO),
    (function(GOOD, helpers="A = 'ü'"), {}, Reason.NON_ASCII),
    (function(GOOD), {"max_lines": 4}, None),
    (function(GOOD), {"max_lines": 3}, Reason.TOO_LARGE),
    (function(GOOD, helpers="A = 1"), {"max_lines": 6}, Reason.TOO_LARGE),
    (function(GOOD, licence="MIT"), {"licences": ("mit", "ISC")}, None),
    (function(GOOD, licence="MIT AND GPL-3.0"), {"licences": ("MIT",)}, Reason.FORBIDDEN_LICENCE),
    (function(GOOD), {"licences": ("MIT",)}, Reason.FORBIDDEN_LICENCE),
    (function(GOOD), {"licences": ()}, None),
]


@pytest.mark.parametrize(("item", "options", "reason"), OPTIONS)
def test_options(item: Function, options: dict[str, Any], reason: Reason | None) -> None:
    assert fault(item, **options)[0] is reason


def test_the_first_reason_counts() -> None:
    text = textwrap.dedent("""
        def f(*a):
            import os  # TODO ü
            other
    """)
    assert fault(function(text))[0] is Reason.UNDOCUMENTED
    assert fault(function(text, docstring="Do."))[0] is Reason.RETURNS_NOTHING


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(UsageError, match=r"max_lines is -1; it must be 0 \(no limit\) or more"):
        Filter(FilterOptions(max_lines=-1))
