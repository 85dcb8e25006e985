"""Language cards: the schema of ``card.toml`` with the meaning of each field, and the functions that find cards.

A card is ``languages/NAME/card.toml``, in this package or in a folder that GLOTSMITH_LANGUAGES names. Placeholders of
templates are written ``@{…}``, which no target language uses. Unknown fields are refused, so that a misspelt field is
an error and not a silent default.
"""

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from glotsmith.errors import InputError, UsageError, unknown_name
from glotsmith.languages.json_values import JSON_VALUES, add_json_values
from glotsmith.records import Record, content_hash

LANGUAGES_FOLDER = Path(__file__).parent
LANGUAGES_VARIABLE = "GLOTSMITH_LANGUAGES"  #: environment variable: further folders, separated as in PATH

Text = str  #: for the tables below, in which fields named ``str`` and ``dict`` shadow the types
Escapes = dict[str, str]
Texts = tuple[str, ...]


_ROWS = ("verdicts.toml", "hostile.toml", "mutation.toml", "translations.toml")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Toolchain(Record, frozen=True, kw_only=True):
    """One way to run the language; a card lists them in order of preference."""

    command: str = ""  #: the program to find on PATH; empty if ``module`` is the toolchain
    module: str = ""  #: a Python module of this interpreter that contains the language (``lupa``)
    version: tuple[str, ...]  #: command that prints the version
    prefix: tuple[str, ...] = ()  #: command that prints the folder of ``command``, if PATH may have a proxy for it
    prepare: tuple[
        tuple[str, ...], ...
    ] = ()  #: commands that fill @{prepared} from @{language}, its folder, once per machine
    build: tuple[str, ...] = ()  #: builds ``@{source}``, the driver, into the current folder
    run: tuple[str, ...] = ()  #: runs the driver
    script_build: tuple[str, ...] = ()  #: builds ``main``, a whole program on stdin and stdout
    script: tuple[str, ...] = ()
    #: starts a compile server (``sandbox/compile_servers.py``), which may replace ``build``
    server: tuple[str, ...] = ()
    sources: dict[str, str] = {}  #: program's files → names for the server; default: driver and candidate, unchanged
    served: tuple[str, ...] = ()  #: runs the driver that the server has compiled into @{dir}
    warm: tuple[str, ...] = ()  #: starts a warm worker: an interpreter that loads its driver and forks
    read_only: tuple[str, ...] = ()  #: further prefixes that programs can read, if they exist
    env: dict[str, str] = {}
    files: dict[str, str] = {}  #: further constant files of every program (a launcher)
    install: dict[str, str] = {}  #: installer (``apt``, ``pip`` …) → its argument


class Syntax(Record, frozen=True, kw_only=True):
    """The syntax of source text."""

    line_comment: str
    line_comment_end: str = ""  #: closes a comment of one line, if it has to be closed
    comment_escapes: dict[str, str] = {}  #: texts that a comment cannot contain → their replacements
    block_comment: tuple[str, ...] = ()  #: opening and closing mark
    strings: tuple[str, ...] = ('"',)  #: quotes; needed to distinguish comments from strings
    layout: bool = False  #: whether indentation is significant
    line_breaks: bool = False  #: whether a line break can end a statement where the grammar shows no other token
    blanks: bool = True  #: whether a blank between two tokens can change the meaning (Ruby: ``f -1`` and ``f - 1``)
    name: str = "[A-Za-z_][A-Za-z0-9_]*"  #: regular expression of a name
    reserved: str = ""  #: words that cannot be names, separated by blanks
    signature: str = ""  #: first lines of a function: @{name}, @{parameters}, @{types}, @{returns}
    parameter: str = "@{name}"  #: @{name}, @{type}
    array_parameter: str = ""  #: a parameter for a list, if its length is passed, too (C); default: ``parameter``
    array_result: str = ""  #: the last parameter of a function that returns a list, if it passes the length back
    renamed: str = "@{name}_"  #: the name of a parameter whose own name is reserved
    parameter_type: str = ""  #: @{type}; joined into @{types}, if types are separate from names
    parameter_separator: str = ", "
    no_parameters: str = ""
    #: a function that compiles and raises, with placeholders as in ``signature``; for level ``io`` a program that fails
    stub: str = ""
    stop: tuple[str, ...] = ()  #: stop tokens of MultiPL-E for the completion of one function
    prelude: str = ""  #: first text of a prompt (``#lang racket``)
    prompt_end: str = "\n"  #: text after the signature in MultiPL-E's published prompts
    application: str = "@{name}(@{arguments})"  #: a call in an example of a docstring
    argument_separator: str = ", "  #: in ``application``; if it is a blank, arguments of several words get parentheses

    @property
    def reserved_words(self) -> frozenset[str]:
        """The reserved words."""
        return frozenset(self.reserved.split())

    @property
    def function_stops(self) -> tuple[str, ...]:
        """``stop`` without the blank line, which also occurs inside a function."""
        return tuple(token for token in self.stop if token.strip())


