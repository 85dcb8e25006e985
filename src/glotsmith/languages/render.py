"""Render values, types, signatures and comments as text of a target language, by the templates of its card."""

import functools
import math
import re
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import cast

import msgspec

from glotsmith.languages.card import Card, LiteralTemplates
from glotsmith.languages.representable import Unrepresentable, require_representable
from glotsmith.values import ANY, NotLiteral, Parameter, Signature, Type, Value, type_of, unite, unite_all

_PLACEHOLDER = re.compile(r"@\{(\w+)\}")


def fill_template(template: str, **values: str) -> str:
    """Replace each ``@{name}`` once; placeholders in the inserted text are not replaced."""
    return _PLACEHOLDER.sub(lambda m: values.get(m[1], m[0]), template)


def split_template(template: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """Fill a template, and return it in parts: text, the name of an unfilled placeholder, text …."""
    parts, text = list[str](), ""
    for i, part in enumerate(_PLACEHOLDER.split(template)):
        if i % 2 == 0:
            text += part
        elif part in values:
            text += values[part]
        else:
            parts += [text, part]
            text = ""
    return (*parts, text)


# --------------------------------------------------------------------------------------------- quirks

_ATOMIC: dict[type, str] = {bool: "logical", int: "numeric", float: "numeric", str: "character"}


def is_vector(items: Collection[Value]) -> bool:
    """Return whether R represents these elements as an atomic vector: at least one scalar, all of one type."""
    kinds = {_ATOMIC.get(x.__class__) for x in items}
    return len(kinds) == 1 and None not in kinds


def r_vector(value: Value, items: Sequence[str]) -> str | None:
    """Return R's ``c(...)`` for elements of one atomic type; None for ``list(...)`` (the rule of MultiPL-E)."""
    if isinstance(value, dict) or not is_vector(value):
        return None
    return f"c({', '.join(items)})"


#: ``values.quirk`` of a card → function of (value, rendered items): the literal, or None for the card's template
QUIRKS: dict[str, Callable[[Value, Sequence[str]], str | None]] = {"r_vector": r_vector}


# --------------------------------------------------------------------------------------------- values


def render_literal(card: Card, value: Value, kind: Type = ANY) -> str:
    """Return a value as an expression of the language, of type ``kind``.

    Raises:
        Unrepresentable: the language has no form for the value.

    """
    require_representable(card, value)
    return _literal(card, value, kind)


def _literal(card: Card, value: Value, kind: Type) -> str:
    v = card.values
    if kind.kind in ("any", "mixed"):
        kind = type_of(value)
    if kind.kind == "optional":
        if value is None:
            return fill_template(v.none, **_type_parts(card, kind))
        return fill_template(v.some, value=_literal(card, value, kind.args[0]))
    match value:
        case None:
            return v.unit if v.unit and kind.kind == "none" else v.none
        case bool():
            return v.true if value else v.false
        case int() | float():
            return _number(card, _widened(card, value) if v.widen and kind.kind == "float" else value)
        case str():
            return fill_template(v.str, value=escape_string(card, value))
        case _:
            return _container(card, value, kind)


def _widened(card: Card, value: float | int) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise Unrepresentable("an int is too large for a float") from error


def _number(card: Card, value: float | int) -> str:
    v = card.values
    if isinstance(value, int):
        if v.least and value == -(1 << (card.limits.int_bits - 1)):
            return v.least
        text = fill_template(v.int, value=str(value))
    elif math.isnan(value):
        return v.nan
    elif math.isinf(value):
        return v.infinity if value > 0 else v.negative_infinity
    else:
        text = fill_template(v.float, value=repr(value), bits=str(*struct.unpack("<q", struct.pack("<d", value))))
    negative = value < 0 if isinstance(value, int) else math.copysign(1, value) < 0
    return fill_template(v.negative, value=text) if negative else text


def escape_string(card: Card, text: str) -> str:
    """Return a text as the contents of a string literal."""
    v = card.values
    return _special_characters("".join(v.escapes)).sub(lambda match: _character(v, match[0]), text)


@functools.cache
def _special_characters(escaped: str) -> re.Pattern[str]:
    """Return a pattern for the characters that may differ in a literal; a long text has few of them."""
    return re.compile(rf"[\x00-\x1f\x7f-\U0010ffff{re.escape(escaped)}]")


def _character(v: LiteralTemplates, char: str) -> str:
    n = ord(char)
    if char in v.escapes:
        return v.escapes[char]
    template = v.control if n < 32 or n == 127 else v.beyond_ascii if n > 127 else ""
    return fill_template(template or char, hex=f"{n:x}", hex4=f"{n:04x}", octal=f"{n:03o}", decimal=f"{n:03d}")


def _container(card: Card, value: Value, kind: Type) -> str:
    v = card.values
    name, items = kind.kind, _items(card, value, kind)
    if v.quirk:
        special = QUIRKS[v.quirk](value, items)
        if special is not None:
            return special
    if not items and (empty := str(getattr(v, f"empty_{name}", ""))):
        return fill_template(empty, **_type_parts(card, kind))
    template = str(getattr(v, name)) or v.list
    separator = v.tuple_separator or v.separator if name == "tuple" else v.separator
    if name == "tuple" and len(items) == 1 and v.tuple_one:
        template = v.tuple_one
    return fill_template(template, items=separator.join(items), **_type_parts(card, kind))


def _items(card: Card, value: Value, kind: Type) -> list[str]:
    match value:
        case dict():
            keys, values = kind.args
            pairs = cast(dict[Value, Value], value).items()
            return [
                fill_template(
                    card.values.entry, key=_literal(card, _key(card, k), keys), value=_literal(card, x, values)
                )
                for k, x in pairs
            ]
        case tuple() if kind.kind == "tuple":
            return [_literal(card, x, t) for x, t in zip(cast(tuple[Value, ...], value), kind.args, strict=True)]
        case set():
            return sorted(_literal(card, x, kind.args[0]) for x in cast(set[Value], value))
        case _:
            return [_literal(card, x, kind.args[0]) for x in cast(list[Value], value)]


def _key(card: Card, key: Value) -> Value:
    return str(key) if card.equality.keys_are_text and type(key) is int else key


def _type_parts(card: Card, kind: Type) -> dict[str, str]:
    if card.types is None:
        return {}
    parts = {str(i): text for i, text in enumerate(_inner(card, kind))}
    return {**parts, "type": render_type(card, kind)}


# ---------------------------------------------------------------------------------------------- types


def render_type(card: Card, kind: Type) -> str:
    """Return a type as signatures write it; "" in a language without types.

    Raises:
        Unrepresentable: the language has no such type.

    """
    table = card.types
    if table is None:
        return ""
    _check_arity(card, kind)
    template = str(getattr(table, kind.kind, "")) or (table.list if kind.kind == "vartuple" else "")
    if kind.kind == "optional" and table.optional_reference and kind.args[0].kind not in ("bool", "int", "float"):
        template = table.optional_reference
    if kind.kind == "tuple" and len(kind.args) == 1 and table.tuple_one:
        template = table.tuple_one
    if not template:
        raise Unrepresentable(card.refuse.get(kind.kind, f"{card.display} has no type for {kind}"))
    args = _inner(card, kind)
    items = table.tuple_separator.join(args)
    return fill_template(template, items=items, name=_tuple_name(card, kind), **{str(i): a for i, a in enumerate(args)})


def _inner(card: Card, kind: Type) -> list[str]:
    """Return the texts of a type's arguments."""
    texts = [render_type(card, a) for a in kind.args]
    return [card.types.boxes.get(t, t) for t in texts] if card.types else texts


def _tuple_name(card: Card, kind: Type) -> str:
    """Return the name of a tuple type by its number of elements; "" without such names and for other types."""
    names = card.types.tuple_names if card.types and kind.kind == "tuple" else ()
    if not names:
        return ""
    if not (name := dict(enumerate(names)).get(len(kind.args), "")):
        raise Unrepresentable(card.refuse.get("tuple.long", f"{card.display} has no type for {kind}"))
    return name


def _check_arity(card: Card, kind: Type) -> None:
    """Refuse types of elements and keys, and of tuples with no or one element: values may not show these features."""
    feature = ""
    if kind.kind == "tuple":
        feature = {0: "tuple.empty", 1: "tuple.one"}.get(len(kind.args), "")
    if kind.kind == "list":
        feature = f"list.{kind.args[0].kind}"
    if kind.kind in ("dict", "set"):
        feature = f"{'dict.key' if kind.kind == 'dict' else 'set'}.{kind.args[0].kind}"
    if feature in card.refuse:
        raise Unrepresentable(card.refuse[feature])


def render_printer(card: Card, kind: Type) -> str:
    """Return the expression that prints a result of a type.

    Raises:
        Unrepresentable: the language cannot print a result of the type.

    """
    table = card.printers
    if table is None:
        return ""
    _check_arity(card, kind)
    template = str(getattr(table, kind.kind, ""))
    if not template:
        raise Unrepresentable(card.refuse.get(kind.kind, f"{card.display} cannot print a result of type {kind}"))
    args = [render_printer(card, a) for a in kind.args]
    names = [f"x{i}" for i in range(len(args))]
    items = [fill_template(table.tuple_item, printer=a, name=n) for a, n in zip(args, names, strict=True)]
    return fill_template(
        template,
        names=", ".join(names),
        items=table.tuple_separator.join(items),
        **{str(i): a for i, a in enumerate(args)},
    )


# ----------------------------------------------------------------------------------------- signatures


def parameter_name(card: Card, name: str) -> str:
    """Return a parameter's name; names that are reserved or have unsupported characters are changed."""
    candidate = name if re.fullmatch(card.syntax.name, name) else name.lstrip("_") or "x"
    candidate = (
        fill_template(card.syntax.renamed, name=candidate) if candidate in card.syntax.reserved_words else candidate
    )
    return candidate if re.fullmatch(card.syntax.name, candidate) else candidate[:1].lower() + candidate[1:]


def entry_name(card: Card, name: str) -> str:
    """Return a function's name in the language, which equals its Python name; a whole program may have any name.

    Raises:
        Unrepresentable: the name is reserved or has unsupported characters.

    """
    if card.level != "full":
        return name
    if name in card.syntax.reserved_words or not re.fullmatch(card.syntax.name, name):
        raise Unrepresentable(f"{name!r} cannot be the name of a function in {card.display}")
    return name


def render_signature(card: Card, template: str, signature: Signature, name: str = "") -> str:
    """Fill ``syntax.signature`` or ``syntax.stub`` for a signature.

    Raises:
        Unrepresentable: a type or the name has no form in the language.

    """
    s = card.syntax
    parameters = [_parameter(card, p) for p in signature.parameters]
    if s.array_result and signature.returns.kind == "list":
        parameters.append(s.array_result)
    return fill_template(
        template,
        name=name or entry_name(card, signature.name),
        parameters=s.parameter_separator.join(parameters) or s.no_parameters,
        types="".join(fill_template(s.parameter_type, type=render_type(card, p.type)) for p in signature.parameters),
        returns=render_type(card, signature.returns),
    )


def _parameter(card: Card, parameter: Parameter) -> str:
    s = card.syntax
    template = s.array_parameter if s.array_parameter and parameter.type.kind == "list" else s.parameter
    return fill_template(template, name=parameter_name(card, parameter.name), type=render_type(card, parameter.type))


def render_declaration(card: Card, signature: Signature, name: str = "") -> str:
    """Return a signature on one line; "" in a language without types.

    Raises:
        Unrepresentable: a type or the name has no form in the language.

    """
    if card.types is None:
        return ""
    line = next((line for line in card.syntax.signature.splitlines() if "@{name}" in line), "")
    text = re.sub(r"[\s:={]+$", "", render_signature(card, line.strip(), signature, name))
    container = enclosing_declaration(card)
    return f"{text}, in {container}" if container else text


def enclosing_declaration(card: Card) -> str:
    """Return the declaration that must contain the entry point, such as ``class Problem``; "" for the top level."""
    before = card.syntax.signature.partition("@{name}")[0]
    found = re.search(r"(?m)^(?:class|object|defmodule) \w+", before)
    return found[0] if found else ""


def render_comment(card: Card, text: str) -> str:
    """Return lines as line comments."""
    s = card.syntax
    # Escapes see lines with their ends: in C, a backslash before the end of a line continues the comment.
    lines = [f"{line.rstrip()}\n" for line in text.splitlines()]
    for text_in_comment, replacement in s.comment_escapes.items():
        lines = [line.replace(text_in_comment, replacement) for line in lines]
    return "\n".join(f"{s.line_comment} {line.rstrip()} {s.line_comment_end}".rstrip() for line in lines)


def widen_signature(
    signature: Signature, calls: Sequence[tuple[Value, ...]], results: Sequence[Value] = ()
) -> Signature:
    """Widen the types of a declared signature so that they include the values of the calls.

    Raises:
        Unrepresentable: a value contradicts its declared type, or a call has another number of arguments.

    """
    try:
        columns = [unite_all((p.type, *(type_of(c[i]) for c in calls))) for i, p in enumerate(signature.parameters)]
        returns = unite(signature.returns, unite_all(map(type_of, results)))
    except (NotLiteral, IndexError) as error:
        raise Unrepresentable(f"the tests do not fit the signature {signature}: {error}") from error
    parameters = tuple(msgspec.structs.replace(p, type=t) for p, t in zip(signature.parameters, columns, strict=True))
    return msgspec.structs.replace(signature, parameters=parameters, returns=returns)
