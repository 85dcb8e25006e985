"""Read what a mutant of a program changes: ``mutation.toml``, for all languages, and the rows of one language."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from glotsmith.errors import InputError
from glotsmith.languages.card import LANGUAGES_FOLDER, language_folder
from glotsmith.records import Record

FILE = "mutation.toml"

#: ``constant``: a number or a string; ``branch``: a negated condition, which swaps its branches; ``statement``: a
#: dropped statement; the others are tables of the file
MutantKind = Literal[
    "boundary", "comparison", "arithmetic", "logic", "unary", "name", "constant", "branch", "statement"
]
KINDS: tuple[MutantKind, ...] = get_args(MutantKind)
_INFIX: tuple[MutantKind, ...] = ("boundary", "comparison", "arithmetic", "logic")
_TABLES: tuple[MutantKind, ...] = (*_INFIX, "unary", "name")


class MutationRules(Record, frozen=True, kw_only=True):
    """What a mutant may change in one language; each table is text → its replacement."""

    negation: str  #: template of a negated condition: @{0} is the condition
    dropped: str = ""  #: text in place of a dropped statement
    conditions: tuple[str, ...] = ()  #: words whose next node is a condition
    clauses: tuple[str, ...] = ()  #: first words of lists whose elements begin with a condition
    effects: str = ""  #: regular expression of the first word of a list that is a statement
    boundary: dict[str, str] = {}
    comparison: dict[str, str] = {}
    arithmetic: dict[str, str] = {}
    logic: dict[str, str] = {}
    unary: dict[str, str] = {}  #: tokens before their only operand
    name: dict[str, str] = {}  #: whole names

    @property
    def infix(self) -> dict[str, tuple[MutantKind, str]]:
        """Each token between operands, or at the head of a list → the kind of its mutant, and the replacement."""
        return {text: (kind, new) for kind in _INFIX for text, new in getattr(self, kind).items() if new}


@cache
def mutation_rules(language: str) -> MutationRules:
    """Return the rules of a language: its own rows replace the common ones.

    Raises:
        InputError: a file is not TOML, or has an unknown field.

    """
    common, own = _read(LANGUAGES_FOLDER / FILE), _read(language_folder(language) / FILE)
    tokens = {text for name, value in own.items() if name in _INFIX for text in value}
    merged = {**common, **own}
    for name in _TABLES:
        kept = common.get(name, {})
        if name in _INFIX:  # a token between operands has one row: that of the language
            kept = {text: new for text, new in kept.items() if text not in tokens}
        merged[name] = {**kept, **own.get(name, {})}
    try:
        return msgspec.convert(merged, MutationRules)
    except msgspec.ValidationError as error:
        raise InputError.at(language_folder(language) / FILE, None, str(error)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, str(error)) from error
