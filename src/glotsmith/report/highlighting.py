"""The syntax of each language for the highlighter of the page, from the language cards."""

from collections.abc import Iterable
from typing import Any

from glotsmith import languages
from glotsmith.languages.lexer import comment_syntax_of


def highlighting_of(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return for each language its comment marks, quotes and reserved words; other names are left out."""
    known = set(languages.language_names())
    return {name: _highlighting_rules(name) for name in sorted(set(names) & known)}


def _highlighting_rules(name: str) -> dict[str, Any]:
    card = languages.get_card(name)
    syntax = comment_syntax_of(card)
    return {
        "display": card.display,
        "line": list(syntax.line),
        "block": list(syntax.block),
        "strings": list(syntax.strings),
        "words": sorted(card.syntax.reserved_words),
    }