class DocstringTerms(Record, frozen=True, kw_only=True):
    """The language's terms for Python's types, for docstrings (as in MultiPL-E's "reworded" prompts)."""

    array: str = "array"
    list: str = "list"
    tuple: str = "tuple"
    dictionary: str = "dictionary"
    none: str = ""  #: default: ``values.none``, if it has no placeholder
    true: str = ""  #: default: ``values.true``
    false: str = ""  #: default: ``values.false``


class LiteralTemplates(Record, frozen=True, kw_only=True):
    """Literals by type constructor; @{items} are the rendered elements, @{type} the rendered type."""

    none: Text = ""  #: @{0} is the type of the absent value, for languages that write it
    unit: Text = ""  #: None if the type is None only; default: ``none``
    true: Text = "true"
    false: Text = "false"
    int: Text = "@{value}"
    least: Text = ""  #: the least int of ``limits.int_bits``, if its digits are not a literal
    float: Text = "@{value}"  #: or @{bits}, as a signed int, if the language parses decimals inexactly
    negative: Text = "@{value}"  #: template for a negative number
    nan: Text = ""
    infinity: Text = ""
    negative_infinity: Text = ""
    str: Text = '"@{value}"'
    list: Text = ""
    tuple: Text = ""
    tuple_one: Text = ""  #: a tuple of one element, if its form differs
    vartuple: Text = ""  #: default: ``list``
    dict: Text = ""
    set: Text = ""
    entry: Text = ""  #: @{key}, @{value}
    some: Text = "@{value}"  #: an optional that is not None
    empty_list: Text = ""
    empty_tuple: Text = ""
    empty_vartuple: Text = ""
    empty_dict: Text = ""
    empty_set: Text = ""
    separator: Text = ", "
    tuple_separator: Text = ""  #: default: ``separator``
    escapes: Escapes = msgspec.field(default_factory=_ESCAPES.copy)  #: character → its form in a string literal
    control: Text = ""  #: other control characters: @{hex}, @{hex4}, @{octal}, @{decimal}
    beyond_ascii: Text = ""  #: characters that are not ASCII, if literals cannot contain all of them
    widen: bool = False  #: an int is written as a float if the type is float (languages that check types)
    quirk: Text = ""  #: name of a function in ``render.QUIRKS`` that renders containers without a template


class TypeTemplates(Record, frozen=True, kw_only=True):
    """Types by type constructor, for signatures; the card of a language without types has no such table."""

    any: Text = ""  #: an unknown type
    mixed: Text = ""  #: several types without a common type
    none: Text
    bool: Text
    int: Text
    float: Text
    str: Text
    list: Text  #: @{0} is the element type
    tuple: Text  #: @{items}, and @{name} if there are ``tuple_names``
    tuple_one: Text = ""  #: a tuple of one element, if its form differs
    tuple_names: Texts = ()  #: by number of elements (``Pair``, ``Triple``); an empty one is refused (``tuple.long``)
    vartuple: Text = ""
    dict: Text  #: @{0}, @{1}
    set: Text = ""
    optional: Text  #: @{0}
    boxes: Escapes = {}  #: type → its form as the argument of another (Java's ``long`` → ``Long``)
    optional_reference: Text = ""  #: an optional of a type other than bool, int and float, if these types can be null
    tuple_separator: Text = ", "


