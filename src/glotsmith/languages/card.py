"""The schema of a language card: every fact about a language that is data, and what each field means.

A card is ``languages/NAME/card.toml``, here or in a folder that GLOTSMITH_LANGUAGES names. Templates mark what is
filled in with ``@{…}``, which no target language uses. Unknown fields are refused, so that a misspelt one is an error
and not a silent default.
"""

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from glotsmith.errors import InputError, UsageError, unknown_name
from glotsmith.records import Record, content_hash

LANGUAGES_FOLDER = Path(__file__).parent
LANGUAGES_VARIABLE = (
    "GLOTSMITH_LANGUAGES"  #: in the environment: further folders that hold languages, as PATH lists folders
)

Text = str  #: in the tables below, where fields named ``str`` and ``dict`` hide the types
Escapes = dict[str, str]
Texts = tuple[str, ...]


_ROWS = ("verdicts.toml", "hostile.toml")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Toolchain(Record, frozen=True, kw_only=True):
    """One way to run the language; a card lists them in order of preference."""

    command: str = ""  #: the program to look for on PATH; empty when ``module`` is the toolchain
    module: str = ""  #: a Python module of this interpreter that brings the language (``lupa``)
    version: tuple[str, ...]  #: command that prints the version
    prefix: tuple[str, ...] = ()  #: prints the folder that the command lives in, if the one on PATH may be a proxy
    prepare: tuple[tuple[str, ...], ...] = ()  #: fill @{prepared} from @{language}, its folder, once a machine
    build: tuple[str, ...] = ()  #: builds ``@{source}``, the driver, into the current folder
    run: tuple[str, ...] = ()  #: runs the driver
    script_build: tuple[str, ...] = ()  #: likewise for ``main``, a whole program on stdin and stdout
    script: tuple[str, ...] = ()
    server: tuple[
        str, ...
    ] = ()  #: starts a compile server (``sandbox/compile_servers.py``), which may do the work of ``build``
    sources: dict[str, str] = {}  #: program's files → names for the server; default: driver and candidate, as they are
    served: tuple[str, ...] = ()  #: runs the driver that the server has compiled, which lies in @{dir}
    warm: tuple[str, ...] = ()  #: starts an interpreter that loads what all programs need, and forks
    read_only: tuple[str, ...] = ()  #: prefixes beyond the command's own to bind, where they exist
    env: dict[str, str] = {}
    files: dict[str, str] = {}  #: further constant files of every program (a launcher)
    install: dict[str, str] = {}  #: installer (``apt``, ``pip`` …) → what to give it


class Syntax(Record, frozen=True, kw_only=True):
    """How source text looks."""

    line_comment: str
    line_comment_end: str = ""  #: where a comment of one line has to be closed
    comment_escapes: dict[str, str] = {}  #: what a comment can't contain → what it says instead
    block_comment: tuple[str, ...] = ()  #: opening and closing mark
    strings: tuple[str, ...] = ('"',)  #: quotes; needed to tell a comment from a string
    layout: bool = False  #: indentation carries meaning
    name: str = "[A-Za-z_][A-Za-z0-9_]*"  #: regular expression of a name
    reserved: str = ""  #: words that can't be names, separated by blanks
    signature: str = ""  #: first lines of a function: @{name}, @{parameters}, @{types}, @{returns}
    parameter: str = "@{name}"  #: @{name}, @{type}
    renamed: str = "@{name}_"  #: a parameter whose name is reserved
    parameter_type: str = ""  #: @{type}; they are joined into @{types}, where types stand apart from names
    parameter_separator: str = ", "
    no_parameters: str = ""
    stub: str = ""  #: a whole function that compiles and raises; placeholders as in ``signature``
    stop: tuple[str, ...] = ()  #: where a completion of one function ends (MultiPL-E's stop tokens)
    prelude: str = ""  #: text that a prompt begins with (``#lang racket``)
    prompt_end: str = "\n"  #: what follows the signature in MultiPL-E's published prompts
    application: str = "@{name}(@{arguments})"  #: a call, as an example in a docstring shows it
    argument_separator: str = ", "  #: of ``application``; a blank: arguments of several words get parentheses

    @property
    def reserved_words(self) -> frozenset[str]:
        """The reserved words."""
        return frozenset(self.reserved.split())


class DocstringTerms(Record, frozen=True, kw_only=True):
    """What the language calls Python's kinds of values, for docstrings (as MultiPL-E's "reworded" prompts)."""

    array: str = "array"
    list: str = "list"
    tuple: str = "tuple"
    dictionary: str = "dictionary"
    none: str = ""  #: default: ``values.none``, where it has no placeholder
    true: str = ""  #: default: ``values.true``
    false: str = ""  #: default: ``values.false``


