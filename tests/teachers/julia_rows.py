"""Rows of the test of Julia translations: orders, closures, defaults, rounding, and exceptions that are caught."""

from typing import Any

_D = {"z": 1, "a": 1, "m": 1, "q": 2, "b": 2}
_COUNT = "def f(d):\n    c = {}\n    for v in d.values():\n"
_TRY = "def f(x, y):\n    try:\n        return "

#: rows whose Julia result is that of Python
EQUAL: list[tuple[str, str, list[tuple[Any, ...]]]] = [
    ("sum of an argument", "def f(d):\n    return sum(d.values()) + sum(v * v for v in d.values())", [(_D,)]),
    (
        "quantifiers of an argument",
        "def f(d):\n    return [any(v > 1 for v in d.values()), all(k for k in d), max(d.values()), min(d)]",
        [(_D,)],
    ),
    ("membership in an argument", "def f(d, x):\n    return [x in d, x in d.keys(), len(d), d.get(x)]", [(_D, "a")]),
    ("comprehension over keys", "def f(d):\n    return {k: v + 1 for k, v in d.items() if v > 1}", [(_D,)]),
    ("dict of pairs of an argument", "def f(d):\n    return dict((k, v * 2) for k, v in d.items())", [(_D,)]),
    (
        "entries of keys",
        "def f(d):\n    out = {}\n    for k, v in d.items():\n        out[k] = v\n    return out",
        [(_D,)],
    ),
    (
        "lists of keys",
        "def f(d):\n    out = {}\n    for k in d:\n        out[k] = []\n        out[k].append(d[k])\n    return out",
        [(_D,)],
    ),
    (
        "sum in a loop",
        "def f(d):\n    t = 0\n    for k, v in d.items():\n        if v > 1:\n            t += v\n    return t",
        [(_D,)],
    ),
    ("counts of values", f"{_COUNT}        c[v] = c.get(v, 0) + 1\n    return c", [(_D,)]),
    (
        "counts with a test",
        f"{_COUNT}        if v in c:\n            c[v] += 1\n        else:\n            c[v] = 1\n    return c",
        [(_D,)],
    ),
    (
        "counts from zero",
        f"{_COUNT}        if v not in c:\n            c[v] = 0\n        c[v] += 1\n    return c",
        [(_D,)],
    ),
    (
        "sorted without ties",
        "def f(d):\n    pairs = sorted(d.items(), key=lambda p: (-p[1], p[0]))\n"
        "    return pairs, sorted(set(d), key=lambda s: (len(s), s))",
        [(_D,)],
    ),
    (
        "search in an argument",
        "def f(d):\n    for k, v in d.items():\n        if v > 1:\n            return True\n    return False",
        [(_D,)],
    ),
    (
        "inversion of an own dict",
        "def f(s):\n    d = {c: i % 2 for i, c in enumerate(s)}\n    return {v: k for k, v in d.items()}",
        [("zamqb",)],
    ),
    ("text of a dict", 'def f():\n    m = {}\n    m["z"] = 1\n    m["b"] = 2\n    m["a"] = 3\n    return str(m)', [()]),
    ("text in a dict", 'def f(s):\n    m = {c: [c] for c in s}\n    return f"{m} {[m]!r}"', [("zab",)]),
    (
        "function in a loop",
        "def f(xs):\n    ys = []\n    for i in xs:\n        ys += sorted(xs, key=lambda x: abs(x - i))\n    return ys",
        [([1, 2, 3],)],
    ),
    (
        "cache in a default",
        "def f(n, memo={}):\n    if n in memo:\n        return memo[n]\n    if n < 2:\n        return n\n"
        "    memo[n] = f(n - 1) + f(n - 2, memo)\n    return memo[n]",
        [(12,)],
    ),
    ("default that is read", "def g(x, ys=[1, 2]):\n    return x in ys\ndef f(x):\n    return g(x)", [(1,), (3,)]),
    ("default of a parameter", "def f(x):\n    def g(y=x):\n        return y + 1\n    return g() + g(2)", [(5,)]),
    ("shared items", "def f():\n    a = [[]] * 3\n    a[0].append(1)\n    return a", [()]),
    ("repetition", "def f(n):\n    return [0] * n, [1, 2] * n, (1,) * n, [None] * n, [[]] * n", [(2,), (-1,)]),
    (
        "missing key of a defaultdict",
        "from collections import defaultdict, Counter\ndef f(xs):\n    d = defaultdict(int)\n    c = Counter(xs)\n"
        "    for x in xs:\n        d[x] += 1\n    y = d[99] + c[99]\n    return len(d), len(c), y",
        [([1, 2, 2],)],
    ),
    (
        "count of unpacked values",
        "def f(xs):\n    try:\n        a, b = xs\n    except ValueError:\n        return -1\n    return a + b",
        [([1, 2, 3],), ([1],), ([1, 2],)],
    ),
    (
        "count of values before a star",
        "def f(xs):\n    try:\n        a, *b = xs\n    except ValueError:\n        return []\n    return b",
        [([],), ([1, 2],)],
    ),
    (
        "rounding of formats",
        "def f(x):\n    return f'{x:.0f}|{x:.1f}|{x:8.2f}|{x:.1%}' + '%.0f %.1e' % (x, x) + '{:.1f}'.format(x)",
        [(2.5,), (-1.25,), (0.125,), (0.5,), (1e22,)],
    ),
    (
        "rounding to digits",
        "def f(x):\n    return [round(x, 2), round(x, 1), round(x, -1)]",
        [(2.675,), (0.15,), (25.0,)],
    ),
    (
        "integers in texts",
        "def f(s):\n    try:\n        return int(s)\n    except ValueError:\n        return -1",
        [("0x10",), ("0b1",), ("0o7",), (" 1_000 ",), ("-5",), ("",)],
    ),
    (
        "floats in texts",
        "def f(s):\n    try:\n        return float(s)\n    except ValueError:\n        return -1.0",
        [("0x1p3",), ("1.5",), (" 2 ",), ("1f2",), ("",)],
    ),
    ("modulo by zero", f"{_TRY}x % y\n    except ZeroDivisionError:\n        return -99.0", [(1.5, 0.0), (7.5, -2.0)]),
    ("floor by zero", f"{_TRY}x // y\n    except ZeroDivisionError:\n        return -99.0", [(1.5, 0.0), (7.5, -2.0)]),
    (
        "zero in a helper",
        f"def g(x, y):\n    return x / y\n{_TRY}g(x, y)\n    except ZeroDivisionError:\n        return -1.0",
        [(1.0, 0.0), (1.0, 2.0)],
    ),
    (
        "pop of nothing",
        "def f(xs):\n    try:\n        return xs.pop() + xs.pop(0)\n    except IndexError:\n        return -1",
        [([1],), ([],), ([1, 2],)],
    ),
    (
        "missing entries",
        "def f(d, s):\n    try:\n        s.remove('a')\n        del d['b']\n    except KeyError:\n        return -1\n"
        "    return len(d)",
        [({"b": 1}, {"b"}), ({"a": 1}, {"a"}), ({"b": 1}, {"a"})],
    ),
    (
        "name of an item",
        "def item(x):\n    return x + 1\ndef f(xs):\n    x = 1\n    return sorted(map(item, xs))",
        [([2],)],
    ),
    ("slice past the end", "def f(xs):\n    xs[5:] = [1]\n    xs[:1] = [7, 8]\n    return xs", [([1, 2],), ([],)]),
    ("format of a bool", "def f(x):\n    return f'{x:>6}|{x:d}|{x}'", [(True,)]),
    (
        "reversal of links",
        "def f(nxt):\n    prev, cur = -1, 0\n    while cur != -1:\n        following = nxt[cur]\n"
        "        nxt[cur], prev, cur = prev, cur, following\n    return nxt",
        [([1, 2, -1],)],
    ),
    (
        "compression of paths",
        "def f(parent, x):\n    root = 3\n    while parent[x] != x:\n        nxt = parent[x]\n"
        "        parent[x], x = root, nxt\n    return parent",
        [([1, 2, 3, 3], 0)],
    ),
    ("key and its entry", "def f():\n    d = {}\n    k = 'a'\n    d[k], k = 1, 'z'\n    return d, k", [()]),
    ("item of a set", "def f(xs):\n    s = set(xs)\n    return s.pop(), len(s)", [([4, 4],)]),
]

