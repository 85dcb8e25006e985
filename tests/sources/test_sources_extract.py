"""What is taken out of a module: the functions' own text, and what they need."""

import ast
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glotsmith.sources.extract import FoundFunction, SourceModule
from glotsmith.sources.parse import BUILTINS, free_names


def functions(text: str, **options: Any) -> list[FoundFunction]:
    return list(SourceModule(textwrap.dedent(text)).functions(**options))


def helpers_of(text: str, **options: Any) -> str:
    """Return the helpers of ``f``."""
    found = {f.name: f for f in functions(text, **{"helpers": True, "imports": True, **options})}
    return found["f"].helpers


# ----------------------------------------------------------------------------------------------- the text

FOUND = {
    "two": ("def f(x):\n    return x\n\ndef g(): pass", [("f", 1), ("g", 4)]),
    "methods are left alone": ("class A:\n    def f(self): pass", []),
    "nested ones too": ("def f():\n    def g(): pass", [("f", 1)]),
    "conditional ones too": ("if x:\n    def f(): pass", []),
    "async ones too": ("async def f(): pass", []),
    "the line is that of def": ("\n@cache\ndef f(x): pass", [("f", 3)]),
    "nothing": ("", []),
    "comments only": ("# no code", []),
    "redefinitions are all there": ("def f(): pass\ndef f(): return 1", [("f", 1), ("f", 2)]),
}


@pytest.mark.parametrize(("text", "found"), FOUND.values(), ids=FOUND)
def test_functions_are_found(text: str, found: list[tuple[str, int]]) -> None:
    assert [(f.name, f.line) for f in functions(text)] == found


CODE = {
    "comments stay": ("def f(x):  # why\n    # how\n    return x  # what\n\n# not this\n", None),
    "strings over lines": ("def f(x):\n    '''a\n  b\n'''\n    return x\n", None),
    "continued lines": ("def f(x,\n  y):\n    return x \\\n  + y\n", None),
    "a form feed before it": ("\x0cdef f(x): return x\n", "def f(x): return x"),
    "a form feed inside a string": ("def f(x): return '\x0c'\n", None),
    "other line separators": ("def f(x): return '\x85\u2028\x0b\x1c'\n", None),
    "one line": ("def f(x): return x; pass\n", None),
    "tabs": ("def f(x):\n\tif x:\n\t\treturn x\n", None),
    "wide characters": ("def f(é): return 'ü' + é\n", None),
}


@pytest.mark.parametrize(("text", "code"), CODE.values(), ids=CODE)
def test_the_text_is_the_files(text: str, code: str | None) -> None:
    (found,) = SourceModule(text).functions()
    assert found.code == (code or text.partition("\n\n# not this")[0].rstrip())


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_line_ends_are_pythons(end: str) -> None:
    (_, found) = SourceModule(
        end.join(["import os", "def g(): pass", "def f(x):", '    """a', '    b"""', ""])
    ).functions()
    assert found.line == 3
    assert found.code == 'def f(x):\n    """a\n    b"""'
    assert found.docstring == "a\nb"


DOCSTRINGS = [
    ('def f(): "one"', "one"),
    ("def f():\n    '''\n    two\n      lines\n    '''", "two\n  lines"),
    ("def f():\n    r'raw \\d'", "raw \\d"),
    ("def f():\n    f'no {x}'", ""),
    ("def f():\n    b'no'", ""),
    ("def f():\n    x = 1\n    'no'", ""),
    ("def f(): pass", ""),
]


@pytest.mark.parametrize(("text", "docstring"), DOCSTRINGS)
def test_docstrings(text: str, docstring: str) -> None:
    assert functions(text)[0].docstring == docstring


DECORATORS = [
    ("@cache", ()),
    ("@lru_cache", ()),
    ("@functools.lru_cache(maxsize=None)", ()),
    ("@functools.cache", ()),
    ("@other", ("other",)),
    ("@other(\n    'x')\n@cache", ("other",)),
    ("@a . b", ("a . b",)),
    ("@é.ü(1)", ("é.ü",)),
    ("@(lambda f: f)", ("lambda f: f",)),
    ("@table[0]", ("table[0]",)),
]


@pytest.mark.parametrize(("decorator", "left"), DECORATORS)
def test_only_memoising_decorators_are_taken_off(decorator: str, left: tuple[str, ...]) -> None:
    (found,) = functions(f"{decorator}\ndef f(x):\n    return x")
    assert (found.decorators, found.code) == (left, "def f(x):\n    return x")


# ------------------------------------------------------------------------------------------------ helpers