class PrinterTemplates(Record, frozen=True, kw_only=True):
    """Expressions that print a typed result, for languages whose values do not carry their type."""

    none: Text
    bool: Text
    int: Text
    float: Text
    str: Text
    list: Text
    tuple: Text  #: @{names} and @{items}
    tuple_item: Text  #: @{printer}, @{name}
    tuple_separator: Text = "; "
    vartuple: Text
    dict: Text
    set: Text = ""
    optional: Text


class DriverTemplates(Record, frozen=True, kw_only=True):
    """How the driver receives its calls: in a file of argument lists, or as text inside a generated driver."""

    constants: tuple[str, ...] = ()  #: further files of the language's folder that a program contains
    calls: str = ""  #: the file ``calls``: @{calls}
    call: str = ""  #: one argument list: @{arguments}
    call_separator: str = ",\n"
    argument_separator: str = ", "
    no_arguments: str = ""
    binding: str = ""  #: @{case}, @{index}, @{type}, @{value}; joined into @{bindings} of the driver
    reference: str = ""  #: the name of a binding in a case
    #: @{case}, @{name}, @{arguments}; joined into @{cases}; the driver contains @{name}, @{printer} or @{returns}
    case: str = ""


class Equality(Record, frozen=True, kw_only=True):
    """The differences between values that Python distinguishes and the language does not."""

    int_is_float: bool = False  #: 3 equals 3.0
    one_number: bool = False  #: ints and floats are one type: a program cannot distinguish 3 from 3.0
    float_accepts_int: bool = False  #: an exact 3 equals an expected 3.0, but not the reverse
    list_is_tuple: bool = False
    vector_of_scalars: bool = False  #: scalars of one type are a vector (a wire list), other elements a wire tuple
    map_from_list: bool = False  #: a table with keys 1…n is both a list and a map
    first_key: int = 1  #: the first key of such a table
    empty_is_one: bool = False  #: all empty collections are equal: one value represents the empty list, tuple and dict
    null_is_empty: bool = False  #: null represents the empty collections, too
    false_is_none: bool = False
    scalar_is_singleton: bool = False  #: a scalar is a vector of one
    keys_are_text: bool = False  #: int keys are returned as decimal strings
    set_is_list: bool = False  #: a set is returned as a list, in any order
    bool_is_number: bool = False  #: true equals 1; false equals 0, and "" if a bool is expected


class CardLimits(Record, frozen=True, kw_only=True):
    """The limits of the language's programs."""

    cpu_s: float = 10.0
    reference_factor: float = 1.0  #: factor on CPU limits that a Python original determines, for slower languages
    library_s: float = 0.0  #: CPU seconds that are added to these limits while a program loads
    memory_mb: int = 1024
    int_bits: int = 64  #: width of the native int with its sign; 0 for unlimited
    wider_results: bool = False  #: results may be wider ints than arguments (Julia's BigInt)


class Card(Record, frozen=True, kw_only=True):
    """The properties of one language."""

    name: str  #: the language's id
    display: str
    #: typed calls · whole programs on stdin and stdout (with ``json_values.toml``) · programs judged by their exit code
    level: Literal["full", "io", "run"]
    extension: str
    fences: tuple[str, ...]  #: labels of the language in fenced blocks
    toolchain: tuple[Toolchain, ...]
    syntax: Syntax
    values: LiteralTemplates = LiteralTemplates()  #: required for level ``full``, like ``driver``
    examples: dict[str, str] = {}  #: fields of ``values`` for docstrings, if the driver needs another form
    terms: DocstringTerms = DocstringTerms()
    types: TypeTemplates | None = None
    printers: PrinterTemplates | None = None
    driver: DriverTemplates = DriverTemplates()
    equality: Equality = Equality()
    limits: CardLimits = CardLimits()
    failure_signs: tuple[str, ...] = ()  #: regular expressions: stderr shows a failure although the exit code is 0
    converted: str = ""  #: types that a program may declare instead of those of the signature, for the documentation
    refuse: dict[str, str] = {}  #: feature (``representable.value_features``) → why the language cannot represent it

    @property
    def card_path(self) -> Path:
        """The card's path."""
        return language_folder(self.name) / "card.toml"

    @property
    def driver_text(self) -> str:
        """The driver's source.

        Raises:
            InputError: the file is missing; a card of level ``io`` needs none.

        """
        path = self.card_path.parent / f"driver{self.extension}"
        try:
            return _read_text(path)
        except FileNotFoundError:
            what = f'the file is missing, and level = "{self.level}" requires it. Write it, or set level = "io"'
            raise InputError.at(path, None, what) from None

    @property
    def warm_files(self) -> dict[str, str | bytes]:
        """The constant files that a warm worker starts with: the driver and the files that it loads."""
        driver = () if self.driver.case else (f"driver{self.extension}",)
        warm = f"warm{self.extension}"
        return self._texts(
            *driver, *self.driver.constants, *((warm,) if (self.card_path.parent / warm).exists() else ())
        )

    @property
    def constant_files(self) -> dict[str, str | bytes]:
        """The constant files of a program, without the driver."""
        return self._texts(*self.driver.constants)

    def _texts(self, *names: str) -> dict[str, str | bytes]:
        return {name: _read_text(self.card_path.parent / name) for name in names}

    @property
    def fingerprint(self) -> str:
        """Hash of everything that determines how a program of this language is made and judged."""
        return _fingerprint(self.name)


