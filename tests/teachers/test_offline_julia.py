"""The offline teacher: what Julia computes is what Python computes, and what cannot be translated is named."""

import ast
import asyncio
import copy
import textwrap
from typing import Any

import pytest
from julia_rows import EQUAL, REFUSED
from test_offline import ROWS as COMMON

from glotsmith.api.verify import verify
from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card
from glotsmith.languages.render import render_literal
from glotsmith.languages.toolchain import find_toolchain
from glotsmith.records import Job
from glotsmith.teachers.base import Request
from glotsmith.teachers.offline import CannotTranslate, Offline, translate
from glotsmith.values import ANY, Call, NotLiteral, Signature, infer_signature, render_test

JULIA = get_card("julia")

#: rows of Lua's table that Julia refuses
OTHERWISE = {"dict result", "type test", "shared iterator"}

ROWS: list[tuple[str, str, list[tuple[Any, ...]]]] = [
    ("rounding half even", "def f(x):\n    return [round(x), int(x), round(x, 1)]", [(2.5,), (-3.5,), (0.25,)]),
    ("range of indices", "def f(xs):\n    return [xs[i] - xs[i - 1] + i for i in range(1, len(xs))]", [([1, 5, 2],)]),
    (
        "loop over indices",
        "def f(xs):\n    t = 0\n    for i in range(len(xs)):\n        t += xs[i] * i\n    return t",
        [([4, 5],)],
    ),
    ("countdown", "def f(n):\n    return [i for i in range(n, 0, -2)] + list(reversed(range(n)))", [(5,), (0,)]),
    ("negative index", "def f(xs, i):\n    return xs[i] + xs[-2] + xs[i - 1]", [([1, 2, 3], -1), ([1, 2, 3], 0)]),
    ("slices of unknown sign", "def f(xs, i, j):\n    return xs[i:j], xs[j:i:-1], xs[:i]", [([1, 2, 3, 4], -3, -1)]),
    (
        "slices of text",
        "def f(s, i):\n    return [s[1:], s[:-1], s[-2:], s[1:-1], s[2:4], s[i:], s[:i]]",
        [("naïve", 2), ("", 1)],
    ),
    ("first and last", "def f(s):\n    return s[0] == s[-1], s[0] + s[-1], s[1] in 'abc'", [("añb",), ("ab",)]),
    (
        "characters",
        "def f(s):\n    d = {}\n    for c in s:\n        d[c] = d.get(c, 0) + 1\n    return d",
        [("hé",), ("",)],
    ),
    ("pairs of characters", "def f(s, t):\n    return [a + b for a, b in zip(s, t) if a != b]", [("abé", "xbz")]),
    ("list of characters", "def f(s):\n    x = list(s)\n    x[0] = x[0].upper()\n    return ''.join(x)", [("hello",)]),
    ("sorted text", "def f(s):\n    return ''.join(sorted(s)) + ''.join(sorted(set(s)))", [("banana",), ("",)]),
    ("reused name", "def f(s):\n    s = s.split(',')\n    s = [len(w) for w in s]\n    return s", [("a,bb",)]),
    ("empty sum", "def f(xs):\n    return sum(x * x for x in xs), sum([]), sum(x > 1 for x in xs)", [([],), ([2, 3],)]),
    ("counts", "def f(xs):\n    return sum(1 for x in xs if x % 2 == 0)", [([],), ([2, 3, 4],)]),
    ("mutable rows", "def f(n):\n    g = [[0] * n] * 2\n    g[0][0] = 7\n    return g", [(2,)]),
    ("argument is changed", "def add(xs):\n    xs.append(1)\ndef f(xs):\n    add(xs)\n    return xs", [([3],)]),
    ("types that widen", "def f(n):\n    d = [0] * n\n    d[0] = 0.5\n    return d", [(2,)]),
    ("mixed list", "def f(x):\n    return [x, 'a', True]", [(1,)]),
    (
        "only in branches",
        "def f(x):\n    if x > 1:\n        y = 1\n    else:\n        y = 2\n    return y",
        [(1,), (2,)],
    ),
    ("only in a loop", "def f(xs):\n    for x in xs:\n        y = x\n    return y", [([1, 2],)]),
    ("variable of a loop", "def f(xs):\n    x = 9\n    for x in xs:\n        pass\n    return x", [([1, 2],), ([],)]),
    (
        "kept between rounds",
        "def f(xs):\n    for i, x in enumerate(xs):\n        if i:\n            t += x\n        else:\n"
        "            t = x\n    return t",
        [([1, 2, 4],)],
    ),
    (
        "inner variable",
        "def f(x):\n    y = 1\n    def g():\n        y = x\n        return y\n    return g() + y",
        [(5,)],
    ),
    (
        "names of Base",
        "def f(length, first, max, string):\n    sum = length + max\n    first = str(sum) + string[0]\n"
        "    return first + str(len(string))",
        [(1, 2, 3, "ab")],
    ),
    ("reserved", "def f(end, begin, function):\n    local = end + begin\n    return local + function", [(1, 2, 3)]),
    (
        "helper with the name of a function",
        "def clamp(x, lo=0, hi=5):\n    return max(lo, min(hi, x))\ndef f(x):\n    return clamp(x) + clamp(x, hi=2)",
        [(9,), (-1,)],
    ),
    (
        "helper of the library",
        "def slice(xs, i):\n    return xs[i:]\ndef f(xs, i):\n    return slice(xs, i)",
        [([1, 2], -1)],
    ),
    ("integer division", "def f(a, b):\n    a //= b\n    return a, -7 // 2, -7 % 3, 7 % -3", [(7, 2), (-7, 2)]),
    (
        "float text",
        "def f(x):\n    return str(x) + f'{x}'",
        [(1.0,), (1e16,), (1e-05,), (123456789.0,), (0.1,), (1.5e300,)],
    ),
    ("text of values", "def f(x, y):\n    return str(x) + repr(y) + f'{y!r} {x}'", [([1.0, 2.5], "a'b"), ([], "é")]),
    ("text of none", "def f(x):\n    return f'{x}' + str(x is None)", [(None,), ("a",)]),
    ("dollar", "def f(x):\n    return '$x' + f'${x}' + '\\\\'", [(1,)]),
    ("optional", "def f(x):\n    return x or 'none'", [(None,), ("",), ("a",)]),
    ("number or none", "def f(xs):\n    return next((x for x in xs if x > 1), None)", [([1, 2],), ([],)]),
    ("tuples", "def f(t):\n    a, b = t\n    return t + (a,), t[::-1], (b, a) < t, t[1]", [((1, 2),)]),
    (
        "ordered dict",
        "def f(xs):\n    d = {}\n    for x in xs:\n        d.setdefault(x, []).append(len(d))\n"
        "    del d[xs[0]]\n    return [(k, v) for k, v in d.items()]",
        [(["c", "a", "b", "a"],)],
    ),
    ("sorted items", "def f(d):\n    return sorted(d.items()), sorted(d), max(d.values())", [({"b": 1, "a": 2},)]),
    (
        "sets",
        "def f(a, b):\n    a = set(a)\n    a.add(9)\n    return a | set(b), a <= set(b), len(a - {9})",
        [([1], [2, 9])],
    ),
    (
        "for else",
        "def f(xs):\n    for x in xs:\n        if x < 0:\n            break\n    else:\n        return 'all'\n"
        "    return 'some'",
        [([1],), ([-1],)],
    ),
    (
        "errors",
        "def f(xs, d):\n    try:\n        return xs[3] + d['a']\n    except IndexError:\n        return -1\n"
        "    except KeyError:\n        return -2",
        [([1], {"a": 1}), ([1, 2, 3, 4], {"b": 1})],
    ),
    (
        "finally",
        "def f(s):\n    n = 0\n    try:\n        n = int(s)\n    except ValueError:\n        n = -1\n"
        "    finally:\n        n += 1\n    return n",
        [("5",), ("x",)],
    ),
    (
        "polymorphic recursion",
        "def f(x):\n    if isinstance(x, list):\n        return sum(f(y) for y in x)\n    return x",
        [([1, 2, 3],)],
    ),
    (
        "nested lists",
        "def f(xs):\n    out = []\n    for x in xs:\n        if isinstance(x, list):\n"
        "            out.extend(f(x))\n        else:\n            out.append(x)\n    return out",
        [([1, [2, [3]]],)],
    ),
    (
        "memo",
        "def f(n, memo={}):\n    if n < 2:\n        return n\n    if n not in memo:\n"
        "        memo[n] = f(n - 1, memo) + f(n - 2, memo)\n    return memo[n]",
        [(30,)],
    ),
    (
        "sort by key",
        "def f(xs):\n    xs.sort(key=lambda p: (-p[1], p[0]))\n    return xs",
        [([("a", 1), ("b", 2), ("c", 2)],)],
    ),
    ("stable sort of numbers", "def f(xs):\n    return sorted(xs, key=lambda x: x % 2)", [([5, 2, 3, 4, 1, 8, 7, 6],)]),
    (
        "heads and tails",
        "def f(xs):\n    first, *rest = xs\n    *start, last = xs\n    return rest + start + [first, last]",
        [([1, 2, 3],)],
    ),
    (
        "queue",
        "from collections import deque\ndef f(n):\n    q = deque([n])\n    t = 0\n    while q:\n"
        "        x = q.popleft()\n        t += x\n        if x > 1:\n            q.append(x // 2)\n    return t",
        [(20,)],
    ),
    (
        "formats of numbers",
        "def f(x, n):\n    return f'{x:8.3f}|{n:<5}|{n:^7}|{n:x}|{x:.1%}|' + '%05d %s' % (n, x)",
        [(2.5, 42)],
    ),
]


