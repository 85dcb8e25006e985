"""Languages: one folder each, with a language card and a driver; ``job_program`` turns a job into a program.

``get_card("lua")`` and ``language_names()`` read the folders next to this file; there is no list to edit.
"""

from glotsmith.errors import UsageError
from glotsmith.languages import toolchain
from glotsmith.languages.card import Card, get_card, language_names
from glotsmith.languages.program import JobProgram, job_program, whole_program
from glotsmith.languages.representable import Unrepresentable
from glotsmith.languages.spelling import resolve_language, unknown_language

__all__ = [
    "Card",
    "JobProgram",
    "Unrepresentable",
    "get_card",
    "job_program",
    "language_names",
    "require_call_tests",
    "require_typed_calls",
    "resolve_language",
    "toolchain",
    "unknown_language",
    "whole_program",
]


def require_call_tests(name: str) -> None:
    """Refuse a language in which no problem with call tests can be posed.

    Raises:
        UsageError: no language has this name, or no suite can be proved in the language.

    """
    card = get_card(name)
    if card.level == "run":
        raise UsageError(
            f"{card.display} has level run: only exit codes are judged. Use a language of level full or io"
        )
    if not card.syntax.stub:
        raise UsageError(
            f"the suite of a problem in {card.display} cannot be checked: set stub in [syntax] of {card.card_path} "
            "to a program that starts and then fails"
        )


def require_typed_calls(name: str) -> None:
    """Refuse a language whose functions cannot be called with typed values.

    Raises:
        UsageError: no language has this name, or the language runs whole programs only.

    """
    if get_card(name).level != "full":
        able = ", ".join(other for other in language_names() if get_card(other).level == "full")
        raise UsageError(
            f"{get_card(name).display} has level {get_card(name).level}, but calls with typed values need level full. "
            f"Use one of: {able}"
        )
