"""Translate Python docstrings into the terms and literals of another language.

As in MultiPL-E's published prompts ("doctests: transform", "prompt terminology: reworded"; Cassano et al. 2023, §3.3),
examples of calls are written in the target language, and the names of Python's types are replaced. Parts that cannot be
translated are kept.
"""

import ast
import doctest
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from glotsmith.languages.card import Card, get_card
from glotsmith.languages.render import fill_template, render_literal, widen_signature
from glotsmith.languages.representable import Unrepresentable
from glotsmith.values import Check, NotLiteral, Signature, Type, Value, parse_signature, parse_test
from glotsmith.values.literals import value_of_node

#: ``target``: examples and terms of the target language; ``verbatim``: those of the Python original.
Wording = Literal["target", "verbatim"]

_RESULT = re.compile(
    r"\s*(?:=>|==?|-->|->|➞|→|⇒|returns?|(?:should|must|will) (?:return|be|equal)|#\s*(?:=>|->|returns?)?)\s*"
)
_VALUES = ("None", "True", "False")
_SINGULARS = {
    **{f"{word}s": word for word in ("array", "list", "tuple")},
    "dict": "dictionary",
    "dicts": "dictionary",
    "dictionaries": "dictionary",
}
_TERM = re.compile(
    r"(?P<article>\b[Aa]n? )?(?<![\w.\"'/-])"
    r"(?P<term>[Aa]rrays?|[Ll]ists?|[Tt]uples?|[Dd]ictionar(?:y|ies)|[Dd]icts?|None(?! of\b)|True|False)(?![\w\[(\"'])"
)
_MAX_LITERAL_CHARS = 400  #: largest length of a value in a line of text
_LEVELS_OF_TWO = 2  #: levels at which the lists of a sample value have two items
_MAX_CALLS = 64  #: examples in one docstring
_ATOM = re.compile(r"[\w.]+|\([^()]*\)|\[[^\[\]]*\]|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")


class _Example(NamedTuple):
    """A call in a docstring with its stated result."""

    start: int
    end: int
    arguments: tuple[Value, ...]
    join: str  #: the text between call and value
    value: Value


def translate_docstring(language: str, docstring: str, signature: str, wording: Wording = "target") -> str:
    """Return a Python function's docstring, translated for another language.

    Args:
        language: the target language.
        docstring: the text, without quotes.
        signature: the function's Python signature, with the types of the task.
        wording: ``verbatim`` returns the docstring unchanged.

    """
    card = get_card(language)
    if wording == "verbatim" or language == "python" or card.level != "full":
        return docstring
    try:
        parsed = parse_signature(signature)
    except NotLiteral:
        return docstring
    return _Translation(_card_for_docstrings(language), parsed).text(docstring)


def example_calls(language: str, tests: Sequence[str], signature: str) -> list[str]:
    """Return tests as calls with their results, written in another language.

    They show how a language represents dictionaries, tuples, missing values and so on. Tests that the language cannot
    represent, and tests of another form than ``call == value``, are left out.

    Args:
        language: the target language; the result is empty for Python and for languages without typed calls.
        tests: asserts (``Suite.tests``).
        signature: the function's Python signature, with the types of the task.

    """
    card = get_card(language)
    if language == "python" or card.level != "full":
        return []
    parsed = parse_signature(signature)
    translation = _Translation(_card_for_docstrings(language), parsed)
    calls = [translation.call(test, parsed.name) for test in tests]
    # No comment holds the value: in OCaml, whose comments must be lexically valid, the quotes in it would change.
    return [f"{call[0]}  =>  {call[1]}" for call in calls if call]


def value_forms(language: str, signature: str) -> list[str]:
    """Return how a language writes the containers and missing values of a signature, with a sample value of each type.

    A line for Lua is ``dict[str, int]: {'a': 1} is {["a"] = 1}``. Unlike ``example_calls`` it contains no test. Types
    that the language cannot represent are left out.
    """
    card = get_card(language)
    if language == "python" or card.level != "full":
        return []
    parsed, card = parse_signature(signature), _card_for_docstrings(language)
    types = [*(parameter.type for parameter in parsed.parameters), parsed.returns]
    composite = dict.fromkeys(part for kind in types for part in _composite_types(kind))
    return [form for kind in composite if (form := _value_form(card, kind))]


def _composite_types(kind: Type) -> Iterator[Type]:
    """Yield a type and its parts, without numbers, texts and truth values."""
    if kind.kind in ("list", "tuple", "vartuple", "dict", "set", "optional"):
        yield kind
    for part in kind.args:
        yield from _composite_types(part)