@cache
def _read_text(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def _fingerprint(name: str) -> str:
    return content_hash(*(text for p in fingerprinted_files(name) for text in (p.name, p.read_text("utf-8"))))


def fingerprinted_files(name: str) -> list[Path]:
    """Return the files that determine how programs are made: without rows, with those of folders in its commands."""
    own = language_folder(name)
    texts = (p.read_text("utf-8") for p in (own / "card.toml", *own.glob("*.sh")))
    siblings = (other for text in texts for other in re.findall(r"\.\./(\w+)/", text))
    folders = [own, *sorted({own.parent / other for other in siblings})]
    shared = [JSON_VALUES] if get_card(name).level == "io" else []
    return [*(p for f in folders for p in sorted(f.iterdir()) if p.is_file() and p.name not in _ROWS), *shared]


def load_card(path: Path) -> Card:
    """Read one card.

    Raises:
        InputError: the file is not TOML, or a field is unknown, missing or of the wrong type.

    """
    try:
        return msgspec.convert(add_json_values(tomllib.loads(path.read_text("utf-8"))), Card)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, str(error)) from error


def language_folders() -> tuple[Path, ...]:
    """Return the folders with languages: the package's own, then those of the environment variable."""
    named = os.environ.get(LANGUAGES_VARIABLE, "").split(os.pathsep)
    return (LANGUAGES_FOLDER, *dict.fromkeys(Path(p).expanduser().resolve() for p in named if p))


@cache
def _folders_by_language() -> dict[str, Path]:
    """Return the folder of each language.

    Raises:
        UsageError: a folder of the environment variable does not exist, or contains a language with a used name.

    """
    found: dict[str, Path] = {}
    for place in language_folders():
        if not place.is_dir():
            raise UsageError(f"{LANGUAGES_VARIABLE} names {place}, which is not a folder")
        for path in sorted(p.parent for p in place.glob("*/card.toml")):
            if path.name in found:
                raise UsageError(f"two languages are named {path.name!r}: {found[path.name]} and {path}. Rename one")
            found[path.name] = path
    return found


@cache
def language_names() -> tuple[str, ...]:
    """Return the names of all languages, sorted.

    Raises:
        UsageError: a folder of the environment variable does not exist, or contains a language with a used name.

    """
    return tuple(sorted(_folders_by_language()))


def language_folder(name: str) -> Path:
    """Return the folder of a language, with its card, driver and rows.

    Raises:
        UsageError: no language has this name.

    """
    if name not in _folders_by_language():
        raise UsageError(unknown_name(f"no language is named {name!r}", name, language_names()))
    return _folders_by_language()[name]


@cache
def get_card(name: str) -> Card:
    """Return the card of a language.

    Raises:
        UsageError: no language has this name.
        InputError: the card is malformed, or its name differs from that of its folder.

    """
    path = language_folder(name) / "card.toml"
    card = load_card(path)
    if card.name != name:
        raise InputError.at(path, None, f"the card has the name {card.name!r}, but its folder has the name {name!r}")
    return card


def clear_card_caches() -> None:
    """Clear all caches, after a language was added or the environment variable changed."""
    for function in (_folders_by_language, language_names, get_card, _read_text, _fingerprint):
        function.cache_clear()
