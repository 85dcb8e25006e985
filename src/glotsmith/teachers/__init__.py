"""Teachers write tests, translations and repairs. Each back end is imported when it is first used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import msgspec

from glotsmith.errors import UsageError, unknown_name
from glotsmith.records import Record
from glotsmith.settings import invalid_value_message
from glotsmith.teachers.base import Teacher
from glotsmith.teachers.wrappers import CachedTeacher, ReplyStore

TEACHERS = {
    "batch": "glotsmith.teachers.batch:BatchTeacher",
    "local": "glotsmith.teachers.local:Local",
    "offline": "glotsmith.teachers.offline:Offline",
    "openai": "glotsmith.teachers.openai:OpenAI",
    "scripted": "glotsmith.teachers.scripted:Scripted",
    "transformers": "glotsmith.teachers.transformers:Transformers",
}


def open_teacher(
    name: str,
    *,
    model: str = "",
    base_url: str = "",
    options: Mapping[str, Any] | None = None,
    cache: ReplyStore | None = None,
    key: str = "teacher",
) -> Teacher:
    """Return the teacher called ``name``; with ``cache``, it sends no request twice.

    ``options`` are the fields of the ``Options`` of the teacher. Text is converted to the type of the field, so they
    may come from a command line. ``model`` and ``base_url`` are two of them that every command has. ``key`` is the
    begin of their names in messages.

    Raises:
        UsageError: the teacher does not exist, or an option is unknown, missing or has the wrong type.
        InputError: a file that the teacher reads is malformed.

    """
    make = _class(name)
    common = {"model": model, "base_url": base_url}
    given = {**(options or {}), **{key: value for key, value in common.items() if value}}
    teacher: Teacher = _make(name, make, given, key)
    return teacher if cache is None else CachedTeacher(teacher, cache)


def options_of(name: str) -> type[Record] | None:
    """Return the type of the options of a teacher; None if it has none.

    Raises:
        UsageError: the teacher does not exist.

    """
    return getattr(_class(name), "Options", None)


def _class(name: str) -> Any:
    if name not in TEACHERS:
        raise UsageError(unknown_name(f"there is no teacher {name!r}", name, TEACHERS))
    module, _, attribute = TEACHERS[name].partition(":")
    return getattr(import_module(module), attribute)


def _make(name: str, make: Any, given: Mapping[str, Any], prefix: str) -> Teacher:
    kind = getattr(make, "Options", None)
    if kind is None and not given:
        return make()
    known = kind.__struct_fields__ if kind else ()
    for key in given:
        if key not in known:
            raise UsageError(unknown_name(f"the teacher {name} has no option {key!r}", key, known))
    try:
        return make(msgspec.convert(dict(given), kind, strict=False))
    except msgspec.ValidationError as error:
        wrong = invalid_value_message(cast(type, kind), given, lambda field: f"--set {prefix}.{field}") or str(error)
        raise UsageError(f"invalid option of the teacher {name}: {wrong}") from None
