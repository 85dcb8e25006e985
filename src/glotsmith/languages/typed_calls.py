"""A suite's calls as one language sees them: typed by the signature, and told apart or not.

Two tests that pass the same arguments in the language and want different results can be passed by no program of it.
What is the same is decided on the rendered arguments; where a language has two texts for one value, a flag of its card
says so (``card.Equality``).
"""

import ast
from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from glotsmith.languages import render
from glotsmith.languages.card import Card
from glotsmith.languages.compatible_values import Tolerance, ValueCompatibility
from glotsmith.languages.render import is_vector
from glotsmith.languages.representable import Unrepresentable
from glotsmith.values import (
    ANY,
    Call,
    Check,
    NotLiteral,
    Parameter,
    Signature,
    Type,
    Value,
    coerce_call,
    expected_values,
    literal,
    parse_signature,
    parse_test,
    rebuild_container,
)
from glotsmith.values.check_expressions import RESULT

_WIDTH = 200  #: characters of a call or value in a message


def parse_suite(tests: Sequence[str], signature: str) -> tuple[list[Call], Signature]:
    """Parse a suite's tests and its signature; without one, nothing is declared.

    Raises:
        NotLiteral: a test or the signature can't be parsed, there is no test, or one has another number of arguments.

    """
    declared = parse_signature(signature) if signature else None
    calls = [parse_test(t, declared.name if declared else "") for t in tests]
    if not calls:
        raise NotLiteral("a job needs tests, io or program")
    if declared is None:
        names = [f"x{i}" for i in range(len(calls[0].arguments))]
        declared = Signature(calls[0].function, tuple(Parameter(n, ANY) for n in names), ANY)
    if any(len(c.arguments) != len(declared.parameters) for c in calls):
        raise NotLiteral(f"a test passes another number of arguments than {declared} takes")
    return calls, declared


def apply_signature(
    card: Card, calls: Sequence[Call], declared: Signature, tolerance: Tolerance | None = None
) -> tuple[list[Call], Signature]:
    """Return the calls with literals of the declared types, and the signature that holds all of them.

    In a language that checks types, a type that the tests show counts as declared.

    Raises:
        Unrepresentable: the tests contradict the signature, or each other in this language.

    """
    made = [coerce_call(c, declared) for c in calls]
    settled = render.widen_signature(declared, [c.arguments for c in made], expected_values(made))
    if card.values.widen:
        made = [coerce_call(c, settled, strict=True) for c in made]
    rendered = [_render_arguments(card, settled, c) for c in made]
    likeness = ValueCompatibility(card.equality, tolerance or Tolerance())
    first = dict[tuple[str, ...], int]()
    for i, call in enumerate(made):
        if isinstance(call.expected, Check):
            continue
        known = first.setdefault(rendered[i], i)
        if not likeness.are_compatible(made[known].expected, call.expected):
            raise Unrepresentable(_contradiction(card, calls[known], calls[i]))
    return made, settled


def _contradiction(card: Card, one: Call, other: Call) -> str:
    calls = [f"{c.function}({', '.join(map(literal, c.arguments))})"[:_WIDTH] for c in (one, other)]
    wanted = [literal(c.expected)[:_WIDTH] for c in (one, other)]
    same = f"{calls[0]} twice" if calls[0] == calls[1] else f"{calls[0]} and {calls[1]}, one call in {card.display}"
    return f"the tests contradict each other: {same}, must return {wanted[0]} and {wanted[1]}"


def _render_arguments(card: Card, signature: Signature, call: Call) -> tuple[str, ...]:
    """Write the arguments so that those which are one value in the language have one text.

    A language that checks types has one text for a value of one type.
    """
    if card.values.widen:
        pairs = zip(call.arguments, signature.parameters, strict=True)
        return tuple(render.render_literal(card, v, p.type) for v, p in pairs)
    untyped = msgspec.structs.replace(card, types=None)  # an empty dict shows no type that could be written
    return tuple(render.render_literal(untyped, _canonical(card, v)) for v in call.arguments)


def _canonical(card: Card, value: Value) -> Value:
    """Return the value that stands for all that are the same in the language though their literals differ."""
    e = card.equality
    match value:
        case bool():
            plain = 1 if value and e.bool_is_number else value
        case int() | float() | str() | None:
            plain = value
        case dict():
            pairs = cast(dict[Value, Value], value)
            return _canonical_map(card, {_canonical_key(card, k): _canonical(card, v) for k, v in pairs.items()})
        case _:
            return _canonical_items(card, value)
    if e.one_number and type(plain) is int:
        plain = float(plain)
    return [plain] if e.scalar_is_singleton and plain is not None else plain


