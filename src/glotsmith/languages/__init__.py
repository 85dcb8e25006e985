"""Languages: one folder each, with a card of facts and a driver.

``get("lua")`` and ``names()`` read the folders beside this file; there is no list to edit.
"""

from glotsmith.errors import UsageError
from glotsmith.languages import toolchain
from glotsmith.languages.card import Card, get_card, language_names
from glotsmith.languages.render import Unrepresentable
from glotsmith.languages.spelling import resolve_language, unknown_language

__all__ = [
    "Card",
    "Unrepresentable",
    "get_card",
    "language_names",
    "require_typed_calls",
    "resolve_language",
    "toolchain",
    "unknown_language",
]


def require_typed_calls(name: str) -> None:
    """Refuse a language in which functions can't be called with values and return them.

    Raises:
        UsageError: there is no such language, or it runs whole programs only.

    """
    if get_card(name).level != "full":
        able = ", ".join(other for other in language_names() if get_card(other).level == "full")
        raise UsageError(
            f"{get_card(name).display} runs whole programs, and its functions can't be called with typed values, "
            f"as this requires. Use one of: {able}"
        )
