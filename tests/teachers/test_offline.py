"""The offline teacher: what Lua computes is what Python computes, and what cannot be translated is named."""

import ast
import asyncio
import copy
import math
from typing import Any

import lupa.lua54
import pytest

from glotsmith.teachers.base import Request
from glotsmith.teachers.offline import CannotTranslate, Offline, translate
from glotsmith.values import Call, NotLiteral, infer_signature

ROWS: list[tuple[str, str, list[tuple[Any, ...]]]] = [
    # arithmetic
    ("division", "def f(a, b):\n    return [a / b, a // b, a % b]", [(7, 2), (-7, 2), (7, -2), (6, 3)]),
    ("powers", "def f(a, b):\n    return [a ** b, a ** 2, 2 ** -1, a ** 0.5, pow(a, b, 7)]", [(3, 4), (2, 0)]),
    ("rounding", "def f(x):\n    return [round(x), round(x, 1), int(x)]", [(2.5,), (3.5,), (-2.5,), (0.25,), (1.05,)]),
    ("shifts", "def f(a, b):\n    return [a >> b, a << b, a & b, a | b, a ^ b, ~a]", [(13, 2), (-13, 2)]),
    ("bool sum", "def f(xs):\n    return sum(x > 1 for x in xs) + (len(xs) == 2)", [([1, 2, 3],), ([5, 6],)]),
    ("chain", "def f(a, b):\n    return a < b <= 5 != a", [(1, 5), (5, 6), (5, 5)]),
    ("bases", "def f(n):\n    return bin(n) + hex(n) + oct(n) + str(int('ff', 16) + n)", [(10,), (-3,), (0,)]),
    ("extremes", "def f(a, b):\n    return max(a, b), min([a, b, 0]), max([a], default=9)", [(1, 2), (2, -1)]),
    # truth
    ("truth", "def f(x):\n    return 1 if x else 0", [(0,), (3,)]),
    ("truth of text", "def f(x):\n    return not x", [("",), ("a",)]),
    ("truth of lists", "def f(x):\n    if x:\n        return 'full'\n    return 'empty'", [([],), ([0],)]),
    ("and or values", "def f(a, b):\n    return [a or b, a and b]", [(0, 5), (3, 0), (2, 4)]),
    ("or text", "def f(a):\n    return a or 'none'", [("",), ("x",)]),
    ("falsy branch", "def f(a):\n    x = False if a else True\n    return x", [(1,), (0,)]),
    # strings
    ("unicode", "def f(s):\n    return [s[::-1], s[1:3], str(len(s)), s[-1]]", [("naïve",), ("日本語x",), ("abc",)]),
    ("split", "def f(s):\n    return s.split() + s.split(',') + s.split(' ', 1)", [(" a b,c  d ",), ("x",)]),
    ("strip", "def f(s):\n    return [s.strip(), s.lstrip('xy'), s.rstrip(), s.strip('x')]", [("  xyx ",), ("xyax",)]),
    ("search", "def f(s, t):\n    return [s.find(t), s.rfind(t), s.count(t), t in s]", [("banana", "an"), ("b", "x")]),
    ("replace", "def f(s):\n    return s.replace('a', 'bb').replace('b', '', 1)", [("banana",), ("",)]),
    ("cases", "def f(s):\n    return [s.upper(), s.title(), s.capitalize(), s.swapcase()]", [("hello World",), ("",)]),
    ("tests", "def f(s):\n    return [s.isdigit(), s.isalpha(), s.isupper(), s.isspace()]", [("12",), ("AB",), ("",)]),
    (
        "pads",
        "def f(s):\n    return [s.zfill(5), s.ljust(4, '.'), s.rjust(4), s.center(5, '*')]",
        [("-7",), ("abcdef",)],
    ),
    ("formats", "def f(n, x):\n    return f'{n:03d}|{x:.2f}|{n}|{x}|{n:>5}|{n:,}'", [(7, 1.5), (12345, 100.0)]),
    ("percent", "def f(n, s):\n    return '%d-%s-%5.1f' % (n, s, n / 2)", [(3, "a")]),
    ("format call", "def f(n, s):\n    return '{1}:{0} {{}}'.format(n, s)", [(3, "a")]),
    ("float text", "def f(x):\n    return str(x)", [(1.0,), (1e20,), (1e-7,), (0.1,), (123456.789,), (1e16,)]),
    ("list text", "def f(x):\n    return str(x)", [([1, 2],), ([],)]),
    ("chars", "def f(s):\n    return [ord(c) + 1 for c in s]", [("aé",)]),
    ("cipher", "def f(s):\n    return ''.join(chr((ord(c) - 97 + 3) % 26 + 97) for c in s)", [("xyz",)]),
    ("partition", "def f(s):\n    a, b, c = s.partition('=')\n    return [c, b, a]", [("k=v=w",), ("k",)]),
    # lists
    (
        "slices",
        "def f(x):\n    return [x[1:], x[:-1], x[::2], x[::-1], x[-2:], x[5:1:-2]]",
        [([1, 2, 3, 4, 5, 6],), ([],)],
    ),
    (
        "methods",
        "def f(x):\n    x.insert(1, 9)\n    x.pop(0)\n    x.remove(3)\n    x.reverse()\n    return x",
        [([1, 2, 3],)],
    ),
    ("stable sort", "def f(x):\n    return sorted(x, key=lambda w: len(w), reverse=True)", [(["b", "aa", "a", "cc"],)]),
    ("sort pairs", "def f(x):\n    return sorted((v, k) for k, v in x)", [([(1, 2), (3, 1), (0, 2)],)]),
    ("swap", "def f(x):\n    x[0], x[-1] = x[-1], x[0]\n    return x", [([1, 2, 3],)]),
    ("star", "def f(x):\n    a, *b, c = x\n    return [a + c, *b]", [([1, 2, 3, 4],)]),
    ("nested", "def f(m):\n    return [[row[i] for row in m] for i in range(len(m[0]))]", [([[1, 2], [3, 4]],)]),
    ("grid", "def f(n):\n    g = [[0] * n for _ in range(n)]\n    g[1][0] += 5\n    return g", [(2,)]),
    ("equality", "def f(a, b):\n    return [a == b, a != b, a in [b], a < b]", [([1, [2]], [1, [2]]), ([1], [2])]),
    ("zip", "def f(a, b):\n    return [x * y for x, y in zip(a, b)], list(zip(a, b))", [([1, 2, 3], [4, 5])]),
    (
        "slice assignment",
        "def f(x):\n    x[1:2] = [7, 8]\n    x[::2] = [0] * len(x[::2])\n    return x",
        [([1, 2, 3],)],
    ),
    ("map filter", "def f(x):\n    return list(map(str, filter(lambda v: v % 2, x)))", [([1, 2, 3],)]),
    (
        "quantifiers",
        "def f(m):\n    return any(v > 3 for r in m for v in r), all(map(len, m))",
        [([[1], [4]],), ([[]],)],
    ),
    # dicts and sets
    (
        "order",
        "def f(s):\n    d = {}\n    for c in s:\n        d[c] = d.get(c, 0) + 1\n    return list(d.items())",
        [("hello",)],
    ),
    ("tuple keys", "def f(n):\n    d = {(i, i + 1): i for i in range(n)}\n    return d[(1, 2)] + len(d)", [(4,)]),
    ("set", "def f(a, b):\n    return sorted(set(a) & set(b)), len(set(a) | set(b))", [([1, 2, 2], [2, 3])]),
    (
        "set of pairs",
        "def f(x):\n    s = {(a, b) for a, b in x}\n    return len(s), (1, 2) in s",
        [([(1, 2), (1, 2)],)],
    ),
    (
        "counter",
        "from collections import Counter\ndef f(x):\n    c = Counter(x)\n    return c['z'] + c['a']",
        [("aab",)],
    ),
    (
        "groups",
        "from collections import defaultdict\ndef f(x):\n    d = defaultdict(list)\n    for w in x:\n"
        "        d[len(w)].append(w)\n    return dict(d)",
        [(["a", "bb", "c"],)],
    ),
    (
        "setdefault",
        "def f(x):\n    d = {}\n    for a, b in x:\n        d.setdefault(a, []).append(b)\n    return d",
        [([(1, 2)],)],
    ),
    ("dict result", "def f(d):\n    return {v: k for k, v in d.items()}", [({"a": 1, "b": 2},)]),
    # control flow
    (
        "loop else",
        "def f(n):\n    for i in range(2, n):\n        if n % i == 0:\n            break\n"
        "    else:\n        return True\n    return False",
        [(7,), (9,)],
    ),
    (
        "continue",
        "def f(x):\n    t = 0\n    for v in x:\n        if v < 0:\n            continue\n        t += v\n    return t",
        [([1, -2, 3],)],
    ),
    (
        "leak",
        "def f(x):\n    for i, v in enumerate(x):\n        if v == 0:\n            break\n    return i",
        [([1, 0, 2],), ([1, 2],)],
    ),
    ("try", "def f(s):\n    try:\n        return int(s)\n    except ValueError:\n        return -1", [("12",), ("x",)]),
    (
        "key error",
        "def f(k):\n    d = {'a': 1}\n    try:\n        x = d[k]\n    except KeyError:\n        x = 0\n    return x",
        [("a",), ("b",)],
    ),
    (
        "closure",
        "def f(n):\n    c = 0\n    def up():\n        nonlocal c\n        c += 1\n"
        "        return c\n    for _ in range(n):\n        up()\n    return c",
        [(3,)],
    ),
    ("recursion", "def f(n):\n    return 1 if n < 2 else n * f(n - 1)", [(5,), (0,)]),
    (
        "generator",
        "def g(n):\n    i = 0\n    while i < n:\n        yield i\n        i += 1\ndef f(n):\n"
        "    return list(g(n)) + [sum(g(n))]",
        [(4,)],
    ),
    (
        "default",
        "def h(a, b=2, *, c=3):\n    return a + b * c\ndef f(a):\n    return [h(a), h(a, 5), h(a, c=1)]",
        [(1,)],
    ),
    ("walrus", "def f(x):\n    if (n := len(x)) > 1:\n        return n\n    return -n", [([1],), ([1, 2],)]),
    (
        "none",
        "def f(x):\n    best = None\n    for v in x:\n        if best is None or v > best:\n"
        "            best = v\n    return best",
        [([1, 3, 2],), ([],)],
    ),
    ("reserved names", "def f(end, repeat):\n    local = end + repeat\n    return local", [(1, 2)]),
    (
        "shadowed helpers",
        "def f(split, sorted_keys):\n    count = split.split()\n    return count + sorted_keys",
        [("a b", ["c"])],
    ),
    (
        "helpers and constants",
        "import math\nLIMIT = 3\ndef area(r):\n    return math.pi * r\ndef f(r):\n    return area(r) + LIMIT",
        [(2.0,)],
    ),
    (
        "itertools",
        "import itertools\ndef f(x):\n    return [a + b for a, b in itertools.combinations(x, 2)]",
        [([1, 2, 3],)],
    ),
    (
        "shared iterator",
        "def f(x):\n    it = iter(x)\n    first = next(it)\n    rest = map(abs, it)\n    for v in rest:\n"
        "        return first + v + sum(rest)",
        [([1, -2, 3, 4],)],
    ),
    (
        "zero division",
        "def f(a, b):\n    try:\n        return a / b\n    except ZeroDivisionError:\n        return 0",
        [(1, 0), (1, 2)],
    ),
    ("inverse", "def f(a, m):\n    return pow(a, -1, m) + a.bit_length()", [(3, 7), (10, 17)]),
    ("type test", "def f(x):\n    return type(x) == int or type(x) is float and x > 1", [(1,), (2,)]),
    (
        "defaultdict of pairs",
        "from collections import defaultdict\ndef f(x):\n    d = defaultdict(int)\n    for p in x:\n"
        "        d[p] += 1\n    return sorted(d.values()), max(d, key=d.get)",
        [([(1, 2), (1, 2), (0, 1)],)],
    ),
    ("sum of values", "def f(s):\n    d = {c: 1 for c in s}\n    return sum(d.values()) + max(d.values())", [("aab",)]),
    (
        "reduce",
        "from functools import reduce\ndef f(x):\n    return reduce(lambda a, b: a * b, x, 1)",
        [([2, 3, 4],), ([],)],
    ),
]


