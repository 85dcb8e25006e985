"""Hostile and ordinary texts, and the names in them."""

import ast
import textwrap

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.sources.parse import Unparsable, free_names, imported_modules, parse, walk_own_body, walk_statements

HOSTILE = {
    "no Python": ("def f(:\n    pass", Reason.SYNTAX_ERROR),
    "Python 2": ("print 'x'", Reason.SYNTAX_ERROR),
    "a NUL": ("x = 1\0", Reason.SYNTAX_ERROR),
    "half a surrogate pair": ("x = '\ud800'", Reason.UNREADABLE),
    "brackets": ("x = " + "(" * 250 + "1" + ")" * 250, Reason.TOO_DEEP),
    "indentation": ("".join(" " * i + "if x:\n" for i in range(150)) + " " * 150 + "pass", Reason.TOO_DEEP),
    "attributes": ("x" + ".a" * 50_000, Reason.TOO_DEEP),
    "operators": (" + ".join(["x"] * 50_000), Reason.TOO_DEEP),
    "minus signs": ("x = " + "-" * 50_000 + "1", Reason.TOO_DEEP),
    "not": ("x = " + "not " * 20_000 + "1", Reason.TOO_DEEP),
    "lambdas": ("x = " + "lambda: " * 5_000 + "1", Reason.TOO_DEEP),
    "elif": ("if x: pass\n" + "elif x: pass\n" * 20_000, Reason.TOO_DEEP),
    "subscripts as target": ("y" + "[0]" * 50_000 + " = 1", Reason.TOO_DEEP),
}


@pytest.mark.parametrize(("text", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_has_a_reason(text: str, reason: Reason) -> None:
    for read in (parse, free_names):
        with pytest.raises(Unparsable) as caught:
            read(text)
        assert (caught.value.reason, bool(caught.value.detail)) == (reason, True)


@pytest.mark.parametrize("text", ["", "\n", "x = " + "'a' " * 50_000, "a = " * 5_000 + "1", "x = '\\d'; y = 1 is 1"])
def test_an_odd_text_parses_without_a_warning(text: str) -> None:
    parse(text)
    free_names(text)


FREE = {
    "parameters and locals are not free": ("def f(x):\n y = x\n return y", set()),
    "builtins are": ("def f(x): return len(x)", {"len"}),
    "a default is": ("def f(x=LIMIT): return x", {"LIMIT"}),
    "an annotation is": ("def f(x: List) -> Dict: return x", {"List", "Dict"}),
    "a comprehension has its own scope": ("def f(xs): return [x + k for x in xs]", {"k"}),
    "but not its first iterable": ("x = [y for y in y]", {"y"}),
    "recursion is not free": ("def f(x): return f(x - 1)", set()),
    "a closure's cell is not": ("def f(x):\n def g(): return x\n return g", set()),
    "nonlocal": ("def f(x):\n def g():\n  nonlocal x\n  x = 1\n return g", set()),
    "global reads": ("def f():\n global n\n return n", {"n"}),
    "global writes": ("def f():\n global n\n n = 1", {"n"}),
    "global writes of what the text defines": ("n = 0\ndef f():\n global n\n n = 1", {"n"}),
    "a class body": ("def f():\n class A:\n  a = 1\n  def g(self): return a\n return A", {"a"}),
    "an import defines": ("import os.path as p\nfrom re import sub\nx = p, sub", set()),
    "a walrus defines": ("def f(x): return (y := x) + y", set()),
    "an except clause defines": ("def f():\n try: g()\n except E as e: return e", {"g", "E"}),
    "a pattern defines": ("def f(x):\n match x:\n  case [a, *b]: return a, b\n  case C(): return 1", {"C"}),
}


@pytest.mark.parametrize(("text", "names"), FREE.values(), ids=FREE)
def test_free_names(text: str, names: set[str]) -> None:
    assert free_names(text) == names


def test_every_import_is_found() -> None:
    tree = parse(
        textwrap.dedent("""
        import os, sys as s
        from . import a
        from ..b import c
        def f():
            try:
                import json
            except E:
                from x.y import z
            else:
                with w:
                    import in_with
            match f:
                case 1:
                    import in_case
            class A:
                import in_class
        """)
    )
    found = [".", "..b", "in_case", "in_class", "in_with", "json", "os", "sys", "x.y"]
    assert imported_modules(tree) == found


def test_statements_are_those_of_ast_walk() -> None:
    loops = "for a in b:\n  while c: d\n  else: e\n"
    tree = parse(f"{loops}try: f\nexcept* g: h\nelse: i\nfinally: j\nasync def k():\n async with l: m")
    assert {id(n) for n in walk_statements(tree.body)} == {id(n) for n in ast.walk(tree) if isinstance(n, ast.stmt)}


def test_own_nodes_stop_at_nested_scopes() -> None:
    function = parse("def f():\n def g(): return 1\n h = lambda: 2\n class A: a = 3\n return 4").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert [n.value for n in walk_own_body(function) if isinstance(n, ast.Constant)] == [4]
