"""The wire form of values: what drivers print and what it stands for (ARCHITECTURE, "Verification")."""

import json
from typing import cast

from glotsmith.values import NotLiteral, Value, literal

#: JSON as ``json.loads`` gives it; objects have one key that is a tag: ``f t m s x``
Wire = Value


def parse(text: str) -> Wire:
    """Parse the JSON of one result.

    Raises:
        NotLiteral: it is no JSON, or nested too deeply.

    """
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise NotLiteral(f"a driver printed no JSON: {text[:80]}") from error


def tag(wire: Wire) -> tuple[str, Wire]:
    """Return ``(tag, content)`` of a tagged value, and ``("", wire)`` of a plain one."""
    if isinstance(wire, dict):
        pairs = cast(dict[str, Wire], wire)
        if len(pairs) == 1:
            return next(iter(pairs.items()))
        return "x", "malformed"
    return "", wire


def number(text: Wire) -> float:
    """Return the float of an ``f``; malformed ones are nan's opposite: they equal nothing."""
    if not isinstance(text, str):
        raise NotLiteral("a float must be tagged text")
    try:
        return float(text)
    except ValueError as error:
        raise NotLiteral(f"not a float: {text[:40]}") from error


def decode(wire: Wire) -> Value:
    """Return the Python value that a wire value stands for.

    Raises:
        NotLiteral: it is something else (``x``), or a list is a key.

    """
    kind, content = tag(wire)
    match kind:
        case "":
            return [decode(x) for x in cast(list[Wire], wire)] if isinstance(wire, list) else wire
        case "f":
            return number(content)
        case "t":
            return tuple(decode(x) for x in cast(list[Wire], content))
        case "s":
            return {_key(x) for x in cast(list[Wire], content)}
        case "m":
            return {_key(k): decode(v) for k, v in cast(list[tuple[Wire, Wire]], content)}
        case _:
            raise NotLiteral(f"a result of kind {content}")


def _key(wire: Wire) -> Value:
    key = decode(wire)
    try:
        hash(key)
    except TypeError as error:
        raise NotLiteral("a list can't be a key") from error
    return key


def describe(wire: Wire, width: int = 2000) -> str:
    """Write a wire value for people, as a Python literal where it is one; cut at ``width``."""
    try:
        text = literal(decode(wire))
    except (NotLiteral, TypeError, ValueError, RecursionError):
        text = json.dumps(wire)
    return text if len(text) <= width else f"{text[:width]}…"