def infer(tree: ast.Module, calls: list[tuple[Any, ...]]) -> str:
    entry = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "f")
    names = [a.arg for a in entry.args.args]
    try:
        return str(infer_signature("f", names, [Call("f", arguments, None) for arguments in calls]))
    except NotLiteral:
        return ""


def to_lua(runtime: Any, value: Any) -> Any:
    match value:
        case list() | tuple():
            return runtime.table(*[to_lua(runtime, v) for v in value])
        case dict():
            table = runtime.table()
            for k, v in value.items():
                table[k] = to_lua(runtime, v)
            return table
        case str():
            return value.encode()
        case _:
            return value


def plain(value: Any) -> Any:
    """Bring Python's values and Lua's to one form: a table is a dict, a list has the keys 1, 2, …"""
    match value:
        case list() | tuple():
            return {i: plain(v) for i, v in enumerate(value, 1)}
        case dict():
            return {plain(k): plain(v) for k, v in value.items()}
        case bytes():
            return value.decode()
        case None | bool() | int() | float() | str():
            return value
        case _:
            return {plain(k): plain(v) for k, v in value.items()}


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, int | float) or not isinstance(b, int | float):
        return type(a) is type(b) and a == b
    return math.isclose(a, b, rel_tol=1e-12)


def results(source: str, calls: list[tuple[Any, ...]], signature: str) -> list[tuple[Any, Any]]:
    """Return what Python and what Lua give for each call."""
    code = translate(source, "f", signature)
    space: dict[str, Any] = {}
    exec(source, space)
    runtime = lupa.lua54.LuaRuntime(encoding=None)
    function = runtime.execute(f"{code}\nreturn f".encode())
    pairs: list[tuple[Any, Any]] = []
    for arguments in calls:
        given = [to_lua(runtime, a) for a in arguments]
        pairs.append((plain(space["f"](*copy.deepcopy(arguments))), plain(function(*given))))
    return pairs


