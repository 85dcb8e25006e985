"""Convert values to declared types: an int becomes a float where a float is declared."""

from collections.abc import Iterable, Sequence
from typing import cast

from glotsmith.values.types import Type, Value


def coerce_value(value: Value, kind: Type) -> Value:
    """Return ``value`` with a float instead of each int for which ``kind`` declares a float, at any depth.

    Some ints stay ints: those outside the range of floats, and keys of a dict or elements of a set that would become
    equal floats. A bool is not an int. ``Any``, ``object`` and a type that does not fit leave the value unchanged.
    """
    if kind.kind == "optional":
        kind = kind.args[0]
    match value:
        case None | bool() | str() | float():
            return value
        case int():
            return _to_float(value) if kind.kind == "float" else value
        case dict():
            return _coerce_dict(cast(dict[Value, Value], value), kind)
        case _:
            return _coerce_items(value, kind)


def _to_float(value: int) -> float | int:
    try:
        return float(value)
    except OverflowError:
        return value


def _coerce_items(value: Value, kind: Type) -> Value:
    """Convert the items of a list, tuple or set. The declared container type may differ from that of the value."""
    items, unchanged = cast(Sequence[Value], value), value
    if kind.kind == "tuple":
        kinds = kind.args if len(kind.args) == len(items) and not isinstance(value, set) else ()
    else:
        kinds = kind.args[:1] * len(items) if kind.kind in ("list", "vartuple", "set") else ()
    if not kinds:
        return unchanged
    made = rebuild_container(value, map(coerce_value, items, kinds))
    return made if len(made) == len(items) else unchanged


def rebuild_container(container: Value, items: Iterable[Value]) -> Value:
    """Return a list, tuple or set of ``items``, of the type of ``container``."""
    if isinstance(container, list):
        return list(items)
    return tuple(items) if isinstance(container, tuple) else set(items)


def _coerce_dict(value: dict[Value, Value], kind: Type) -> dict[Value, Value]:
    if kind.kind != "dict":
        return value
    keys, values = kind.args
    made = {coerce_value(k, keys): coerce_value(v, values) for k, v in value.items()}
    return made if len(made) == len(value) else {k: coerce_value(v, values) for k, v in value.items()}
