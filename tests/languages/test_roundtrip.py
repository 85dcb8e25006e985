"""Values of every type go into each language and come back equal, and never equal to another value.

An identity function is called with thousands of seeded values; what a card declares unrepresentable has to be
refused with the card's reason, and is counted apart.
"""

import asyncio
import math
import random
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import Unrepresentable, get, names, program, render, toolchain
from glotsmith.languages.card import Card, Equality
from glotsmith.languages.rows import rows
from glotsmith.records import Limits
from glotsmith.sandbox import open_sandbox
from glotsmith.values import BOOL, FLOAT, INT, MIXED, NONE, STR, Parameter, Signature, Type, optional, parse_type
from glotsmith.verification.compare import Comparison, equal
from glotsmith.verification.judge import observe
from glotsmith.verification.wire import parse

WANTED = 2000  #: positive checks, and as many negative ones, per language
PER_PROGRAM = 60
LIMITS = Limits(cpu_s=60, wall_s=400, memory_mb=2048, output_kb=4096)
SCALARS = [INT, FLOAT, STR, BOOL]
ALWAYS = ["int", "float", "str", "str", "bool", "None", "list[str]", "dict[str, float]", "list[object]", "tuple[str]"]
ALWAYS += ["tuple[int, str, float]", "list[tuple[int, str | None]]", "dict[str, dict[int, list[float]]]", "set[int]"]
ALWAYS += ["tuple[int, ...]", "list[list[int]] | None", "tuple[()]", "tuple[list[float], bool | None]"]

# ------------------------------------------------------------------------------------------------- random types

ALPHABETS = [
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
FLOATS = [0.0, -0.0, 0.1, -1.5, 1e16, 1e22, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 123456789.125]
FLOATS += [math.nan, math.inf, -math.inf, 1e-5, 1e100, -3.0, 2.0**53]


def random_type(rng: random.Random, depth: int = 3) -> Type:
    if depth == 0 or rng.random() < 0.25:
        return rng.choice([*SCALARS, *SCALARS, NONE, MIXED])
    inner = lambda: random_type(rng, depth - 1)  # noqa: E731
    match rng.choice(["list", "list", "tuple", "vartuple", "dict", "dict", "set", "optional"]):
        case "tuple":
            return Type("tuple", tuple(inner() for _ in range(rng.choice([0, 1, 2, 2, 3]))))
        case "dict":
            return Type("dict", (random_key(rng), inner()))
        case "set":
            return Type("set", (random_key(rng),))
        case "optional":
            return optional(inner())
        case kind:
            return Type(kind, (inner(),))


def random_key(rng: random.Random) -> Type:
    return rng.choice([STR, STR, INT, INT, BOOL, FLOAT, Type("tuple", (INT, STR))])


def random_value(rng: random.Random, kind: Type, bits: int) -> Any:
    inner = lambda t: random_value(rng, t, bits)  # noqa: E731
    many = lambda t: [inner(t) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))]  # noqa: E731
    match kind.kind:
        case "none":
            return None
        case "bool":
            return rng.random() < 0.5
        case "int":
            return random_int(rng, bits)
        case "float":
            return rng.choice(FLOATS) if rng.random() < 0.4 else random_float(rng)
        case "str":
            return random_text(rng)
        case "mixed":
            return inner(rng.choice([*SCALARS, NONE]))
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


def random_int(rng: random.Random, bits: int) -> int:
    top = 1 << ((bits or 128) - 1)
    edges = [0, 1, -1, top - 1, -top, top - 2, -255, 2**31, -(2**31) - 1]
    if rng.random() < 0.02:
        return rng.choice([top, -top - 1])  # one too wide
    return rng.choice(edges) if rng.random() < 0.3 else rng.randrange(-top, top) >> rng.randrange(top.bit_length())


def random_float(rng: random.Random) -> float:
    return struct.unpack("<d", rng.randbytes(8))[0] if rng.random() < 0.5 else rng.uniform(-1000, 1000)


def random_text(rng: random.Random) -> str:
    alphabet = rng.choice(ALPHABETS) if rng.random() < 0.8 else "".join(ALPHABETS)
    points = [rng.choice(alphabet) for _ in range(rng.choice([0, 1, 2, 5, 12]))]
    if rng.random() < 0.2:
        points.append(chr(rng.choice([rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)])))
    return "".join(points)


# ------------------------------------------------------------------------------------------------ other values


def others(rng: random.Random, value: Any) -> Iterator[Any]:
    """Yield values that differ from ``value`` in one place."""
    match value:
        case None:
            yield from (0, False, "")
        case bool():
            yield from (not value, int(value), None)
        case int():
            yield from (value + 1, -value, value ^ (1 << rng.randrange(60)), str(value))
        case float():
            yield from (
                0.5 if math.isnan(value) or math.isinf(value) else value * 1.5 + 1,
                -value,
                math.nan,
                str(value),
            )
        case str():
            yield from (value + "\0", value[:-1], value[::-1], value.upper(), [value], None)
            yield unicodedata.normalize("NFC", value)
            yield unicodedata.normalize("NFD", value)
        case dict():
            yield from other_maps(rng, value)
        case set():
            yield value | {rng.random()}
            yield set(list(value)[1:])
            yield sorted(value, key=repr)
        case _:
            yield from other_sequences(rng, value)