class LiteralTemplates(Record, frozen=True, kw_only=True):
    """Literals by type constructor; @{items} are the rendered elements, @{type} the rendered type."""

    none: Text = ""  #: @{0} is the type that is absent, where it is written
    unit: Text = ""  #: None where the type is None alone; default: ``none``
    true: Text = "true"
    false: Text = "false"
    int: Text = "@{value}"
    least: Text = ""  #: the least int of ``limits.int_bits``, where its digits are no literal
    float: Text = "@{value}"  #: or @{bits}, as a signed int, where the language reads decimals inexactly
    negative: Text = "@{value}"  #: wraps the text of a negative number
    nan: Text = ""
    infinity: Text = ""
    negative_infinity: Text = ""
    str: Text = '"@{value}"'
    list: Text = ""
    tuple: Text = ""
    tuple_one: Text = ""  #: a tuple of one element, where it is written differently
    vartuple: Text = ""  #: default: as ``list``
    dict: Text = ""
    set: Text = ""
    entry: Text = ""  #: @{key}, @{value}
    some: Text = "@{value}"  #: a present optional
    empty_list: Text = ""
    empty_tuple: Text = ""
    empty_vartuple: Text = ""
    empty_dict: Text = ""
    empty_set: Text = ""
    separator: Text = ", "
    tuple_separator: Text = ""  #: default: ``separator``
    escapes: Escapes = msgspec.field(default_factory=_ESCAPES.copy)  #: character → how a string literal writes it
    control: Text = ""  #: other control characters: @{hex}, @{hex4}, @{octal}, @{decimal}
    beyond_ascii: Text = ""  #: likewise for what is not ASCII, where a literal can't hold all of it
    widen: bool = False  #: an int is written as a float where the type says float (languages that check types)
    quirk: Text = ""  #: name of a function in ``render.QUIRKS`` that renders containers which are no template


class TypeTemplates(Record, frozen=True, kw_only=True):
    """Types by type constructor, for signatures; a language without them has no such table in its card."""

    any: Text = ""  #: not known
    mixed: Text = ""  #: several things at once
    none: Text
    bool: Text
    int: Text
    float: Text
    str: Text
    list: Text  #: @{0} is the element type
    tuple: Text  #: @{items}, and @{name} where there are ``tuple_names``
    tuple_one: Text = ""  #: a tuple of one element, where it is written differently
    tuple_names: Texts = ()  #: by number of elements (``Pair``, ``Triple``); an empty one is refused (``tuple.long``)
    vartuple: Text = ""
    dict: Text  #: @{0}, @{1}
    set: Text = ""
    optional: Text  #: @{0}
    boxes: Escapes = {}  #: type → how it is written as the argument of another (Java's ``long`` → ``Long``)
    optional_reference: Text = ""  #: of what is no bool, int or float, where such types have a null of their own
    tuple_separator: Text = ", "


class PrinterTemplates(Record, frozen=True, kw_only=True):
    """Expressions that print a typed result, for languages that can't ask a value for its type."""

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
    """How calls reach the driver: as a file of argument lists, or as text inside a generated driver."""

    constants: tuple[str, ...] = ()  #: further files of the language's folder that lie beside the driver
    calls: str = ""  #: the file ``calls``: @{calls}
    call: str = ""  #: one argument list: @{arguments}
    call_separator: str = ",\n"
    argument_separator: str = ", "
    no_arguments: str = ""
    binding: str = ""  #: @{case}, @{index}, @{type}, @{value}; joined into @{bindings} of the driver
    reference: str = ""  #: how a case names a binding
    case: str = (
        ""  #: @{case}, @{name}, @{arguments}; joined into @{cases}; the driver says @{name}, @{printer} or @{returns}
    )


class Equality(Record, frozen=True, kw_only=True):
    """Where the language tells fewer things apart than Python does."""

    int_is_float: bool = False  #: 3 equals 3.0
    one_number: bool = False  #: ints and floats are one type: no program can tell an argument 3 from 3.0
    float_accepts_int: bool = False  #: an exact 3 is a good answer where 3.0 is expected, not the reverse
    list_is_tuple: bool = False
    vector_of_scalars: bool = False  #: scalars of one type are a vector (a wire list), all else a wire tuple
    map_from_list: bool = False  #: a table with keys 1…n is a list and a map at once
    first_key: int = 1  #: of such a table
    empty_is_one: bool = False  #: one empty collection stands for list, tuple, dict
    null_is_empty: bool = False  #: null stands for the empty collections too
    false_is_none: bool = False
    scalar_is_singleton: bool = False  #: a scalar is a vector of one
    keys_are_text: bool = False  #: int keys come back as decimal strings
    bool_is_number: bool = False  #: true is 1; false is 0, and the empty string where a bool is expected


class CardLimits(Record, frozen=True, kw_only=True):
    """Limits that the language needs beyond the common ones."""

    cpu_s: float = 10.0
    memory_mb: int = 1024
    int_bits: int = 64  #: width of the native int with its sign; 0 for unlimited
    wider_results: bool = False  #: a program may return wider ints than its arguments can be (Julia's BigInt)


