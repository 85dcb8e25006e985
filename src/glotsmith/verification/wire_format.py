"""The wire format: parse and decode the values that drivers print (ARCHITECTURE, "Verification")."""

import json
from typing import cast

from glotsmith.values import NotLiteral, Value, literal

#: JSON as ``json.loads`` returns it; objects have one key, which is a tag: ``f t m s x``
WireValue = Value


def parse_wire(text: str) -> WireValue:
    """Parse the JSON of one result.

    Raises:
        NotLiteral: the text is not JSON, or is nested too deeply.

    """
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise NotLiteral(f"the driver printed invalid JSON: {text[:80]}") from error


def split_tag(wire: WireValue) -> tuple[str, WireValue]:
    """Return ``(tag, content)`` of a tagged value, and ``("", wire)`` of a plain one."""
    if isinstance(wire, dict):
        pairs = cast(dict[str, WireValue], wire)
        if len(pairs) == 1:
            return next(iter(pairs.items()))
        return "x", "malformed"
    return "", wire


def parse_wire_float(text: WireValue) -> float:
    """Return the float of a value tagged ``f``.

    Raises:
        NotLiteral: the text is not a float.

    """
    if not isinstance(text, str):
        raise NotLiteral("the value of the tag f must be a string")
    try:
        return float(text)
    except ValueError as error:
        raise NotLiteral(f"not a float: {text[:40]}") from error


def decode_wire(wire: WireValue) -> Value:
    """Return the Python value of a wire value.

    Raises:
        NotLiteral: the wire value has no Python value (tag ``x``), or a key of a map or an element of a set is not
            hashable.

    """
    kind, content = split_tag(wire)
    match kind:
        case "":
            return [decode_wire(x) for x in cast(list[WireValue], wire)] if isinstance(wire, list) else wire
        case "f":
            return parse_wire_float(content)
        case "t":
            return tuple(decode_wire(x) for x in cast(list[WireValue], content))
        case "s":
            return {_key(x) for x in cast(list[WireValue], content)}
        case "m":
            return {_key(k): decode_wire(v) for k, v in cast(list[tuple[WireValue, WireValue]], content)}
        case _:
            raise NotLiteral(f"a result of kind {content}")


def _key(wire: WireValue) -> Value:
    key = decode_wire(wire)
    try:
        hash(key)
    except TypeError as error:
        raise NotLiteral("a key of a map or an element of a set must be hashable") from error
    return key


def describe_wire(wire: WireValue, width: int = 2000) -> str:
    """Return a wire value for messages, as a Python literal if possible; truncated at ``width`` characters."""
    try:
        text = literal(decode_wire(wire))
    except (NotLiteral, TypeError, ValueError, RecursionError):
        text = json.dumps(wire)
    return text if len(text) <= width else f"{text[:width]}…"