def other_maps(rng: random.Random, value: dict[Any, Any]) -> Iterator[Any]:
    yield {**value, "another": 1}
    yield list(value.items())
    for key in value:
        yield {k: v for k, v in value.items() if k != key}
        for changed in others(rng, value[key]):
            yield {**value, key: changed}


def other_sequences(rng: random.Random, value: Any) -> Iterator[Any]:
    kind, items = type(value), list(value)
    yield (list if kind is tuple else tuple)(items)
    yield kind([*items, *items[-1:], *([] if items else [0])])
    yield kind(items[:-1])
    yield kind(items[::-1])
    for i, item in enumerate(items):
        for changed in others(rng, item):
            yield kind([*items[:i], changed, *items[i + 1 :]])


def canonical(value: Any, e: Equality) -> str:
    """Write a value so that what the language can't tell apart, by its card, is written alike."""
    match value:
        case None:
            return "[]" if e.null_is_empty and e.empty_is_one else "None"
        case bool():
            return "None" if value is False and e.false_is_none else str(value)
        case int():
            return str(value)
        case float():
            whole = (e.int_is_float or e.float_accepts_int) and value.is_integer()
            return str(int(value)) if whole else repr(value + 0.0)
        case str():
            return repr(value)
        case _:
            return canonical_collection(value, e)


def canonical_collection(value: Any, e: Equality) -> str:
    if not value and e.empty_is_one:
        return "[]"
    if isinstance(value, dict):
        if e.map_from_list and list(value) == list(range(1, len(value) + 1)):
            return canonical_collection(list(value.values()), e)
        key = lambda k: repr(str(k)) if e.keys_are_text and type(k) is int else canonical(k, e)  # noqa: E731
        return f"{{{sorted(f'{key(k)}:{canonical(v, e)}' for k, v in value.items())}}}"
    items = [canonical(x, e) for x in value]
    if isinstance(value, set):
        return f"set{sorted(items)}"
    if e.scalar_is_singleton and len(items) == 1:
        return items[0]
    return f"{'list' if isinstance(value, list) or e.list_is_tuple else 'tuple'}{items}"


# --------------------------------------------------------------------------------------------------- the machine


class Seen(NamedTuple):
    pairs: list[tuple[Any, Any]]  #: value that went in, wire value that came out
    refused: Counter[str]  #: by reason
    failed: list[str]


def batch(card: Card, kind: Type, values: list[Any], refused: Counter[str]) -> list[Any]:
    """Return the values that the language can represent, and count the others by reason."""
    kept: list[Any] = []
    for value in values:
        try:
            render.literal(card, value, kind)
            render.type_text(card, kind)
            render.printer(card, kind)
            kept.append(value)
        except Unrepresentable as error:
            refused[str(error)] += 1
    return kept


async def identity(card: Card, batches: list[tuple[Type, list[Any]]], before: str = "") -> Seen:
    """Call the identity function with every value of every batch, one program per batch."""
    seen, code = Seen([], Counter(), []), before + rows(card.name)["accepted"].code
    sandbox = open_sandbox()
    try:
        for kind, values in batches:
            kept = batch(card, kind, values, seen.refused)
            if kept:
                signature = Signature("f", (Parameter("x", kind),), kind)
                made, mark = program.assemble(card, code, signature, [(v,) for v in kept], "", LIMITS)
                outcome = await sandbox.run(made)
                found = observe(outcome.stdout, mark)
                if found.stage != "end" or found.forged or any(event != "value" for event, _ in found.results):
                    seen.failed.append(
                        f"{kind}: {outcome.ending} {outcome.code} {outcome.stderr[-300:]!r} {found.results[-1:]}"
                    )
                else:
                    seen.pairs.extend(zip(kept, [parse(text) for _, text in found.results], strict=True))
    finally:
        await sandbox.close()
    return seen


def batches_of(card: Card) -> Iterator[tuple[Type, list[Any]]]:
    """Yield enough batches for ``WANTED`` checks; scalars first, then anything."""
    rng, count = random.Random(f"roundtrip {card.name}"), 0
    kinds = map(parse_type, ALWAYS)
    while count < WANTED + PER_PROGRAM:
        kind = next(kinds, None) or random_type(rng)
        values = [random_value(rng, kind, card.limits.int_bits) for _ in range(PER_PROGRAM)]
        yield kind, values
        count += len(batch(card, kind, values, Counter()))


@cache
def machine(name: str) -> Seen:
    card = get(name)
    return asyncio.run(identity(card, list(batches_of(card))))