class Card(Record, frozen=True, kw_only=True):
    """A language."""

    name: str  #: the one id, everywhere
    display: str
    level: Literal["full", "io", "run"]  #: typed calls · stdin/stdout programs · programs by exit code
    extension: str
    fences: tuple[str, ...]  #: how teachers label it in fenced blocks
    toolchain: tuple[Toolchain, ...]
    syntax: Syntax
    values: LiteralTemplates = LiteralTemplates()  #: needed, as ``driver``, by level ``full``
    examples: dict[str, str] = {}  #: fields of ``values`` as people write them, where the driver needs another form
    terms: DocstringTerms = DocstringTerms()
    types: TypeTemplates | None = None
    printers: PrinterTemplates | None = None
    driver: DriverTemplates = DriverTemplates()
    equality: Equality = Equality()
    limits: CardLimits = CardLimits()
    failure_signs: tuple[str, ...] = ()  #: regular expressions that mean failure on stderr although the exit code is 0
    converted: str = ""  #: which types a program may declare instead of the signature's, for the page on languages
    refuse: dict[str, str] = {}  #: feature (``render.features``) → why it can't be represented

    @property
    def card_path(self) -> Path:
        """The card's path."""
        return language_folder(self.name) / "card.toml"

    @property
    def driver_text(self) -> str:
        """The driver's source.

        Raises:
            InputError: there is none; a card of level ``io`` needs none.

        """
        path = self.card_path.parent / f"driver{self.extension}"
        try:
            return _read_text(path)
        except FileNotFoundError:
            what = f'there is no such file, which a card of level = "{self.level}" needs; write it, or set level = "io"'
            raise InputError.at(path, None, what) from None

    @property
    def warm_files(self) -> dict[str, str | bytes]:
        """The constant files that a warm interpreter starts with: the driver, and what it loads besides."""
        driver = () if self.driver.case else (f"driver{self.extension}",)
        warm = f"warm{self.extension}"
        return self._texts(
            *driver, *self.driver.constants, *((warm,) if (self.card_path.parent / warm).exists() else ())
        )

    @property
    def constant_files(self) -> dict[str, str | bytes]:
        """The constant files of a program, but for the driver."""
        return self._texts(*self.driver.constants)

    def _texts(self, *names: str) -> dict[str, str | bytes]:
        return {name: _read_text(self.card_path.parent / name) for name in names}

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides how a program of this language is made and judged."""
        return _fingerprint(self.name)


@cache
def _read_text(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def _fingerprint(name: str) -> str:
    return content_hash(*(text for p in fingerprinted_files(name) for text in (p.name, p.read_text("utf-8"))))


def fingerprinted_files(name: str) -> list[Path]:
    """Return the files that decide how programs are made: all but rows, and what commands take from a neighbour."""
    own = language_folder(name)
    texts = (p.read_text("utf-8") for p in (own / "card.toml", *own.glob("*.sh")))
    beside = (other for text in texts for other in re.findall(r"\.\./(\w+)/", text))
    folders = [own, *sorted({own.parent / other for other in beside})]
    return [p for f in folders for p in sorted(f.iterdir()) if p.is_file() and p.name not in _ROWS]


def load_card(path: Path) -> Card:
    """Read one card.

    Raises:
        InputError: it is not TOML, a field is unknown, missing or of the wrong type.

    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Card)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, str(error)) from error


def language_folders() -> tuple[Path, ...]:
    """Return the folders that hold languages: the package's own, then those of the environment."""
    named = os.environ.get(LANGUAGES_VARIABLE, "").split(os.pathsep)
    return (LANGUAGES_FOLDER, *dict.fromkeys(Path(p).expanduser().resolve() for p in named if p))


@cache
def _folders_by_language() -> dict[str, Path]:
    """Return the folder of each language.

    Raises:
        UsageError: a folder of the environment is none, or brings a language that is there already.

    """
    found: dict[str, Path] = {}
    for place in language_folders():
        if not place.is_dir():
            raise UsageError(f"{LANGUAGES_VARIABLE} names {place}, which is no folder")
        for path in sorted(p.parent for p in place.glob("*/card.toml")):
            if path.name in found:
                raise UsageError(f"two languages are named {path.name!r}: {found[path.name]} and {path}. Rename one")
            found[path.name] = path
    return found


@cache
def language_names() -> tuple[str, ...]:
    """Names of all languages, sorted.

    Raises:
        UsageError: the environment names no folder, or a language twice.

    """
    return tuple(sorted(_folders_by_language()))


def language_folder(name: str) -> Path:
    """Return the folder of a language, with its card, driver and rows.

    Raises:
        UsageError: there is no such language.

    """
    if name not in _folders_by_language():
        raise UsageError(unknown_name(f"no language is named {name!r}", name, language_names()))
    return _folders_by_language()[name]


@cache
def get_card(name: str) -> Card:
    """Return the card of a language.

    Raises:
        UsageError: there is no such language.
        InputError: its card is malformed, or has another name than its folder.

    """
    path = language_folder(name) / "card.toml"
    card = load_card(path)
    if card.name != name:
        raise InputError.at(path, None, f"the card is named {card.name!r} and its folder {name!r}")
    return card


def clear_card_caches() -> None:
    """Look for languages anew: a folder has been added, or the environment changed."""
    for function in (_folders_by_language, language_names, get_card, _read_text, _fingerprint):
        function.cache_clear()