def inferred(entry: ast.FunctionDef, made: list[Call]) -> Signature | None:
    names = [p.arg for p in entry.args.args][: len(made[0].arguments)]
    try:
        return infer_signature("f", names, made)
    except NotLiteral:
        return None


def translated(source: str, calls: list[tuple[Any, ...]]) -> tuple[str, Signature | None, list[Any]]:
    """Return the Julia program of a row, its signature, and what Python computes."""
    space: dict[str, Any] = {}
    exec(source, space)
    results = [space["f"](*copy.deepcopy(arguments)) for arguments in calls]
    entry = next(n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == "f")
    made = [Call("f", a, r) for a, r in zip(calls, results, strict=True)]
    signature = inferred(entry, made)
    return translate(source, "f", str(signature or ""), "julia"), signature, results


def test_julia_computes_what_python_computes() -> None:
    """One program has a module for each row, so that Julia starts once."""
    need_julia()
    modules, branches, tests, labels = [], [], [], []
    for number, (name, source, calls) in enumerate(row for row in (*COMMON, *ROWS, *EQUAL) if row[0] not in OTHERWISE):
        code, signature, results = translated(source, calls)
        modules.append(f"module Row{number}\n{code}\nend")
        for arguments, result in zip(calls, results, strict=True):
            types = [p.type for p in signature.parameters] if signature else [ANY] * len(arguments)
            texts = (render_literal(JULIA, a, t) for a, t in zip(arguments, types, strict=True))
            branches.append(f"    i == {len(tests)} && return Row{number}.f({', '.join(texts)})")
            tests.append(render_test(Call("f", (len(tests),), result)))
            labels.append((name, code))
    code = "\n".join([*modules, "function f(i::Int64)", *branches, "end"])
    job = Job(id="rows", language="julia", code=code, tests=tuple(tests), time_limit_s=300, all_cases=True)
    verdict = verify([job])[0]
    assert len(verdict.cases) == len(tests), verdict
    failed = [
        f"{name}: {test}; {found.status} {found.actual}\n{code}"
        for (name, code), test, found in zip(labels, tests, verdict.cases, strict=True)
        if found.status != "pass"
    ]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("class A:\n    pass\ndef f():\n    return A()", "ClassDef"),
        ("import hashlib\ndef f(s):\n    return hashlib.md5(s).hexdigest()", "hashlib.md5"),
        ("import re\ndef f(s):\n    return re.split('a', s)", "re.split"),
        ("def f(s):\n    return eval(s)", "the function eval (line 2)"),
        ("def f(n):\n    yield n", "generator"),
        ("def f(n):\n    return n + 9223372036854775808", "64 bits"),
        ("def f(x):\n    return x.frobnicate()", ".frobnicate()"),
        ("def f(x", "cannot read the source"),
        ("def g(x):\n    return x", "without a top-level function f"),
        ("@decorate\ndef f(x):\n    return x", "@decorate"),
        ("def f(été):\n    return été", "ASCII"),
        ("def f(d: dict):\n    return [k for k in d]", "order matters"),
        ("def f(xs):\n    return list(set(xs))", "order matters"),
        ("def f(xs):\n    ys = map(abs, xs)\n    return sum(ys) + sum(ys)", "several places"),
        ("def f(xs):\n    print(xs, end='')", "print"),
        ("def f(s):\n    return s.split(None, 1)", "with a limit"),
        ("def f(xs):\n    return [y := x for x in xs]", "inside a comprehension"),
        ("def g():\n    while True:\n        yield 1\ndef f():\n    return list(g())", "without an end"),
        ("for i in range(3):\n    pass\ndef f():\n    return i", "at the top level"),
    ],
)
def test_a_refusal_names_the_construct(source: str, reason: str) -> None:
    signature = "def f(d: dict[str, int]) -> list[str]" if "dict" in source else ""
    with pytest.raises(CannotTranslate, match=r"^the offline teacher cannot .*") as refusal:
        translate(source, "f", signature, "julia")
    assert reason in str(refusal.value)


