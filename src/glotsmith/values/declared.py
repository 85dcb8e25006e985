"""What a declared type makes of a literal: an int where a float is declared is a float."""

from collections.abc import Iterable, Sequence
from typing import cast

from glotsmith.values.types import Type, Value


def coerce_value(value: Value, kind: Type) -> Value:
    """Return ``value`` with a float in place of each int where ``kind`` says float, at any depth.

    An int beyond the range of floats stays an int, and so do keys of a dict and elements of a set that would become
    one float. A bool is no int, ``Any`` and ``object`` leave a value as it is, and so does a type that does not fit.
    """
    if kind.kind == "optional":
        kind = kind.args[0]
    match value:
        case None | bool() | str() | float():
            return value
        case int():
            return _as_float(value) if kind.kind == "float" else value
        case dict():
            return _dict_as_declared(cast(dict[Value, Value], value), kind)
        case _:
            return _items_as_declared(value, kind)


def _as_float(value: int) -> float | int:
    try:
        return float(value)
    except OverflowError:
        return value


def _items_as_declared(value: Value, kind: Type) -> Value:
    """Convert the items of a list, tuple or set; the declared container may be another than the value's."""
    items, whole = cast(Sequence[Value], value), value
    if kind.kind == "tuple":
        kinds = kind.args if len(kind.args) == len(items) and not isinstance(value, set) else ()
    else:
        kinds = kind.args[:1] * len(items) if kind.kind in ("list", "vartuple", "set") else ()
    if not kinds:
        return whole
    made = rebuild_container(value, map(coerce_value, items, kinds))
    return made if len(made) == len(items) else whole


def rebuild_container(container: Value, items: Iterable[Value]) -> Value:
    """Return a list, tuple or set of ``items``, as ``container`` is one."""
    if isinstance(container, list):
        return list(items)
    return tuple(items) if isinstance(container, tuple) else set(items)


def _dict_as_declared(value: dict[Value, Value], kind: Type) -> dict[Value, Value]:
    if kind.kind != "dict":
        return value
    keys, values = kind.args
    made = {coerce_value(k, keys): coerce_value(v, values) for k, v in value.items()}
    return made if len(made) == len(value) else {k: coerce_value(v, values) for k, v in value.items()}
