"""Make pools of values of a type, simple values first: edge cases, constants of the function, random values."""

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, NamedTuple, cast

from glotsmith.records import Function
from glotsmith.suites.parameters import body_without_docstring, parse_definition
from glotsmith.values import ANY, Type, Value

_INTS = (3, 5, 0, 1, 2, 7, 10, -1, 4, 12, -4, 6, 100, 17, 9, 64, 97, 255, 1000, 2024)
_FLOATS = (2.5, 1.0, 0.0, -1.5, 0.5, 3.75, 10.0, 100.0, 0.1, -0.25, 45.0, 7.0)
_STRINGS = (
    "hello world", "abc", "", "a", "Hello, World!", "racecar", "aabbbc", "12", "a,b,c", "naïve café", "foo_bar_baz",
    "FooBar", "  pad ded ", "The quick brown fox", "-3.5", "2020-01-15", "(a(b)c)", "x=1;y=2", "101", "ff0",
    "one\ntwo\n\nthree",
    "12:30:45", "1.2.3", "XIV", "user@example.com", "/usr/lib/x.py", "http://example.com/a?b=c", "[1, 2]", "AbC",
    "zz top", "<b>bold</b>", "It's 5 o'clock", "a-b_c d", "AACGT", "#ff8800", "3 + 4 * 2", "aaa",
)  # fmt: skip
_UNICODE = ("日本語", "ß")
#: types nested deeper than this get only the empty value, because the size of a pool grows exponentially with the depth
_MOST_LEVELS = 4
_EMPTY: dict[str, Callable[[], Value]] = {"list": list, "vartuple": tuple, "set": set, "dict": dict}
_MAX_ELEMENTS = 8  #: largest number of elements of a generated container


class SourceConstants(NamedTuple):
    """The constants in the body of a function and in its helpers, and strings that its docstring quotes."""

    ints: tuple[int, ...] = ()
    floats: tuple[float, ...] = ()
    strings: tuple[str, ...] = ()


def collect_constants(function: Function) -> SourceConstants:
    """Return the constants that inputs may have to contain, in order of appearance, at most twenty of each type."""
    nodes = [n for s in body_without_docstring(parse_definition(function)) for n in ast.walk(s)]
    nodes += _helper_nodes(function.helpers)
    found = [n.value for n in nodes if isinstance(n, ast.Constant)]
    ints = [x for x in found if type(x) is int and abs(x) < 10**6]
    floats = [x for x in found if type(x) is float and abs(x) < 10**6]
    quoted = [a or b for a, b in re.findall(r"'([^'\n]{1,30})'|\"([^\"\n]{1,30})\"", function.docstring)]
    strings = [*(x for x in found if type(x) is str and len(x) <= 30), *quoted]
    return SourceConstants(
        _first_distinct(y for x in ints for y in (x, x + 1, x - 1)), _first_distinct(floats), _first_distinct(strings)
    )