@pytest.mark.parametrize(("source", "reason"), REFUSED)
def test_what_depends_on_lost_orders_or_shared_variables_is_refused(source: str, reason: str) -> None:
    parameter = "d: dict[str, int]" if "def f(d)" in source else "xs: list[int]"
    result = "dict[int, str]" if "return out" in source else "list[int]"
    with pytest.raises(CannotTranslate) as refusal:
        translate(source, "f", f"def f({parameter}) -> {result}", "julia")
    assert f"the offline teacher cannot translate {reason}" in str(refusal.value)


@pytest.mark.parametrize("name", ["end", "function", "local"])
def test_a_function_cannot_have_a_reserved_name(name: str) -> None:
    with pytest.raises(CannotTranslate, match="which is reserved"):
        translate(f"def {name}(x):\n    return x", name, "", "julia")


@pytest.mark.parametrize(
    ("source", "signature", "expected"),
    [
        (
            "def f(xs, k):\n    out = []\n    for i in range(len(xs)):\n        if xs[i] > k:\n"
            "            out.append(xs[i])\n    return out",
            "def f(xs: list[int], k: int) -> list[int]",
            """\
            function f(xs::Vector{Int64}, k::Int64)::Vector{Int64}
                out = Int64[]
                for i in 1:length(xs)
                    if xs[i] > k
                        push!(out, xs[i])
                    end
                end
                return out
            end
            """,
        ),
        (
            "def f(s):\n    counts = {}\n    for c in s:\n        if c.isalpha() and c != 'x':\n"
            "            counts[c] = counts.get(c, 0) + 1\n    return counts",
            "def f(s: str) -> dict[str, int]",
            """\
            function f(s::String)::Dict{String, Int64}
                counts = Dict{String, Int64}()
                for c in s
                    if isletter(c) && c != 'x'
                        counts[string(c)] = get(counts, string(c), 0) + 1
                    end
                end
                return counts
            end
            """,
        ),
    ],
)
def test_code_is_idiomatic_where_types_are_known(source: str, signature: str, expected: str) -> None:
    name = signature.removeprefix("def ").partition("(")[0]
    assert translate(source, name, signature, "julia").startswith(textwrap.dedent(expected))


def test_an_entry_function_keeps_the_name_of_a_function_of_base() -> None:
    code = translate("def first(s, n):\n    return s[:n]", "first", "def first(s: str, n: int) -> str", "julia")
    assert "function first(s::String, n::Int64)::String" in code


def need_julia() -> None:
    try:
        find_toolchain("julia")
    except ToolchainError as error:
        pytest.skip(str(error))


def test_only_the_first_request_of_a_function_has_a_reply() -> None:
    context = {
        "language": "julia",
        "source": "def f(x):\n    return x",
        "name": "f",
        "signature": "def f(x: int) -> int",
    }
    first, more = (Request(call="translate", item="1", sample=i, context=context) for i in (0, 1))
    reply = asyncio.run(Offline().reply(first))
    assert reply.text == "function f(x::Int64)::Int64\n    return x\nend\n"
    assert asyncio.run(Offline().reply(more)).finish_reason == "refused"
    lua = Request(call="translate", item="1", context={**context, "language": "lua"})
    assert len({Offline().address(r) for r in (first, more, lua)}) == 3
