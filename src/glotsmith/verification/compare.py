"""Compare a result with the expected value, outside the sandbox.

A map arrives as pairs of key and value (``{"m": …}``). A driver also sends an association list as pairs if the declared
type is a dict (OCaml, Haskell). Pairs match in any order, and a key that occurs twice is a difference. Ints compare
exactly, floats by a relative or an absolute tolerance. nan equals nan. A nan or an infinity never equals a finite
number. A number never equals a string, and only the null of the language equals None. Values that a language does not
distinguish are equal by a flag of its card (``languages.card.Equality``).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import cast

import msgspec

from glotsmith.languages.card import Equality
from glotsmith.languages.render import is_vector
from glotsmith.records import TOLERANCE
from glotsmith.values import NotLiteral, Value
from glotsmith.verification.wire_format import WireValue, parse_wire_float, split_tag

WirePairs = list[tuple[WireValue, WireValue]]


class ComparisonRules(msgspec.Struct, frozen=True):
    """How the values of one language are compared."""

    equality: Equality
    tolerance: float = TOLERANCE  #: relative tolerance of floats
    absolute: float = 0.0  #: absolute tolerance of floats; the wider of both counts


def matches_expected(expected: Value, wire: WireValue, rules: ComparisonRules) -> bool:
    """Return whether a wire value equals ``expected`` by the rules of the language."""
    try:
        return _equal(expected, wire, rules)
    except (NotLiteral, RecursionError):
        return False


def describe_type_mismatch(expected: Value, wire: WireValue, rules: ComparisonRules) -> str:
    """Return how the type of the result differs from that of ``expected``; "" if the types may agree."""
    wanted, found = _kind(expected), _wire_kind(wire)
    if not wanted or not found or wanted == found:
        return ""
    if "a collection" in (wanted, found) and rules.equality.scalar_is_singleton and found != _OWN_KIND:
        return ""
    return f"{wanted} is expected, the result is {found}"


_OWN_KIND = "a value without a Python type"


def _kind(value: Value) -> str:
    """Return the kind of a Python value; "" for None and bools, which several languages print as other values."""
    match value:
        case None | bool():
            return ""
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case _:
            return "a collection"


def _wire_kind(wire: WireValue) -> str:
    kind, _ = split_tag(wire)
    return _kind(wire) if kind == "" else {"f": "a number", "x": _OWN_KIND}.get(kind, "a collection")


def _equal(expected: Value, wire: WireValue, rules: ComparisonRules) -> bool:
    kind, content = split_tag(wire)
    match expected:
        case None:
            return wire is None or (wire is False and rules.equality.false_is_none)
        case bool():
            return wire is expected or (rules.equality.bool_is_number and _is_bool(expected, kind, content))
        case int() | float():
            return _number(expected, kind, content, rules)
        case str():
            return isinstance(wire, str) and wire == expected
        case _:
            return _collection(expected, wire, rules)


def _is_bool(expected: bool, kind: str, content: WireValue) -> bool:
    """Return whether a number, or an empty string, represents the expected bool."""
    accepted = (1,) if expected else (0, "")
    if kind == "f":
        return parse_wire_float(content) in accepted
    return kind == "" and isinstance(content, int | str) and content in accepted


def _number(expected: float | int, kind: str, content: WireValue, rules: ComparisonRules) -> bool:
    """Compare numbers; ``content`` is an int (kind "") or the text of a float (kind "f")."""
    if isinstance(content, bool) and rules.equality.bool_is_number:
        content = int(content)
    if kind == "" and isinstance(content, int) and not isinstance(content, bool):
        if isinstance(expected, int):
            return content == expected
        return (rules.equality.int_is_float or rules.equality.float_accepts_int) and _float_equal(
            expected, content, rules
        )
    if kind != "f":
        return False
    if isinstance(expected, int):
        return rules.equality.int_is_float and parse_wire_float(content) == expected
    return _float_equal(expected, parse_wire_float(content), rules)


def _float_equal(expected: float, actual: float | int, rules: ComparisonRules) -> bool:
    if math.isnan(expected) or math.isinf(expected):
        return (
            actual != actual if math.isnan(expected) else actual == expected
        )  # the actual int may be too large for isnan
    try:
        return math.isfinite(actual) and _is_close(expected, actual, rules)
    except OverflowError:  # an int too large for a float
        return False


def _is_close(expected: float, actual: float, rules: ComparisonRules) -> bool:
    return math.isclose(expected, actual, rel_tol=rules.tolerance, abs_tol=rules.absolute)


def _collection(expected: Value, wire: WireValue, rules: ComparisonRules) -> bool:
    e = rules.equality
    if not expected and e.empty_is_one and _is_empty(wire, e):
        return True
    match expected:
        case list() | tuple():
            items = cast(Sequence[Value], expected)
            return _sequence(items, _elements(items, wire, e), rules)
        case set() | frozenset():
            content = _tagged(wire, "" if e.set_is_list else "s")
            same = partial(_equal, rules=rules)
            return content is not None and _unordered(cast(set[Value], expected), content, same)
        case dict():
            pairs = _pairs(wire, e)
            items = cast(dict[Value, Value], expected).items()
            return pairs is not None and _unordered(items, pairs, partial(_pair, rules=rules))
        case _:
            return False


def _is_empty(wire: WireValue, e: Equality) -> bool:
    kind, content = split_tag(wire)
    null = wire is None or (wire is False and e.false_is_none)
    return (null and e.null_is_empty) or (kind in ("", "t", "m", "s") and content == [])


def _tagged(wire: WireValue, kind: str) -> list[WireValue] | None:
    found, content = split_tag(wire)
    return cast(list[WireValue], content) if found == kind and isinstance(content, list) else None


def _elements(expected: Sequence[Value], wire: WireValue, e: Equality) -> Sequence[WireValue] | None:
    """Return the elements of a wire list or tuple; None if the result is neither."""
    plain, tupled = _tagged(wire, ""), _tagged(wire, "t")
    if e.vector_of_scalars and not is_vector(expected):
        return tupled
    if isinstance(expected, tuple) and tupled is not None:
        return tupled
    if plain is not None and (isinstance(expected, list) or e.list_is_tuple):
        return plain
    scalar = split_tag(wire)[0] in ("", "f") and plain is None and wire is not None
    return [wire] if e.scalar_is_singleton and scalar else None


def _pairs(wire: WireValue, e: Equality) -> WirePairs | None:
    pairs = _tagged(wire, "m")
    if pairs is not None:  # the program may have written the line itself, with any content
        return (
            cast(WirePairs, pairs)
            if all(isinstance(p, list) and len(cast(list[WireValue], p)) == 2 for p in pairs)
            else None
        )
    plain = _tagged(wire, "")
    if plain is None or not e.map_from_list:
        return None
    keys = range(e.first_key, e.first_key + len(plain))
    return list(zip(map(str, keys) if e.keys_are_text else keys, plain, strict=True))


def _sequence(expected: Sequence[Value], found: Sequence[WireValue] | None, rules: ComparisonRules) -> bool:
    if found is None or len(found) != len(expected):
        return False
    return all(_equal(x, w, rules) for x, w in zip(expected, found, strict=True))


def _unordered(expected: Iterable[Value], found: list[WireValue], same: Callable[[Value, WireValue], bool]) -> bool:
    """Match each expected element with one found element, in any order; duplicates count."""
    wanted = list(expected)
    if len(wanted) != len(found):
        return False
    rest = list(found)
    for x in wanted:
        at = next((i for i, w in enumerate(rest) if same(x, w)), None)
        if at is None:
            return False
        del rest[at]
    return True


def _pair(expected: tuple[Value, Value], found: tuple[WireValue, WireValue], rules: ComparisonRules) -> bool:
    key, value = expected
    if rules.equality.keys_are_text and isinstance(key, int) and not isinstance(key, bool):
        key = str(key)
    return _equal(key, found[0], rules) and _equal(value, found[1], rules)
