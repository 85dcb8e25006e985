"""Resolve the names of languages: ids, display names and labels of code blocks, in any case."""

import re
from functools import cache

from glotsmith.errors import InputError, UsageError, unknown_name
from glotsmith.languages.card import get_card, language_names


def language_of_label(label: str) -> str:
    """Return the language of a label, an id or a display name, in any case; "" for none."""
    written = label.strip().casefold()
    return written if written in language_names() else _labels(language_names()).get(_normalise_name(written), "")


def resolve_language(name: str) -> str:
    """Return the id of a language with a name such as ``OCaml``, ``c++``, ``golang`` or ``Common Lisp``.

    Raises:
        UsageError: no language has this name; the message suggests a similar one.

    """
    if found := language_of_label(name):
        return found
    raise UsageError(unknown_language(name))


def unknown_language(name: object) -> str:
    """Return the error message for a name that no language has."""
    spellings = {label: language for label, language in _labels(language_names()).items() if len(label) > 2}
    return unknown_name(f"no language is named {name!r}", str(name), language_names(), spellings)


def _normalise_name(text: str) -> str:
    """Return a name without white space, its substitutes, and the year of a standard (``c++17``)."""
    return re.sub(r"(?<=[a-z]\+\+)\d+$", "", re.sub(r"(?<=\w)[\s_.-]+(?=\w)|^\.", "", text))


@cache
def _labels(languages: tuple[str, ...]) -> dict[str, str]:
    """Return all normalised spellings in lower case; ids take precedence over display names, and these over labels."""
    found = {_normalise_name(name): name for name in languages}
    for language in languages:
        try:
            card = get_card(language)
        except InputError:  # an invalid card is reported where its language is used
            continue
        for label in (card.display, *card.fences, card.extension):
            found.setdefault(_normalise_name(label.casefold()), language)
    return found