def _sample_value(kind: Type, level: int = 0) -> Value:
    """Return a small value of a type; the lists in nested types have one item, as two would double at each level."""
    parts = [_sample_value(part, level + 1) for part in kind.args]
    count = 2 if level < _LEVELS_OF_TWO else 1
    match kind.kind:
        case "bool":
            return True
        case "float":
            return 1.5
        case "str":
            return "a"
        case "none":
            return None
        case "list":
            return parts * count
        case "tuple":
            return tuple(parts)
        case "vartuple":
            return tuple(parts * count)
        case "dict":
            return {parts[0]: parts[1]}
        case "set":
            return set(parts)
        case "optional":
            return parts[0]
        case "int" | "any" | "mixed":
            return 1


def _value_form(card: Card, kind: Type) -> str:
    """Return a line about a type; "" if the language, or Python, has no such value."""
    try:
        value = None if kind.kind == "optional" else _sample_value(kind)
        form = f"{kind}: {value!r} is {render_literal(card, value, kind)}"
        return form if len(form) <= _MAX_LITERAL_CHARS else ""
    except (Unrepresentable, NotLiteral, ValueError, TypeError):  # TypeError: a key that cannot be hashed
        return ""


@cache
def _card_for_docstrings(language: str) -> Card:
    """Return a card with the literals of ``examples``, which people write, instead of those for the driver."""
    card = get_card(language)
    return msgspec.structs.replace(card, values=msgspec.structs.replace(card.values, **card.examples))


class _Translation:
    """Translates the docstrings of one function into one language."""

    def __init__(self, card: Card, signature: Signature) -> None:
        self._card = card
        self._signature = signature

    def text(self, docstring: str) -> str:
        """Translate the examples of both forms, and the terms between them."""
        return "".join(self._parts(docstring))

    def _parts(self, docstring: str) -> Iterator[str]:
        position = 0
        for start, end, example in _doctests(docstring, self._signature.name):
            yield self._prose(docstring[position:start])
            yield self._doctest(docstring[start:end], example)
            position = end
        yield self._prose(docstring[position:])

    def _doctest(self, text: str, example: _Example | None) -> str:
        call = self._call(example) if example else None
        if example is None or call is None:
            return text
        indent = re.match(r"[ \t]*", text)
        below = re.search(r"\n([ \t]*)(?!\.\.\.)\S[^\n]*\n?\Z", text)
        margin = below[1] if below else indent[0] if indent else ""
        ending = "\n" if text.endswith("\n") else ""
        return f"{indent[0] if indent else ''}>>> {call[0]}\n{margin}{call[1]}{ending}"

    def _prose(self, text: str) -> str:
        position, parts = 0, list[str]()
        for example in _inline(text, self._signature.name):
            call = self._call(example)
            if call is None:
                continue
            parts += [self._words(text[position : example.start]), call[0], example.join, call[1]]
            position = example.end
        return "".join([*parts, self._words(text[position:])])

    def call(self, test: str, name: str) -> tuple[str, str] | None:
        """Return call and value of a test in the language; None if it has none there, or states no plain value."""
        call = parse_test(test, name)
        if isinstance(call.expected, Check):
            return None
        return self._call(_Example(0, 0, call.arguments, "", call.expected))

    def _call(self, example: _Example) -> tuple[str, str] | None:
        """Return call and value in the language; None if the language has no form for them."""
        try:
            signature = widen_signature(self._signature, [example.arguments], [example.value])
            types = [parameter.type for parameter in signature.parameters]
            arguments = [render_literal(self._card, x, t) for x, t in zip(example.arguments, types, strict=True)]
            return self._application(arguments), render_literal(self._card, example.value, signature.returns)
        except (Unrepresentable, NotLiteral, ValueError, RecursionError):
            return None

    def _application(self, arguments: Sequence[str]) -> str:
        syntax = self._card.syntax
        if syntax.argument_separator == " ":
            arguments = [a if _ATOM.fullmatch(a) or syntax.application.startswith("(") else f"({a})" for a in arguments]
        text = syntax.argument_separator.join(arguments) or syntax.no_parameters
        call = fill_template(syntax.application, name=self._signature.name, arguments=text)
        return call if text else call.replace(" )", ")")

    def _words(self, text: str) -> str:
        """Replace the names of Python's types, except where they are names of the function or its parameters."""
        own = {self._signature.name, *(parameter.name for parameter in self._signature.parameters)}
        terms = _terms(self._card.name)
        return _TERM.sub(lambda found: found[0] if found["term"] in own else _translate_term(found, terms), text)


