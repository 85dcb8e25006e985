"""Read the fields of a stored item of any step of any recipe: its program, tests, origin and lineage.

Items nest: a ``Solution`` holds a ``Task``, which holds a ``Problem``, which holds a ``Function``. The first item that
has a field wins, from the outside to the inside.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import msgspec

from glotsmith import languages

Item = Mapping[str, Any]
_INNER = ("solution", "task", "problem", "draft", "function", "snippet", "proposal")
#: fields of particular items that a reader may want to see beside the common ones
MORE = (
    *("session", "notes", "rounds", "ending", "examples", "scored", "summaries", "tried", "ties", "measured"),
    *("calls", "parameters", "prefix", "dropped_tests", "score", "stage", "pass_rate", "cost"),
)


class _Language(msgspec.Struct):
    """The places of an item's language; the other fields are skipped."""

    language: str = ""
    task: "_Language | msgspec.UnsetType | str" = msgspec.UNSET
    solution: "_Language | msgspec.UnsetType" = msgspec.UNSET
    snippet: "_Language | msgspec.UnsetType" = msgspec.UNSET
    proposal: "_Language | msgspec.UnsetType" = msgspec.UNSET


_decode_language = msgspec.json.Decoder(_Language).decode


@cache
def _known_languages() -> frozenset[str]:
    return frozenset(languages.language_names())


def language_label(data: bytes | None, key: str, made_from: bytes | None) -> str:
    """Return the language of a row of the ledger; "" if it has none (yet).

    Args:
        data: the item of the row, as JSON.
        key: of a row without an item. The key of a lost output may end with its language.
        made_from: the input of a row without an item, as JSON.

    """
    if data:
        return _stored_language(data)
    suffix = key.rpartition(":")[2]
    if suffix in _known_languages():
        return suffix
    return _stored_language(made_from) if made_from else ""


def _stored_language(data: bytes) -> str:
    try:
        return _language(_decode_language(data))
    except msgspec.DecodeError:
        return ""


def _language(found: _Language) -> str:
    for inner in (found.solution, found.task, found.snippet):
        if isinstance(inner, _Language):
            return _language(inner)
    if not found.language and isinstance(found.proposal, _Language):
        return found.proposal.language
    return found.language


def layers(item: Item) -> list[Item]:
    """Return an item and the items inside it, from the outside to the inside."""
    found = [item]
    for name in _INNER:
        if isinstance(inner := item.get(name), dict):
            found += layers(cast("Item", inner))
    return found


def first(items: Sequence[Item], name: str, default: Any = "") -> Any:
    """Return the first value of a field that is not empty."""
    return next((value for item in items if (value := item.get(name))), default)


def text(items: Sequence[Item], name: str) -> str:
    """Return the first value of a field as text."""
    return str(first(items, name))


def fenced_program(message: str) -> str:
    """Return the program in an assistant's message of a dataset row: the text of its fenced block."""
    return message.strip("`").partition("\n")[2].removesuffix("\n") if message.startswith("```") else ""