def _helper_nodes(helpers: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(helpers)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _first_distinct(items: Iterable[Any], count: int = 20) -> tuple[Any, ...]:
    return tuple(list(dict.fromkeys(items))[:count])


def value_pool(type_: Type, constants: SourceConstants, random: Random | None) -> list[Value]:
    """Return values of a type, simple values first.

    The values depend on the state of ``random`` only. Without it, no random values are added.
    """
    match type_.kind:
        case "none":
            return [None]
        case "bool":
            return [True, False]
        case "int" | "any" | "mixed":
            return _merge(_INTS, constants.ints, [random.randint(-50, 200) for _ in range(6)] if random else ())
        case "float":
            return _merge(
                _FLOATS, constants.floats, [round(random.uniform(-50, 200), 2) for _ in range(6)] if random else ()
            )
        case "str":
            return _merge(
                _STRINGS, constants.strings, _join_constants(constants.strings, random) if random else (), _UNICODE
            )
        case "optional":
            return [*value_pool(type_.args[0], constants, random), None]
        case "tuple":
            return _tuples([value_pool(a, constants, random) for a in type_.args], random)
        case _ if _nesting_levels(type_) > _MOST_LEVELS:
            return [_EMPTY[type_.kind]()]
        case "dict":
            return _dict_values(type_, constants, random)
        case _:
            return _collections(type_, constants, random)


def _nesting_levels(type_: Type) -> int:
    """Return the number of nested levels of a type; 1 for a type without arguments."""
    return 1 + max(map(_nesting_levels, type_.args), default=0)


def _merge(plain: Sequence[Value], constants: Sequence[Value], *more: Sequence[Value]) -> list[Value]:
    """Return a few simple values, then the constants of the function, then the other values."""
    return list(dict.fromkeys([*plain[:4], *constants, *plain[4:], *(x for m in more for x in m)]))


def _join_constants(strings: Sequence[str], random: Random) -> list[str]:
    """Return random concatenations of the string constants.

    Functions that parse Roman numerals, keywords or separated words need them.
    """
    parts = [s for s in strings if s][:20]
    if not parts:
        return []
    words = [*parts, "a", "b1", "7"]
    return ["".join(random.choices(words, k=random.randint(2, 4)))[:40] for _ in range(12)]


def _tuples(pools: Sequence[Sequence[Value]], random: Random | None) -> list[Value]:
    if not pools:
        return [()]
    if random is None:
        return list(zip(*(p[:4] for p in pools), strict=False))
    return [tuple(p[0] for p in pools), *(tuple(random.choice(p) for p in pools) for _ in range(12))]


def _collections(type_: Type, constants: SourceConstants, random: Random | None) -> list[Value]:
    inner = type_.args[0] if type_.args else ANY
    items = value_pool(inner, constants, random)
    lists = _matrices(items) if inner.kind == "list" else []
    lists += [list(x) for x in _lists_of(items, random)]
    make = {"list": list[Value], "vartuple": tuple[Value, ...], "set": _set_or_empty}[type_.kind]
    made = [make(x) for x in lists]
    return [x for n, x in enumerate(made) if x not in made[:n]] if type_.kind == "set" else made


def _set_or_empty(items: list[Value]) -> Value:
    try:
        return set(items)
    except TypeError:
        return set[Value]()


def _matrices(rows: Sequence[Value]) -> list[Value]:
    """Return regular matrices, because most functions on nested lists require them."""
    cells = [x for row in rows for x in cast(list[Value], row)][:16] or [0]
    full = (cells * 16)[:16]
    shapes = ((2, 2), (3, 3), (2, 3), (3, 2), (1, 1), (1, 3), (4, 4))
    return [[full[r * width : (r + 1) * width] for r in range(height)] for height, width in shapes]


def _lists_of(items: Sequence[Value], random: Random | None) -> list[list[Value]]:
    """Return lists of some items in many forms: unordered, empty, single, repeated, sorted, reversed, long, random."""
    head = list(items[:4])
    shapes = [[head[i % len(head)] for i in (0, 2, 1)], [], head[:1], [*head, *head[:2]], head[::-1], head[:2]]
    if all(isinstance(x, int | float | str) for x in items):
        ordered = sorted(items[:7])
        shapes += [ordered, ordered[::-1], [items[0]] * 4, ordered[:3], list(items[:1]) * 2]
    if random is None:
        return shapes
    shapes += [random.choices(items, k=random.randint(2, _MAX_ELEMENTS)) for _ in range(14)]
    shapes += [random.sample(items, k=min(len(items), n)) for n in (3, 3, 5, 5)]
    if all(isinstance(x, int) for x in items):
        shapes += [list(range(1, 7)), [random.randint(0, 3) for _ in range(8)], [1, 2, 3], [0, 1, 0, 1]]
    return shapes


def _dict_values(type_: Type, constants: SourceConstants, random: Random | None) -> list[Value]:
    key_type, value_type = type_.args
    keys, values = _key_pool(value_pool(key_type, constants, random)), value_pool(value_type, constants, random)
    plain = dict(zip(keys, values, strict=False))
    made: list[Value] = [dict(list(plain.items())[:3]), {}, dict(list(plain.items())[:1])]
    if value_type == Type("list", (key_type,)):
        made = _graphs(keys, random) + made
    if random is None:
        return made
    for size in (2, 3, 4, 5, 2, 3, 4, 6):
        made.append({k: random.choice(values) for k in random.sample(keys, k=min(size, len(keys)))})
    return made


def _key_pool(items: Sequence[Value]) -> list[Value]:
    scalars = [x for x in items if isinstance(x, int | float | str) and (not isinstance(x, str) or 0 < len(x) <= 12)]
    return (["a", "b", "c", "d", *scalars] if scalars and isinstance(scalars[0], str) else scalars) or list(range(4))


def _graphs(keys: Sequence[Value], random: Random | None) -> list[Value]:
    """Return graphs in which every neighbour is a node: a path, a cycle, a star, two components, random graphs."""
    a, b, c, d = keys[:4] if len(keys) >= 4 else (0, 1, 2, 3)
    fixed: list[Value] = [
        {a: [b], b: [c], c: []},
        {a: [b], b: [c], c: [a]},
        {a: [b, c, d], b: [a], c: [a], d: [a]},
        {a: [b], b: [a], c: [d], d: [c]},
        {a: []},
    ]
    if random is None:
        return fixed
    return fixed + [{n: random.sample([a, b, c, d], k=random.randint(0, 3)) for n in (a, b, c, d)} for _ in range(5)]