def _canonical_items(card: Card, value: Value) -> Value:
    items = cast(Sequence[Value], value)
    if not items and card.equality.null_is_empty and not isinstance(value, set):
        return None
    if card.equality.scalar_is_singleton and is_vector(items):
        return rebuild_container(value, (float(x) if type(x) is int else x for x in items))
    return rebuild_container(value, (_canonical(card, x) for x in items))


def _canonical_map(card: Card, pairs: dict[Value, Value]) -> Value:
    """Return a map; a list where the language has one type for both, and the keys are those of a list."""
    e = card.equality
    keys = [str(i) if e.keys_are_text else i for i in range(e.first_key, e.first_key + len(pairs))]
    return list(pairs.values()) if e.map_from_list and list(pairs) == keys else pairs


def _canonical_key(card: Card, key: Value) -> Value:
    e = card.equality
    if e.map_from_list and isinstance(key, float) and key.is_integer():
        return int(key)
    return str(key) if e.keys_are_text and type(key) is int else key


# ------------------------------------------------------------------------------------- undecidable checks

_AS_TEXT = frozenset({"str", "repr"})
_WITHOUT_KEYS = frozenset({"len", "bool", "isinstance", "type", "dict", "values", "copy"})


def undecidable_reason(card: Card, check: Check, returns: Type) -> str:
    """Return why a right program of the language can fail a check; "" where it can't.

    An int key comes back as a text in some languages, and a whole float or a tuple as an int or a list. Equality
    makes up for that; the text of a result, and the keys of a dict, show it.
    """
    uses = list(_uses_of_result(ast.parse(check.text, mode="eval").body))
    e, kinds = card.equality, _type_kinds(returns)
    shown = any(use in _AS_TEXT for use in uses)
    if e.keys_are_text and "dict[int]" in kinds:
        if shown:
            return f"{check.text} writes out the keys of a dict, which are texts in {card.display}"
        if _is_map(returns) and any(use not in _WITHOUT_KEYS for use in uses):
            return f"{check.text} looks at the keys of a dict, which are texts in {card.display}"
    if shown and "float" in kinds and e.one_number:
        return f"{check.text} writes out a float, which {card.display} does not tell from an int"
    if shown and "tuple" in kinds and e.list_is_tuple:
        return f"{check.text} writes out a tuple, which {card.display} does not tell from a list"
    return ""


def _is_map(returns: Type) -> bool:
    return returns.kind == "dict" or (returns.kind == "optional" and returns.args[0].kind == "dict")


def _type_kinds(kind: Type) -> set[str]:
    """Return the kinds that a type is made of; a dict with int keys is ``dict[int]``."""
    own = "tuple" if kind.kind in ("tuple", "vartuple") else kind.kind
    if kind.kind == "dict" and kind.args and kind.args[0].kind == "int":
        own = "dict[int]"
    return {own}.union(*map(_type_kinds, kind.args))


def _uses_of_result(node: ast.AST, use: str = "bool") -> Iterator[str]:
    """Yield what is done with each occurrence of the result: a function's name, "=" for equality, "" for the rest."""
    match node:
        case ast.Name(id=name) if name == RESULT:
            yield use
        case ast.Call(func=ast.Name(id=name)):
            inner = [*node.args, *(keyword.value for keyword in node.keywords)]
            for part in inner:
                yield from _uses_of_result(part, name)
        case ast.Attribute(value=value, attr=name):
            yield from _uses_of_result(value, name)
        case ast.Compare(ops=ops) if all(isinstance(op, ast.Eq | ast.NotEq) for op in ops):
            for part in (node.left, *node.comparators):
                yield from _uses_of_result(part, "copy")  # equality makes up for what a language does not tell apart
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            for part in ast.iter_child_nodes(node):
                yield from _uses_of_result(part, "bool")
        case ast.IfExp(test=test, body=body, orelse=other):
            yield from _uses_of_result(test, "bool")
            yield from _uses_of_result(body, use)
            yield from _uses_of_result(other, use)
        case _:
            for part in ast.iter_child_nodes(node):
                yield from _uses_of_result(part, "str" if isinstance(node, ast.JoinedStr | ast.FormattedValue) else "")