@pytest.mark.parametrize(("source", "calls"), [pytest.param(s, c, id=n) for n, s, c in ROWS])
def test_lua_computes_what_python_computes(source: str, calls: list[tuple[Any, ...]]) -> None:
    for python, lua in results(source, calls, infer(ast.parse(source), calls)):
        assert same(python, lua), (python, lua, translate(source, "f", infer(ast.parse(source), calls)))


UNTYPED = {"truth", "division", "search", "equality", "split", "chain", "recursion", "try", "cases", "nested"}


@pytest.mark.parametrize(("source", "calls"), [pytest.param(s, c, id=n) for n, s, c in ROWS if n in UNTYPED])
def test_without_a_signature_kinds_are_left_to_runtime(source: str, calls: list[tuple[Any, ...]]) -> None:
    for python, lua in results(source, calls, ""):
        assert same(python, lua)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("class A:\n    pass\ndef f():\n    return A()", "ClassDef"),
        ("def f():\n    with open('x') as y:\n        return y", "With"),
        ("import hashlib\ndef f(s):\n    return hashlib.md5(s).hexdigest()", "hashlib.md5"),
        ("import re\ndef f(s):\n    return re.split('a', s)", "the module re"),
        ("def f(s):\n    return eval(s)", "the function eval (line 2)"),
        ("def f(n):\n    yield n", "generator"),
        ("def f(n):\n    return [None] * n", "None"),
        ("def f(n):\n    return n + 9223372036854775808", "64 bits"),
        ("def f(x):\n    return x.frobnicate()", ".frobnicate()"),
        ("def f(x):\n    global y\n    y = x\n    return y", "Global"),
        ("def f(x):\n    return x.remove()", "too few arguments"),
        ("def f(d):\n    return '%(a)s' % d", "% with named fields"),
        ("def f(p):\n    return '%s %s' % p", "fewer values than directives, or with a variable that may be a tuple"),
        ("def f(a, b):\n    return '%s' % (a, b)", "more values than directives"),
        ("def f(a, b):\n    return '%*d' % (a, b)", "directive of this form"),
        ("def f(a):\n    return '%y' % a", "directive of this form"),
        ("def f(x", "cannot read the source"),
        ("def g(x):\n    return x", "without a top-level function f"),
        ("@decorate\ndef f(x):\n    return x", "@decorate"),
        ("def f(x):\n    return x @ x", "MatMult"),
        ("def f(été):\n    return été", "ASCII"),
        ("def f():\n    return " + "(" * 3000 + ")" * 3000, "cannot"),
    ],
)
def test_a_refusal_names_the_construct(source: str, reason: str) -> None:
    with pytest.raises(CannotTranslate, match=r"^the offline teacher cannot .*") as refusal:
        translate(source, "f")
    assert reason in str(refusal.value)


