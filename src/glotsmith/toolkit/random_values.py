"""Generate values of random types from a seed, and values that differ from them in one place."""

import math
import random
import struct
import unicodedata
from collections.abc import Iterator, Sequence
from functools import partial
from typing import cast

from glotsmith.languages.card import Equality
from glotsmith.values import BOOL, FLOAT, INT, MIXED, NONE, STR, Type, Value, list_of, optional

_SCALARS = [INT, FLOAT, STR, BOOL]
#: types that are tested in every language before random ones
FIXED_TYPES = (
    *("int", "float", "str", "str", "bool", "None", "list[str]", "dict[str, float]", "list[object]", "tuple[str]"),
    *("tuple[int, str, float]", "list[tuple[int, str | None]]", "dict[str, dict[int, list[float]]]", "set[int]"),
    *("tuple[int, ...]", "list[list[int]] | None", "tuple[()]", "tuple[list[float], bool | None]"),
)

_ALPHABETS = [
    "abcXYZ019 _-",
    "\"'`\\$#@{}[]()%;,~^|&<>",
    "\0\x01\x07\b\t\n\v\f\r\x1b\x1f\x7f\x80\x85\x9f\xa0\xad",
    "@{key}\\n\\0${x}#{x}%s\\u0041",
    "éßñÅøŁžĳ",
    "e\u0301a\u0300\u0323o\u0308\u1100\u1161\u11a8",
    "שלום\u202eمرحبا\u200f\u061c",
    "漢字かなカナ한국어",
    "😀👩\u200d👩\u200d👧🇫🇷𝒳𐍈\U0010ffff",
    "\u2028\u2029\ufeff\ufffe\uffff\ufffd\u200b\ufdd0",
]
_FLOATS = [
    *(0.0, -0.0, 0.1, -1.5, 1e16, 1e22, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 123456789.125),
    *(math.nan, math.inf, -math.inf, 1e-5, 1e100, -3.0, 2.0**53),
]


def seeded_random(*parts: str) -> random.Random:
    """Return a random generator that gives the same values on every machine."""
    return random.Random(" ".join(parts))  # noqa: S311 (not for secrets)


# ------------------------------------------------------------------------------------------------- random values


def random_type(rng: random.Random, depth: int = 3) -> Type:
    """Return a random type with at most ``depth`` nested constructors."""
    if depth == 0 or rng.random() < 0.25:
        return rng.choice([*_SCALARS, *_SCALARS, NONE, MIXED])
    inner = partial(random_type, rng, depth - 1)
    match rng.choice(["list", "list", "tuple", "vartuple", "dict", "dict", "set", "optional"]):
        case "tuple":
            return Type("tuple", tuple(inner() for _ in range(rng.choice([0, 1, 2, 2, 3]))))
        case "dict":
            return Type("dict", (_random_key(rng), inner()))
        case "set":
            return Type("set", (_random_key(rng),))
        case "optional":
            return optional(inner())
        case "vartuple":
            return Type("vartuple", (inner(),))
        case _:
            return list_of(inner())


def _random_key(rng: random.Random) -> Type:
    return rng.choice([STR, STR, INT, INT, BOOL, FLOAT, Type("tuple", (INT, STR))])


def random_value(rng: random.Random, kind: Type, bits: int) -> Value:
    """Return a random value of a type; ``bits`` is the width of ints (0: unlimited)."""

    def inner(of: Type) -> Value:
        return random_value(rng, of, bits)

    def many(of: Type) -> list[Value]:
        return [inner(of) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))]

    match kind.kind:
        case "none":
            return None
        case "bool":
            return rng.random() < 0.5
        case "int":
            return _random_int(rng, bits)
        case "float":
            return rng.choice(_FLOATS) if rng.random() < 0.4 else _random_float(rng)
        case "str":
            return _random_text(rng)
        case "mixed":
            return inner(rng.choice([*_SCALARS, NONE]))
        case "optional":
            return None if rng.random() < 0.3 else inner(kind.args[0])
        case "list":
            return many(kind.args[0])
        case "tuple":
            return tuple(map(inner, kind.args))
        case "vartuple":
            return tuple(many(kind.args[0]))
        case "set":
            return set(many(kind.args[0]))
        case _:
            return {inner(kind.args[0]): inner(kind.args[1]) for _ in range(rng.choice([0, 1, 2, 3]))}


