"""The names of languages as people write them: ids, display names, labels of code blocks, in any case."""

import re
from functools import cache

from glotsmith.errors import InputError, UsageError, unknown_name
from glotsmith.languages.card import get_card, language_names


def language_of_label(label: str) -> str:
    """Return the language that a label, an id or a display name means, in any case; "" for none."""
    written = label.strip().casefold()
    return written if written in language_names() else _labels(language_names()).get(_normalise_name(written), "")


def resolve_language(name: str) -> str:
    """Return the id of the language that a person names: ``OCaml``, ``c++``, ``golang``, ``Common Lisp``.

    Raises:
        UsageError: no language is named so; the sentence suggests one where the name is close to it.

    """
    if found := language_of_label(name):
        return found
    raise UsageError(unknown_language(name))


def unknown_language(name: object) -> str:
    """Return the sentence about a name that no language has."""
    spellings = {label: language for label, language in _labels(language_names()).items() if len(label) > 2}
    return unknown_name(f"no language is named {name!r}", str(name), language_names(), spellings)


def _normalise_name(text: str) -> str:
    """Return a name without blanks, what people write in their place, and the year of a standard (``c++17``)."""
    return re.sub(r"(?<=[a-z]\+\+)\d+$", "", re.sub(r"(?<=\w)[\s_.-]+(?=\w)|^\.", "", text))


@cache
def _labels(languages: tuple[str, ...]) -> dict[str, str]:
    """Return every spelling, plain and in lower case; ids come before display names, and these before labels."""
    found = {_normalise_name(name): name for name in languages}
    for language in languages:
        try:
            card = get_card(language)
        except InputError:  # a card that is not right is reported where its language is used
            continue
        for label in (card.display, *card.fences, card.extension):
            found.setdefault(_normalise_name(label.casefold()), language)
    return found
