"""The two kinds of settings: those that determine the rows of a run, and those that may change at any time.

A field of a configuration declares its kind beside its type, so that a new field must choose::

    model: Annotated[str, BINDS] = ""
    timeout_s: Annotated[float, FREE, msgspec.Meta(gt=0)] = 300.0
"""

from typing import Any, get_type_hints

import msgspec

_KIND = "binds"

BINDS = msgspec.Meta(extra={_KIND: True})  #: it determines rows: a run keeps it
FREE = msgspec.Meta(extra={_KIND: False})  #: it does not: speed, limits of time, prices, places, files that are written


def kinds(record: type) -> dict[str, bool | None]:
    """Return, for each field of a record, whether it determines rows; None where the field does not say.

    A field that holds a record has no kind of its own: the fields of that record have.
    """
    hints = get_type_hints(record, include_extras=True)
    return {name: _kind(hints[name]) for name in _fields(record) if not _is_record(hints[name])}


def free(record: type, prefix: str = "") -> frozenset[str]:
    """Return the dotted names of the fields of a record, and of records in it, that do not determine rows."""
    hints = get_type_hints(record, include_extras=True)
    own = {f"{prefix}{name}" for name, binds in kinds(record).items() if binds is False}
    inner = (free(hints[name], f"{prefix}{name}.") for name in _fields(record) if _is_record(hints[name]))
    return frozenset(own).union(*inner)


def _fields(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(record))


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _kind(hint: Any) -> bool | None:
    extras = [meta.extra or {} for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    return next((extra[_KIND] for extra in extras if _KIND in extra), None)