_LOOP = "def f(d):\n    out = {}\n    for k, v in d.items():\n        "
_SUM = "def f(d):\n    n = total = 0\n    for k, v in d.items():\n        "
_DICT = "an iteration over a dict argument whose order matters"
_SET = "an iteration over a set whose order matters"

#: sources of functions of a dict ``d`` or list ``xs``, and the constructs that their refusals name
REFUSED = [
    (f"{_LOOP}out[v] = k\n    return out", _DICT),
    ("def f(d):\n    return {v: k for k, v in d.items()}", _DICT),
    ("def f(d):\n    return dict(zip(d.values(), d.keys()))", _DICT),
    ("def f(d):\n    return dict((v, k) for k, v in d.items())", _DICT),
    (f"{_LOOP}if v not in out:\n            out[v] = k\n    return out", _DICT),
    (f"{_LOOP}out[k[0]] = d[k]\n    return out", _DICT),
    (f"{_LOOP}out[k] = v\n    return [k for k in out]", _DICT),
    ("def f(d):\n    out = {k: v for k, v in d.items()}\n    return list(out)", _DICT),
    (f"{_SUM}n += 1\n        total += v * n\n    return total", _DICT),
    ("def f(d):\n    t = 0\n    for i, v in enumerate(d.values()):\n        t += v * i\n    return t", _DICT),
    ("def f(d):\n    return sum(i * v for i, v in enumerate(d.values()))", _DICT),
    ("def f(d):\n    return sum(v * w for v, w in zip(d.values(), [1, 2, 3, 4]))", _DICT),
    ("def f(d):\n    return sum(list(d.values())[:2])", _DICT),
    ("def f(d):\n    return any(list(d) == list(d) for k in d)", _DICT),
    (f"{_SUM}if total + v <= 10:\n            total += v\n    return total", _DICT),
    (f"{_SUM}n -= v\n        n *= 2\n    return n", _DICT),
    (f"{_LOOP[:-8]}        seen = out\n        seen[v] = len(k)\n    return out", _DICT),
    (
        "def f(d):\n    seen = set()\n    t = 0\n    for k, v in d.items():\n        if v not in seen:\n"
        "            t += len(k)\n        seen.add(v)\n    return t",
        _DICT,
    ),
    (f"{_LOOP}out[v % 2] = out.get(v % 2, 0) * 2 + v\n    return out", _DICT),
    (
        "from collections import defaultdict\ndef f(d):\n    g = defaultdict(str)\n    for k, v in d.items():\n"
        "        g[v] += k\n    return g",
        _DICT,
    ),
    ("def f(d):\n    return str(d)", _DICT),
    ('def f(d):\n    return f"{d}"', _DICT),
    ('def f(d):\n    return "%s" % [d]', _DICT),
    ("def f(d):\n    out = {}\n    for x in set(d):\n        out[len(x) % 2] = x\n    return out", _SET),
    ("def f(xs):\n    return sorted(set(xs), key=lambda x: x % 3)", _SET),
    ("def f(xs):\n    return max(set(xs), key=xs.count)", _SET),
    (
        "def f(xs):\n    fs = []\n    for i in xs:\n        fs.append(lambda x: x + i)\n    return [g(10) for g in fs]",
        "a function value that reads a variable of a loop",
    ),
    (
        "def f(xs):\n    fs = [lambda x: x + i for i in xs]\n    return [g(10) for g in fs]",
        "a function value that reads a variable of a loop",
    ),
    (
        "def f(xs):\n    fs = []\n    for i in xs:\n        def g(x):\n            return x + i\n        fs.append(g)\n"
        "    return [g(1) for g in fs]",
        "a function value that reads a variable of a loop",
    ),
    (
        "def g(x, acc=[]):\n    acc.append(x)\n    return acc\ndef f(xs):\n    return [len(g(x)) for x in xs]",
        "the mutable default of acc, which the function changes",
    ),
    (
        "def g(x, seen={}):\n    if x in seen:\n        return True\n    seen[x] = True\n    return False\n"
        "def f(xs):\n    return [g(x) for x in xs]",
        "the mutable default of seen, which the function changes",
    ),
    (
        "def f(xs):\n    x = 1\n    def g(y=x):\n        return y\n    x = 2\n    return g()",
        "the default of y, which is not a constant",
    ),
    ("def f(xs):\n    it = iter(xs)\n    return list(zip(it, it))", "zip of an iterator"),
    ("def f(xs):\n    return list(zip(*[iter(xs)] * 2))", "zip of an iterator"),
    (
        "def f(d):\n    out = {}\n    for k in d:\n        if k not in out:\n"
        "            out[k] = 0\n    return list(out)",
        _DICT,
    ),
    ("def f(d):\n    return all(a < b for a, b in zip(d.values(), list(d.values())[1:]))", _DICT),
    ("def f(xs):\n    return str(set(xs))", _SET),
    (
        "def f(xs):\n    k = 1\n    g = map(lambda x: x * k, xs)\n    k = 10\n    return list(g)",
        "an iterator over values that change",
    ),
    (
        "def f(xs):\n    for k in xs:\n        def h(x):\n            return x * k\n        k = 4\n    return h(3)",
        "a function value that reads a variable of a loop",
    ),
    (
        "def fill(out, d):\n    for k in d:\n        out[k] = 1\n"
        "def f(d):\n    out = {}\n    fill(out, d)\n    return list(out)",
        "a loop that fills a dict of another function",
    ),
    (
        "def f(d):\n    out = {'a': {}}\n    for k in d:\n        out['a'][k] = 1\n    return list(out['a'])",
        _DICT,
    ),
]