def _random_int(rng: random.Random, bits: int) -> int:
    top = 1 << ((bits or 128) - 1)
    edges = [0, 1, -1, top - 1, -top, top - 2, -255, 2**31, -(2**31) - 1]
    if rng.random() < 0.02:
        return rng.choice([top, -top - 1])  # does not fit into the width
    return rng.choice(edges) if rng.random() < 0.3 else rng.randrange(-top, top) >> rng.randrange(top.bit_length())


def _random_float(rng: random.Random) -> float:
    return struct.unpack("<d", rng.randbytes(8))[0] if rng.random() < 0.5 else rng.uniform(-1000, 1000)


def _random_text(rng: random.Random) -> str:
    alphabet = rng.choice(_ALPHABETS) if rng.random() < 0.8 else "".join(_ALPHABETS)
    points = [rng.choice(alphabet) for _ in range(rng.choice([0, 1, 2, 5, 12]))]
    if rng.random() < 0.2:
        points.append(chr(rng.choice([rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)])))
    return "".join(points)


# -------------------------------------------------------------------------------------------------- other values


def different_values(rng: random.Random, value: Value) -> Iterator[Value]:
    """Yield values that differ from ``value`` in one place."""
    match value:
        case None:
            yield from (0, False, "")
        case bool():
            yield from (not value, int(value), None)
        case int():
            yield from (value + 1, -value, value ^ (1 << rng.randrange(60)), str(value))
        case float():
            near = 0.5 if math.isnan(value) or math.isinf(value) else value * 1.5 + 1
            yield from (near, -value, math.nan, str(value))
        case str():
            yield from (value + "\0", value[:-1], value[::-1], value.upper(), [value], None)
            yield unicodedata.normalize("NFC", value)
            yield unicodedata.normalize("NFD", value)
        case dict():
            yield from _other_maps(rng, cast(dict[Value, Value], value))
        case set():
            members = cast(set[Value], value)
            yield members | {rng.random()}
            yield set(list(members)[1:])
            yield sorted(members, key=repr)
        case _:
            yield from _other_sequences(rng, cast(Sequence[Value], value))


def _other_maps(rng: random.Random, value: dict[Value, Value]) -> Iterator[Value]:
    yield {**value, "another": 1}
    yield list(value.items())
    for key in value:
        yield {k: v for k, v in value.items() if k != key}
        for changed in different_values(rng, value[key]):
            yield {**value, key: changed}


def _other_sequences(rng: random.Random, value: Sequence[Value]) -> Iterator[Value]:
    items = list(value)
    kind, other_kind = (tuple, list) if isinstance(value, tuple) else (list, tuple)
    yield other_kind(items)
    yield kind([*items, *items[-1:], *([] if items else [0])])
    yield kind(items[:-1])
    yield kind(items[::-1])
    for i, item in enumerate(items):
        for changed in different_values(rng, item):
            yield kind([*items[:i], changed, *items[i + 1 :]])


# ------------------------------------------------------------------------------------------------ canonical texts


def canonical(value: Value, e: Equality) -> str:
    """Return a text of a value. Values that the language does not distinguish, by its card, have equal texts."""
    match value:
        case None:
            return "[]" if e.null_is_empty and e.empty_is_one else "None"
        case bool():
            if value is False and e.false_is_none:
                return canonical(None, e)
            return str(int(value)) if e.bool_is_number else str(value)
        case int():
            return str(value)
        case float():
            whole = (e.int_is_float or e.float_accepts_int) and value.is_integer()
            return str(int(value)) if whole else repr(value + 0.0)
        case str():
            return canonical(False, e) if value == "" and e.bool_is_number else repr(value)
        case _:
            return _canonical_collection(value, e)


def _canonical_collection(value: Value, e: Equality) -> str:
    if not value and e.empty_is_one:
        return "[]"
    if isinstance(value, dict):
        pairs = cast(dict[Value, Value], value)
        if e.map_from_list and [_canonical_key(k, e) for k in pairs] == [
            _canonical_key(k, e) for k in range(e.first_key, e.first_key + len(pairs))
        ]:
            return _canonical_collection(list(pairs.values()), e)
        return f"{{{sorted(f'{_canonical_key(k, e)}:{canonical(v, e)}' for k, v in pairs.items())}}}"
    items = [canonical(x, e) for x in cast(Sequence[Value], value)]
    if isinstance(value, set):
        return f"set{sorted(items)}"
    if e.scalar_is_singleton and len(items) == 1:
        return items[0]
    return f"{'list' if isinstance(value, list) or e.list_is_tuple else 'tuple'}{items}"


def _canonical_key(key: Value, e: Equality) -> str:
    return repr(str(key)) if e.keys_are_text and type(key) is int else canonical(key, e)
