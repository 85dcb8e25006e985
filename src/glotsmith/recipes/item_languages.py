"""Find the language of a stored item of any step of any recipe.

Items are nested: a ``Solution`` contains a ``Task``. The first item with a language is used, from the outside inwards.
"""

from functools import cache

import msgspec

from glotsmith import languages


class _Language(msgspec.Struct):
    """The fields of an item that may contain its language; the other fields are skipped."""

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
    """Return the language of a row of the ledger; "" if it has no language (yet).

    Args:
        data: The item of the row, as JSON.
        key: The key of the row, for a row without an item. The key of a lost output may end with its language.
        made_from: The input of the row as JSON, for a row without an item.

    """
    if data:
        return _stored_language(data)
    suffix = key.rpartition(":")[2]
    if suffix in _known_languages():
        return suffix
    return _stored_language(made_from) if made_from else ""


def _stored_language(data: bytes) -> str:
    try:
        return _innermost_language(_decode_language(data))
    except msgspec.DecodeError:
        return ""


def _innermost_language(found: _Language) -> str:
    for inner in (found.solution, found.task, found.snippet):
        if isinstance(inner, _Language):
            return _innermost_language(inner)
    if not found.language and isinstance(found.proposal, _Language):
        return found.proposal.language
    return found.language