@pytest.fixture(params=names())
def card(request: pytest.FixtureRequest) -> Card:
    try:
        toolchain.resolve(request.param)
    except ToolchainError as error:
        pytest.skip(str(error))
    return get(request.param)


# --------------------------------------------------------------------------------------------------------- tests


@pytest.mark.slow
def test_values_come_back_equal(card: Card) -> None:
    seen, how = machine(card.name), Comparison(card.equality, tolerance=0.0)
    assert not seen.failed
    assert [(v, w) for v, w in seen.pairs if not equal(v, w, how)] == []
    assert len(seen.pairs) >= WANTED


@pytest.mark.slow
def test_values_never_equal_another_value(card: Card) -> None:
    how, rng, checked, wrong = Comparison(card.equality), random.Random(card.name), 0, []
    pairs = machine(card.name).pairs
    for i, (value, wire) in enumerate(pairs):
        known = canonical(value, card.equality)
        other = [x for x in others(rng, value) if canonical(x, card.equality) != known]
        neighbour = pairs[i - 1][0]
        if canonical(neighbour, card.equality) != known:
            other.append(neighbour)
        for x in other if len(other) < 4 else rng.sample(other, 4):
            checked += 1
            if equal(x, wire, how):
                wrong.append((value, x, wire))
    assert wrong == []
    assert checked >= WANTED


@pytest.mark.slow
def test_what_is_refused_is_refused_with_a_reason_of_the_card(card: Card) -> None:
    known = (*card.refuse.values(), f"{card.limits.int_bits} bits, ")
    for reason in machine(card.name).refused:
        assert any(k in reason for k in known), reason


@pytest.mark.slow
def test_every_code_point_comes_back(card: Card) -> None:
    points = [chr(n) for n in (*range(1, 0xD800), *range(0xE000, 0x110000))]
    texts = ["".join(points[i : i + 1024]) for i in range(0, len(points), 1024)]
    seen = asyncio.run(identity(card, [(STR, texts[i : i + 160]) for i in range(0, len(texts), 160)]))
    assert not seen.failed
    assert [(v[:1], i) for i, (v, w) in enumerate(seen.pairs) if v != w] == []
    assert len(seen.pairs) == len(texts)


@pytest.mark.slow
def test_a_stub_of_any_type_compiles_and_raises(card: Card) -> None:
    """A suite whose types do not compile can be passed by no program (42 % of the published OCaml suites)."""
    assert asyncio.run(stubs(card)) == []


async def stubs(card: Card) -> list[str]:
    rng, wrong, sandbox = random.Random(f"stubs {card.name}"), list[str](), open_sandbox()
    try:
        for kind in (random_type(rng) for _ in range(25)):
            value = random_value(rng, kind, card.limits.int_bits)
            if batch(card, kind, [value], Counter()):
                signature = Signature("f", (Parameter("x", kind), Parameter("end", INT)), kind)
                code = render.signature_text(card, card.syntax.stub, signature)
                made, mark = program.assemble(card, code, signature, [(value, 1)], "", LIMITS)
                outcome = await sandbox.run(made)
                events = [event for event, _ in observe(outcome.stdout, mark).results]
                wrong.extend([] if events == ["raised"] else [f"{code}\n{outcome.stderr[-500:].decode()}"])
    finally:
        await sandbox.close()
    return wrong


NASTY = (
    r"""
def f(x): "don't 'say' \ it
{'a': {"b"}} {|x| {id| '"' '\'' '\n
--[[ x ]] (* *) *) (* |# #| =# #= #; """
    + "\t\x0c\u2028é"
)


@pytest.mark.slow
def test_anything_can_stand_in_a_comment(card: Card) -> None:
    before = "".join(f"{render.comment(card, x)}\n" for x in (NASTY, *NASTY.split()))
    seen = asyncio.run(identity(card, [(INT, [1, 2])], before))
    assert not seen.failed
    assert [equal(v, w, Comparison(card.equality)) for v, w in seen.pairs] == [True, True]


@pytest.mark.parametrize(
    ("value", "other", "alike"),
    [
        ([1, 2], (1, 2), {"list_is_tuple"}),
        (1, 1.0, {"int_is_float", "float_accepts_int"}),
        ([], {}, {"empty_is_one", "map_from_list"}),
        ({1: "a"}, ["a"], {"map_from_list"}),
        ({1: "a"}, {"1": "a"}, {"keys_are_text"}),
        ([1], 1, {"scalar_is_singleton"}),
        (False, None, {"false_is_none"}),
        (1, True, set()),
        ("1", 1, set()),
        (0.0, -0.0, None),
    ],
)
def test_canonical_text_conflates_what_a_flag_says(value: object, other: object, alike: set[str] | None) -> None:
    for flag in Equality.__struct_fields__:
        same = canonical(value, Equality(**{flag: True})) == canonical(other, Equality(**{flag: True}))
        assert same == (alike is None or flag in alike), flag