def _translate_term(found: re.Match[str], terms: Mapping[str, str]) -> str:
    """Return the language's term, with the number, capitals and article of the found one."""
    term = found["term"]
    singular = _SINGULARS.get(term.lower(), term.lower()) if term not in _VALUES else term
    word = terms[singular]
    if word == singular:
        return found[0]
    if singular not in _VALUES:
        word = f"{word}s" if term.lower() != singular and term.lower() != "dict" else word
        word = word[:1].upper() + word[1:] if term[:1].isupper() else word
    article = found["article"] or ""
    if article:
        article = f"{article[0]}{'n' if word[:1].lower() in 'aeiou' else ''} "
    return f"{article}{word}"


@cache
def _terms(language: str) -> Mapping[str, str]:
    """Return the language's terms for Python's types and constants."""
    card = get_card(language)
    kinds = {name: str(getattr(card.terms, name)) for name in ("array", "list", "tuple", "dictionary")}
    return {**kinds, **{value: _value_term(card, value) for value in _VALUES}}


def _value_term(card: Card, value: str) -> str:
    own = str(getattr(card.terms, value.lower()))
    template = str(getattr(card.values, value.lower()))
    return own or (template if template and "@{" not in template else value)


# ------------------------------------------------------------------------------------------------ examples


def _doctests(docstring: str, name: str) -> Iterator[tuple[int, int, _Example | None]]:
    """Yield start and end of each ``>>>`` example, and its call if that is a call of ``name`` over literals."""
    try:
        found = doctest.DocTestParser().parse(docstring)
    except ValueError:
        return
    for example in found:
        if isinstance(example, doctest.Example):
            yield *_lines_of(docstring, example), _example_of(example.source, example.want, name)


def _lines_of(docstring: str, example: doctest.Example) -> tuple[int, int]:
    lines = docstring.split("\n")
    count = example.source.count("\n") + example.want.count("\n")
    start = sum(len(line) + 1 for line in lines[: example.lineno])
    return start, min(start + sum(len(line) + 1 for line in lines[example.lineno :][:count]), len(docstring))


def _example_of(source: str, want: str, name: str) -> _Example | None:
    try:
        call, value = ast.parse(source.strip(), mode="eval").body, ast.parse(want.strip(), mode="eval").body
        return _Example(0, 0, _arguments(call, name), "", value_of_node(value))
    except (SyntaxError, ValueError, RecursionError, MemoryError, NotLiteral):
        return None


def _inline(text: str, name: str) -> Iterator[_Example]:
    """Yield calls of ``name`` over literals in a text, each with the value that the line states after it."""
    position = 0
    for found in islice(re.finditer(rf"(?<![\w.]){re.escape(name)}\(", text), _MAX_CALLS):
        if found.start() < position:
            continue
        line_end = text.find("\n", found.start())
        line = text[found.start() : line_end if line_end >= 0 else len(text)]
        example = _parse_stated_example(line, name)
        if example is not None:
            position = found.start() + example.end
            yield example._replace(start=found.start(), end=position)


def _parse_stated_example(line: str, name: str) -> _Example | None:
    """Return the call at the start of a line, and the longest literal that is stated as its result."""
    for closing in islice(re.finditer(r"\)", line), _MAX_CALLS):
        try:
            arguments = _arguments(ast.parse(line[: closing.end()], mode="eval").body, name)
        except (SyntaxError, ValueError, RecursionError, MemoryError, NotLiteral):
            continue
        join = _RESULT.match(line, closing.end())
        value = _longest_literal(line[join.end() :]) if join and join[0].strip() else None
        if join is None or value is None:
            return None
        return _Example(0, join.end() + value[0], arguments, join[0], value[1])
    return None


def _longest_literal(text: str) -> tuple[int, Value] | None:
    """Return the length and the value of the longest literal at the start of a text."""
    for end in range(min(len(text), _MAX_LITERAL_CHARS), 0, -1):
        if text[end - 1].isspace():
            continue
        try:
            node = ast.parse(text[:end].strip(), mode="eval").body
            if isinstance(node, ast.Tuple) and not text.startswith("("):
                continue  # the comma belongs to the sentence
            return end, value_of_node(node)
        except (SyntaxError, ValueError, RecursionError, MemoryError, NotLiteral):
            continue
    return None


def _arguments(call: ast.expr, name: str) -> tuple[Value, ...]:
    match call:
        case ast.Call(func=ast.Name(id=found), args=arguments, keywords=[]) if found == name:
            return tuple(value_of_node(argument) for argument in arguments)
        case _:
            raise NotLiteral("not a call of the function with positional literals")
