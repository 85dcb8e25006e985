"""Apply a signature to the calls of a suite, and refuse tests that no program of a language can pass.

If two tests have equal arguments in the language and different expected values, no program can pass both. Arguments
are equal if their rendered texts are; flags of the card (``card.Equality``) handle values with several texts.
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

_MESSAGE_CHARS = 200  #: largest length of a call or value in a message


def parse_suite(tests: Sequence[str], signature: str) -> tuple[list[Call], Signature]:
    """Parse a suite's tests and its signature; without a signature, all types are ``any``.

    Raises:
        NotLiteral: a test or the signature cannot be parsed, there are no tests, or a test has a wrong number of
            arguments.

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
    """Return the calls with literals of the declared types, and the signature widened to all of them.

    In a language that checks types, the widened types count as declared.

    Raises:
        Unrepresentable: the tests contradict the signature, or each other in this language.

    """
    made = [coerce_call(c, declared) for c in calls]
    widened = render.widen_signature(declared, [c.arguments for c in made], expected_values(made))
    if card.values.widen:
        made = [coerce_call(c, widened, strict=True) for c in made]
    rendered = [_render_arguments(card, widened, c) for c in made]
    compatibility = ValueCompatibility(card.equality, tolerance or Tolerance())
    first = dict[tuple[str, ...], int]()
    for i, call in enumerate(made):
        if isinstance(call.expected, Check):
            continue
        known = first.setdefault(rendered[i], i)
        if not compatibility.are_compatible(made[known].expected, call.expected):
            raise Unrepresentable(_contradiction(card, calls[known], calls[i]))
    return made, widened


def _contradiction(card: Card, one: Call, other: Call) -> str:
    calls = [f"{c.function}({', '.join(map(literal, c.arguments))})"[:_MESSAGE_CHARS] for c in (one, other)]
    wanted = [literal(c.expected)[:_MESSAGE_CHARS] for c in (one, other)]
    same = f"{calls[0]} twice" if calls[0] == calls[1] else f"{calls[0]} and {calls[1]}, one call in {card.display}"
    return f"the tests contradict each other: {same}, must return {wanted[0]} and {wanted[1]}"


def _render_arguments(card: Card, signature: Signature, call: Call) -> tuple[str, ...]:
    """Return the arguments as texts that are equal if the language does not distinguish the arguments."""
    if card.values.widen:
        pairs = zip(call.arguments, signature.parameters, strict=True)
        return tuple(render.render_literal(card, v, p.type) for v, p in pairs)
    untyped = msgspec.structs.replace(card, types=None)  # the type of an empty dict is unknown and cannot be written
    return tuple(render.render_literal(untyped, _canonical(card, v)) for v in call.arguments)


def _canonical(card: Card, value: Value) -> Value:
    """Return one representative of all values that the language does not distinguish."""
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
    """Return a map as it is, or as a list if the language has one type for both and the keys are those of a list."""
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
    """Return why a right program of the language can fail a check; "" if it cannot.

    Some languages return int keys as strings, whole floats as ints, or tuples as lists. Equality accounts for these
    differences, but they change the text of a result and the keys of a dict.
    """
    uses = list(_uses_of_result(ast.parse(check.text, mode="eval").body))
    e, kinds = card.equality, _type_kinds(returns)
    as_text = any(use in _AS_TEXT for use in uses)
    if e.keys_are_text and "dict[int]" in kinds:
        if as_text:
            return f"{check.text} shows the text of a dict, and its keys are strings in {card.display}"
        if _is_map(returns) and any(use not in _WITHOUT_KEYS for use in uses):
            return f"{check.text} uses the keys of a dict, which are strings in {card.display}"
    if e.set_is_list and "set" in kinds and any(use != "copy" for use in uses):
        return f"{check.text} uses a set, which is a list in {card.display}"
    if as_text and "float" in kinds and e.one_number:
        return f"{check.text} converts a float to text, and {card.display} does not distinguish it from an int"
    if as_text and "tuple" in kinds and e.list_is_tuple:
        return f"{check.text} converts a tuple to text, and {card.display} does not distinguish it from a list"
    return ""


def _is_map(returns: Type) -> bool:
    return returns.kind == "dict" or (returns.kind == "optional" and returns.args[0].kind == "dict")


def _type_kinds(kind: Type) -> set[str]:
    """Return the kinds of a type and of its arguments; a dict with int keys is ``dict[int]``."""
    own = "tuple" if kind.kind in ("tuple", "vartuple") else kind.kind
    if kind.kind == "dict" and kind.args and kind.args[0].kind == "int":
        own = "dict[int]"
    return {own}.union(*map(_type_kinds, kind.args))


def _uses_of_result(node: ast.AST, use: str = "bool") -> Iterator[str]:
    """Yield the use of each occurrence of the result: a function's name, "copy" for equality, "" for others."""
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
                yield from _uses_of_result(
                    part, "copy"
                )  # equality accounts for values that a language does not distinguish
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
