"""Decide whether a result satisfies its test: compare it with a value, or evaluate a ``Check`` on it."""

import ast
from functools import lru_cache
from typing import cast

from glotsmith.languages.card import Equality
from glotsmith.languages.render import is_vector
from glotsmith.values import Check, NotLiteral, Value
from glotsmith.values.check_expressions import RESULT
from glotsmith.values.evaluate_expression import ValueSemantics, evaluate_expression
from glotsmith.verification.compare import ComparisonRules, matches_expected
from glotsmith.verification.wire_format import WireValue, decode_wire

_WRONG = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)


def satisfies(expected: Value | Check, wire: WireValue, rules: ComparisonRules) -> bool:
    """Return whether a result satisfies its test; a check that raises is not satisfied, as an assert would fail.

    Raises:
        EvaluationLimitExceeded: the evaluation of a check takes too many steps.

    """
    if not isinstance(expected, Check):
        return matches_expected(expected, wire, rules)
    try:
        return bool(evaluate_expression(_parsed(expected.text), {RESULT: _value(wire)}, LanguageSemantics(rules)))
    except _WRONG:
        return False


@lru_cache(maxsize=512)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class OpaqueResult:
    """A result without a Python value, such as a function or a symbol."""

    def __init__(self, wire: WireValue) -> None:
        self.wire = wire


def _value(wire: WireValue) -> Value:
    try:
        return decode_wire(wire)
    except (NotLiteral, TypeError):
        return OpaqueResult(wire)


class LanguageSemantics(ValueSemantics):
    """The semantics of a language's values in checks; equality is that of ``compare``."""

    def __init__(self, rules: ComparisonRules) -> None:
        self._rules, self._equality = rules, rules.equality

    def same(self, expected: Value, actual: Value) -> bool:
        """Return whether ``actual`` equals ``expected`` by the rules of the language."""
        return matches_expected(_without_opaque(expected), encode_wire(actual, self._equality), self._rules)

    def items(self, value: Value) -> Value:
        """Return a value as a collection; in languages where scalars are vectors, a scalar is a list of itself."""
        if self._equality.scalar_is_singleton and isinstance(value, bool | int | float):
            return list[Value]((value,))
        if value is None and self._equality.null_is_empty:
            return list[Value]()
        return cast(Value, value)

    def key(self, value: Value) -> Value:
        """Return a hashable value: a tuple for a list, in languages that do not distinguish them."""
        if isinstance(value, list | tuple) and (self._equality.list_is_tuple or self._equality.vector_of_scalars):
            return tuple(map(self.key, cast(list[Value], value)))
        return cast(Value, value)

    def is_a(self, value: Value, kind: type) -> bool:
        """Return whether the value can stand for a value of a Python type in the language."""
        e = self._equality
        match value:
            case bool():
                return kind in (bool, int) or (kind is type(None) and not value and e.false_is_none)
            case int() | float() if kind in (int, float):
                equal = e.one_number or (e.float_accepts_int and kind is float)
                whole = isinstance(value, int) or value.is_integer()
                return type(value) is kind or (equal and (whole or kind is float))
            case int() | float() | str() if kind is bool:
                return e.bool_is_number and value in (0, 1, "")
            case int() | float() | str() if kind in (list, tuple):
                return e.scalar_is_singleton
            case list() | tuple() if kind in (list, tuple):
                return type(cast(object, value)) is kind or e.list_is_tuple or e.vector_of_scalars
            case _:
                return isinstance(value, kind) or self._is_empty(value, kind)

    def _is_empty(self, value: Value, kind: type) -> bool:
        e = self._equality
        collection = kind in (list, tuple, dict, set, frozenset)
        return collection and e.empty_is_one and (value in ([], (), {}) or (value is None and e.null_is_empty))


def _without_opaque(value: Value) -> Value:
    return None if isinstance(value, OpaqueResult) else value


def encode_wire(value: Value, e: Equality) -> WireValue:
    """Return the wire form of a value that was decoded from a result.

    Raises:
        TypeError: the value has an unsupported type.

    """
    match value:
        case bool() | int() | str() | None:
            return value
        case float():
            return {"f": repr(value)}
        case list() | tuple():
            items = cast(list[Value], value)
            parts = [encode_wire(x, e) for x in items]
            return parts if _is_list(items, e, isinstance(value, list)) else {"t": parts}
        case set() | frozenset():
            return {"s": [encode_wire(x, e) for x in cast(set[Value], value)]}
        case dict():
            pairs = cast(dict[Value, Value], value).items()
            return {"m": [[encode_wire(k, e), encode_wire(v, e)] for k, v in pairs]}
        case OpaqueResult():
            return value.wire
        case _:
            raise TypeError(f"{type(value).__name__} has no wire form")


def _is_list(items: list[Value], e: Equality, listed: bool) -> bool:
    return is_vector(items) if e.vector_of_scalars and items else listed
