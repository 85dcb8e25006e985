"""Declare for each setting whether it determines the rows of a run (``FIXED``) or may change (``CHANGEABLE``).

A field of a configuration declares its kind in its type::

    model: Annotated[str, FIXED] = ""
    timeout_s: Annotated[float, CHANGEABLE, msgspec.Meta(gt=0)] = 300.0
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from glotsmith.errors import unknown_name

_IS_FIXED = "binds"
_LONGEST = 80  #: characters of a value in a sentence
_WORDS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
}

#: The setting determines rows, so a run keeps its value.
FIXED = msgspec.Meta(extra={_IS_FIXED: True})
#: The setting determines no rows: speed, time limits, prices, places, files that are written.
CHANGEABLE = msgspec.Meta(extra={_IS_FIXED: False})

_PATH = "path"
SOURCE = msgspec.Meta(extra={_PATH: "source"})  #: names of sources, some of which are paths; rows hold them as written
FILE = msgspec.Meta(extra={_PATH: "file"})  #: path of a file that must exist
MODEL = msgspec.Meta(extra={_PATH: "model"})  #: path of the folder of a model, or a name on a hub
OUTPUT_PATH = msgspec.Meta(extra={_PATH: "output"})  #: path that a command writes to

_UNORDERED = "unordered"
UNORDERED = msgspec.Meta(extra={_UNORDERED: True})  #: a list whose order may differ in a resumed run


def is_fixed_by_field(record: type) -> dict[str, bool | None]:
    """Return field → whether it determines rows, for the fields of a record; None if the field does not declare it.

    Fields that hold a record are left out, because the fields of that record declare it.
    """
    hints = get_type_hints(record, include_extras=True)
    return {name: _kind(hints[name]) for name in _fields(record) if not _is_record(hints[name])}


def changeable_fields(record: type, prefix: str = "") -> frozenset[str]:
    """Return the dotted names of the fields, also of nested records, that do not determine rows."""
    hints = get_type_hints(record, include_extras=True)
    own = {f"{prefix}{name}" for name, binds in is_fixed_by_field(record).items() if binds is False}
    inner = (changeable_fields(hints[name], f"{prefix}{name}.") for name in _fields(record) if _is_record(hints[name]))
    return frozenset(own).union(*inner)


def is_changeable(key: str, changeable: Collection[str]) -> bool:
    """Return whether a dotted key, or a table that holds it, is one of the keys that do not determine rows."""
    parts = key.split(".")
    return any(".".join(parts[:count]) in changeable for count in range(1, len(parts) + 1))


def leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted key and the value of everything in nested tables that is not a table."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from leaves(cast("Mapping[str, Any]", value), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def unordered_fields(record: type, prefix: str = "") -> frozenset[str]:
    """Return the dotted names of the fields of a record whose order may differ in a resumed run."""
    hints = get_type_hints(record, include_extras=True)
    return frozenset(f"{prefix}{name}" for name in _fields(record) if _extra(hints[name], _UNORDERED))


def path_kinds(record: type, prefix: str = "") -> dict[str, str]:
    """Return dotted name → "source", "file", "model" or "output", for the fields of a record that declare paths."""
    hints = get_type_hints(record, include_extras=True)
    found = {f"{prefix}{name}": _extra(hints[name], _PATH) for name in _fields(record)}
    return {name: kind for name, kind in found.items() if kind is not None}


def _fields(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(record))


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _kind(hint: Any) -> bool | None:
    return _extra(hint, _IS_FIXED)


def _extra(hint: Any, key: str) -> Any:
    """Return the value that the type of a field declares under a key; None if it declares none."""
    extras = [meta.extra or {} for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    return next((extra[key] for extra in extras if key in extra), None)


def invalid_value_message(record: type, given: Mapping[str, Any], called: Callable[[str], str]) -> str:
    """Return a message about the first field that is missing or whose value has the wrong type; "" if all are valid.

    Args:
        record: the type of the settings.
        given: field → value.
        called: returns the name of a field for the user: an option of the command line, a key of a file.

    """
    hints = get_type_hints(record, include_extras=True)
    for field in msgspec.structs.fields(record):
        if field.name not in given:
            if field.required:
                return f"{called(field.name)} is missing: it must be {_allowed_values(hints[field.name])}"
            continue
        value = given[field.name]
        try:
            msgspec.convert(value, hints[field.name], strict=False)
        except msgspec.ValidationError:
            pass
        else:
            if _is_finite(value):
                continue
        return f"{called(field.name)} is {_shown(value)}; it must be {_allowed_values(hints[field.name])}"
    return ""


def _is_finite(value: object) -> bool:
    """Return whether no number in a value is infinite or NaN."""
    if isinstance(value, list | tuple):
        return all(map(_is_finite, cast("list[object]", value)))
    return not isinstance(value, float) or math.isfinite(value)


def unknown_field_message(record: type, given: Mapping[str, Any], named: str) -> str:
    """Return a message about the first name that is not a field of a record, with a list of the fields; "" for none."""
    known = _fields(record)
    wrong = next((name for name in given if name not in known), None)
    return "" if wrong is None else unknown_name(f"{named} has no field {wrong!r}", wrong, known)


def _shown(value: object) -> str:
    """Return the ``repr`` of a value, shortened for a message."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _allowed_values(hint: Any) -> str:
    """Return a description of the values that a type allows."""
    if hasattr(hint, "__metadata__"):
        bounds = [_bounds(meta) for meta in hint.__metadata__ if isinstance(meta, msgspec.Meta)]
        return " ".join([_allowed_values(hint.__origin__), *filter(None, bounds)])
    if (origin := get_origin(hint)) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if origin in (tuple, list):
        return f"a list; each item is {_allowed_values(get_args(hint)[0])}"
    if origin is dict:
        return f"a table; each value is {_allowed_values(get_args(hint)[1])}"
    if origin in (Union, UnionType):
        return " or ".join(_allowed_values(part) for part in get_args(hint) if part is not NoneType)
    return _WORDS.get(hint, "a table")


def _bounds(meta: msgspec.Meta) -> str:
    """Return a description of the limits of a type, to append to that of the type; "" for none."""
    if meta.min_length is not None:
        return f"(at least {meta.min_length})"
    if meta.ge is not None and meta.le is not None:
        return f"from {meta.ge} to {meta.le}"
    if meta.ge is not None and meta.lt is not None:
        return f"from {meta.ge} to below {meta.lt}"
    limits = ((meta.ge, "of {} or more"), (meta.gt, "above {}"), (meta.le, "of {} or less"), (meta.lt, "below {}"))
    if meta.gt is not None:
        limits = ((meta.gt, "above {}"), (meta.le, "and at most {}"), (meta.lt, "and below {}"))
    return " ".join(form.format(limit) for limit, form in limits if limit is not None)
