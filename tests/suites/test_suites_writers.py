"""The writers' parts: parameters, doctests, replies, hints, inputs, mutants, raising blocks."""

import ast
from random import Random

import pytest

from glotsmith.suites.case_selection import ObservedCall, choose_cases
from glotsmith.suites.doctests import doctest_calls
from glotsmith.suites.inputs import generate_calls, has_exact_integers, heaviest_combinations, mutate_calls
from glotsmith.suites.mutants import make_mutants
from glotsmith.suites.parameters import (
    UnsupportedParameters,
    bind_arguments,
    body_lines,
    passable_parameters,
    positional_parameters,
    required_arity,
)
from glotsmith.suites.raising import raising_lines
from glotsmith.suites.teacher_suites import parse_arguments, suite_prompt
from glotsmith.suites.type_weights import rank_types
from glotsmith.suites.value_pools import collect_constants, value_pool
from glotsmith.teachers.base import Reply
from glotsmith.values import ANY, INT, literal, parse_type, type_of, unite

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


REPLIES = [
    ("completion", "1, 2) == 3\nassert f(4, 5) == 9", [(1, 2), (4, 5)]),
    ("completion", "assert f(1, 2) == 3", [(1, 2)]),
    ("completion", "1, b=2) == 3\nassert f() == 0\nassert g(1) == 2\nassert f(x) == 1", []),
    ("completion", "[1,\n  2], 0) == 3\nassert f(7) == 1", [([1, 2], 0), (7,)]),
    ("completion", "1, 2\nassert f(4, 5) == 9", [(4, 5)]),
    ("chat", "Sure!\n```python\nassert f(1) == 2, 'one'\n    assert not f(0)\n```", [(1,), (0,)]),
    ("chat", "f(1) == 2", []),
    ("chat", "", []),
]


@pytest.mark.parametrize(("style", "text", "expected"), REPLIES)
def test_replies(style, text, expected):
    assert list(parse_arguments(Reply(text=text), "f", style)) == expected


def test_refusals_give_nothing():
    assert list(parse_arguments(Reply(text="assert f(1) == 2", finish_reason="refused"), "f", "chat")) == []


def test_prompts():
    text = suite_prompt("completion").render(source="def f(x): ...", name="f")
    assert text.startswith("def f(x): ...\n\n# Unit tests for f\n") and text.endswith("\nassert f(")
    assert "```python\ndef f" in suite_prompt("chat").render(source="def f(x): ...", name="f")
    assert suite_prompt("chat").version != suite_prompt("completion").version


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


def test_guesses_come_heaviest_first():
    a, b = parse_type("str"), parse_type("list[int]")
    ranked = [[(INT, 2.0), (a, 1.0)], [(b, 5.0), (INT, 1.5), (a, 0.0)]]
    weights = [w for _, w in heaviest_combinations(ranked, 10)]
    assert weights == sorted(weights, reverse=True) and len(weights) == 6
    assert heaviest_combinations(ranked, 1) == [((INT, b), 7.0)]


TYPES = [
    "int", "float", "str", "bool", "None", "list[int]", "list[list[int]]", "dict[str, list[int]]", "set[str]",
    "dict[int, list[int]]", "tuple[int, str]", "tuple[int, ...]", "int | None",
    "list[tuple[str, float]]", "dict[float, set[int]]",
]  # fmt: skip


@pytest.mark.parametrize("text", TYPES)
def test_pools_hold_their_type(function, text):
    kind, mined = parse_type(text), collect_constants(function("def f(x):\n    return x == 'zebra' or x == 4711"))
    values = value_pool(kind, mined, Random(1))
    assert values and all(unite(type_of(v), kind) in (kind, parse_type("float")) for v in values)
    assert [literal(v) for v in values] == [literal(v) for v in value_pool(kind, mined, Random(1))]
    for v in mutate_calls([(v,) for v in values], mined, Random(2), 50):
        assert unite(type_of(v[0]), kind) in (kind, parse_type("float"))


def test_mined_constants_are_tried(function):
    item = function('def f(x):\n    """Maybe "quoted".\n    """\n    return x == "zebra" or x == 4711', "K = 'helper'")
    mined = collect_constants(item)
    assert {"zebra", "quoted", "helper"} <= set(mined.strings) and {4710, 4711, 4712} <= set(mined.ints)
    calls = generate_calls([parse_type("str")], positional_parameters(item), mined, Random(0), 40)
    assert ("zebra",) in calls and len({literal(c) for c in calls}) == len(calls) <= 40


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2**53, True), (2**53 + 1, False), ([{"a": -(10**20)}], False), ({1.5: "x"}, True), (True, True)],
)
def test_modest(value, expected):
    assert has_exact_integers(value) is expected


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


def trial(value, result, *arcs, writer="generated"):
    return ObservedCall((value,), writer, result, frozenset(arcs))


def test_choose_covers_then_varies():
    trials = [trial(n, 0, "1,2") for n in range(5)] + [trial(9, 1, "1,3"), trial(10, 2, "1,2"), trial("é", 3, "1,2")]
    chosen = choose_cases(trials, [INT])
    assert [t.arguments for t in chosen[:3]] == [(0,), (9,), (10,)]
    assert ("é",) not in [t.arguments for t in chosen]


def test_choose_mixes_types_only_for_coverage():
    trials = [trial(1, 1, "1,2"), trial("a", 2, "1,2"), trial(None, 3, "1,4"), trial("b", 4, "1,5"), trial(2, 2, "1,2")]
    assert {t.text for t in choose_cases(trials[:2], [INT])} == {"(1,)"}
    assert {t.text for t in choose_cases(trials, [INT])} == {"(1,)", "(None,)", "('b',)", "(2,)"}
    assert {t.text for t in choose_cases([trial(1, 1, "a"), trial(2, 5, "a", writer="doctest")], [ANY])} == {
        "(1,)",
        "(2,)",
    }