HELPERS = {
    "a constant": ("LIMIT = 3\ndef f(x): return x + LIMIT", "LIMIT = 3"),
    "an annotated constant": ("LIMIT: int = 3\ndef f(x): return x + LIMIT", "LIMIT: int = 3"),
    "a declaration without value": ("LIMIT: int\ndef f(x): return x + LIMIT", ""),
    "a constant over lines": ("T = {\n    'ä': 1,\n}\ndef f(x): return T[x]", "T = {\n    'ä': 1,\n}"),
    "constants bound together": ("A, B = 1, 2\ndef f(x): return A + B", "A, B = 1, 2"),
    "a chain": ("A = B = 1\ndef f(x): return B", "A = B = 1"),
    "a chain of which one is bound again": ("A = B = 1\nA = 2\ndef f(x): return B", ""),
    "an attribute among the targets": ("A = x.y = 1\ndef f(x): return A", ""),
    "a starred target": ("A, *B = 1, 2\ndef f(x): return A", ""),
    "a function": ("def g(x): return x\ndef f(x): return g(x)", "def g(x): return x"),
    "a function after it": ("def f(x): return g(x)\ndef g(x): return x", "def g(x): return x"),
    "a memoised function": ("@cache\ndef g(x): return x\ndef f(x): return g(x)", "def g(x): return x"),
    "a decorated function": ("@other\ndef g(x): return x\ndef f(x): return g(x)", ""),
    "an async function": ("async def g(x): return x\ndef f(x): return g(x)", ""),
    "transitively, in source order": (
        "def g(x): return h(x)\nA = 1\ndef h(x): return x + A\ndef f(x): return g(x)",
        "def g(x): return h(x)\n\n\nA = 1\n\n\ndef h(x): return x + A",
    ),
    "in a circle": (
        "def g(x): return h(x)\ndef h(x): return g(x)\ndef f(x): return g(x)",
        "def g(x): return h(x)\n\n\ndef h(x): return g(x)",
    ),
    "a helper that calls the function": ("def g(x): return f(x)\ndef f(x): return g(x)", "def g(x): return f(x)"),
    "a constant computed by the function": ("def f(x): return A\nA = f(1)", ""),
    "the same through a helper": ("def f(x): return A\ndef g(): return f(1)\nA = g()", ""),
    "itself": ("def f(x): return f(x)", ""),
    "an exception": (
        "class E(ValueError): pass\ndef f(x):\n    raise E",
        "class E(ValueError): pass",
    ),
    "an exception of an exception": (
        "class E(Exception):\n    'a'\nclass F(E): ...\ndef f(x):\n    raise F",
        "class E(Exception):\n    'a'\n\n\nclass F(E): ...",
    ),
    "an exception with a body": ("class E(Exception):\n    a = 1\ndef f(x):\n    raise E", ""),
    "an exception of two": ("class E(KeyError, ValueError): pass\ndef f(x):\n    raise E", ""),
    "an exception of a class with a body": ("class E(Exception): a = 1\nclass F(E): pass\ndef f(x):\n    raise F", ""),
    "an exception of a name that is taken": ("ValueError = 1\nclass E(ValueError): pass\ndef f(x):\n    raise E", ""),
    "exceptions in a circle": ("class E(F): pass\nclass F(E): pass\ndef f(x):\n    raise E", ""),
    "a class": ("class A: pass\ndef f(x): return A", ""),
    "a class of a builtin": ("class A(dict): pass\ndef f(x): return A", ""),
    "a name bound twice": ("A = 1\nA = 2\ndef f(x): return A", ""),
    "a name bound in a branch": ("if x:\n    A = 1\ndef f(x): return A", ""),
    "a name of a loop": ("A = 1\nfor A in []: pass\ndef f(x): return A", ""),
    "a name bound by global": ("A = 1\ndef g():\n    global A\n    A = 2\ndef f(x): return A", ""),
    "a deleted name": ("A = 1\ndel A\ndef f(x): return A", ""),
    "a name added to": ("A = 1\nA += 1\ndef f(x): return A", ""),
    "a builtin made its own": ("def sorted(x): return x\ndef f(x): return sorted(x)", "def sorted(x): return x"),
    "an import": ("import math\ndef f(x): return math.pi", "import math"),
    "an import of several": (
        "from math import pi, e as E\ndef f(x): return E + pi",
        "from math import e as E\nfrom math import pi",
    ),
    "a submodule": ("import collections.abc\ndef f(x): return collections", "import collections.abc"),
    "an import that is not allowed": ("import os\ndef f(x): return os.getcwd()", ""),
    "a relative import": ("from .math import pi\ndef f(x): return pi", ""),
    "a star": ("from math import *\ndef f(x): return pi", ""),
    "imports stand first": ("A = 1\nimport math\ndef f(x): return A + math.pi", "import math\nA = 1"),
    "postponed annotations": (
        "from __future__ import annotations\ndef f(x: int): return x",
        "from __future__ import annotations",
    ),
    "postponed annotations without any": ("from __future__ import annotations\ndef f(x): return x", ""),
    "nothing for a decorated function": ("A = 1\n@other\ndef f(x): return A", ""),
}