def test_code_is_idiomatic_where_types_are_known() -> None:
    source = (
        "def f(xs, k):\n    out = []\n    for x in xs:\n        if x > k:\n            out.append(x)\n    return out"
    )
    assert translate(source, "f", "def f(xs: list[int], k: int) -> list[int]") == (
        "local function f(xs, k)\n"
        "  local out = {}\n"
        "  for _, x in ipairs(xs) do\n"
        "    if x > k then\n"
        "      table.insert(out, x)\n"
        "    end\n"
        "  end\n"
        "  return out\n"
        "end\n"
    )


@pytest.mark.parametrize(
    ("call", "language", "source", "finish", "detail"),
    [
        ("translate", "lua", "def f(x):\n    return x", "stop", ""),
        ("translate", "lua", "def f(x):\n    return eval(x)", "refused", "eval"),
        ("translate", "ocaml", "def f(x):\n    return x", "refused", "only translates to Julia and Lua"),
        ("write_tests", "lua", "def f(x):\n    return x", "refused", "only translates to Julia and Lua"),
    ],
)
def test_the_teacher_answers_or_refuses(call: str, language: str, source: str, finish: str, detail: str) -> None:
    context = {"language": language, "source": source, "name": "f", "signature": "def f(x: int) -> int"}
    first, again, more = (
        asyncio.run(Offline().reply(Request(call=call, item="1", sample=i, context=context))) for i in (0, 0, 3)
    )
    assert first == again
    assert first.finish_reason == finish
    assert detail in first.detail
    assert bool(first.text) == (finish == "stop")
    assert more.finish_reason == "refused"  # there is no second opinion