@pytest.mark.parametrize(("text", "helpers"), HELPERS.values(), ids=HELPERS)
def test_what_comes_along(text: str, helpers: str) -> None:
    assert helpers_of(text) == helpers


KINDS = [
    ({"helpers": False, "imports": False}, ""),
    ({"helpers": True, "imports": False}, "A = 1"),
    ({"helpers": False, "imports": True}, "import math"),
    ({"helpers": True, "imports": True}, "import math\nA = 1"),
    ({"max_helper_lines": 2}, "import math\nA = 1"),
    ({"max_helper_lines": 1}, ""),
]


@pytest.mark.parametrize(("options", "helpers"), KINDS)
def test_options(options: dict[str, Any], helpers: str) -> None:
    assert helpers_of("import math\nA = 1\ndef f(x): return A + math.pi", **options) == helpers


def test_a_function_that_is_wrong_by_itself_has_no_helpers() -> None:
    assert helpers_of("A = 1\ndef f(x):\n    nonlocal y\n    return A") == ""


# ------------------------------------------------------------------------------------------------ property

NAMES = st.sampled_from(["x", "y", "ü", "_z", "len"])
ATOMS = st.one_of(
    NAMES,
    st.integers(-5, 5).map(repr),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(repr),
    st.sampled_from(['"""a\n  b"""', "'\x0c'", "'\u2028'", "r'\\d'", "f'{x!r:>{y}}'", "(1,\n 2)", "b'\\x00'"]),
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda e: st.one_of(
        st.tuples(e, st.sampled_from([" + ", " and ", " < ", " \\\n  | "]), e).map("".join).map("({})".format),
        st.lists(e, max_size=3).map(lambda es: "[" + ", ".join(es) + "]"),
        e.map("(lambda x: {})".format),
        st.tuples(NAMES, e).map(lambda p: f"[{p[1]} for {p[0]} in ()]"),
    ),
    max_leaves=6,
)
SIMPLE = st.one_of(
    EXPRESSIONS.map("return {}".format), st.tuples(NAMES, EXPRESSIONS).map(" = ".join), st.just("pass # ü"), EXPRESSIONS
)
BLOCKS = st.sampled_from(["if x:", "for x in ():", "while x:", "with x:", "def g(x):", "class A:", "try:"])


@st.composite
def bodies(draw: st.DrawFn, indent: str = "    ") -> str:
    lines = [indent + s for s in draw(st.lists(SIMPLE, min_size=1, max_size=3))]
    if len(indent) < 10 and draw(st.booleans()):
        head = draw(BLOCKS)
        inner = draw(bodies(indent + draw(st.sampled_from(["  ", "\t", "    "]))))
        lines += [indent + head, inner, *([indent + "finally: pass"] if head == "try:" else [])]
    return "\n".join(lines)


@st.composite
def modules(draw: st.DrawFn) -> str:
    between = st.sampled_from(["", "# ü", "x = 'ü'; y = 2", "\x0c", "class A:\n    def f(self): pass", "import math"])
    parts = [draw(between)]
    for name in draw(st.lists(st.sampled_from(["f", "g", "h"]), max_size=3)):
        parts += [f"def {name}(x=1, *, y: int = 2):  # c\n{draw(bodies())}", draw(between)]
    return draw(st.sampled_from(["\n", "\r\n", "\r"])).join("\n".join(parts).split("\n"))


def parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(modules())
def test_every_extracted_text_parses_to_the_same_tree(text: str) -> None:
    tree = parsed(text)
    if tree is None:  # ``return`` in a class and the like
        return
    nodes = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found = list(SourceModule(text).functions(helpers=True, imports=True))
    assert [f.line for f in found] == [node.lineno for node in nodes]
    for function, node in zip(found, nodes, strict=True):
        (again,) = ast.parse(function.code).body
        assert ast.dump(again) == ast.dump(node)
        joined = ast.parse(f"{function.helpers}\n\n\n{function.code}")
        assert ast.dump(joined.body[-1]) == ast.dump(node)


@settings(max_examples=100, deadline=None)
@given(
    st.permutations(["A = B", "B = 1", "def g(x): return h(x) + A", "def h(x): return len(x)", "def f(x): return g(x)"])
)
def test_helpers_leave_nothing_undefined(parts: list[str]) -> None:
    found = {f.name: f for f in SourceModule("\n".join(parts)).functions(helpers=True)}["f"]
    assert free_names(f"{found.helpers}\n{found.code}") <= BUILTINS
