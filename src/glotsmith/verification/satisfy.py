"""Does a result satisfy its test? Equality is ``compare``'s; a ``Check`` is evaluated on the value that came back."""

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


def satisfies(expected: Value | Check, wire: WireValue, how: ComparisonRules) -> bool:
    """Return whether ``wire`` is a right result; a check that raises on it fails, as the assert would.

    Raises:
        EvaluationLimitExceeded: a check takes too many steps on it.

    """
    if not isinstance(expected, Check):
        return matches_expected(expected, wire, how)
    try:
        return bool(evaluate_expression(_parsed(expected.text), {RESULT: _value(wire)}, LanguageSemantics(how)))
    except _WRONG:
        return False


@lru_cache(maxsize=512)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class OpaqueResult:
    """A result that is no value of ours: a function, a symbol."""

    def __init__(self, wire: WireValue) -> None:
        self.wire = wire


def _value(wire: WireValue) -> Value:
    try:
        return decode_wire(wire)
    except (NotLiteral, TypeError):
        return OpaqueResult(wire)


class LanguageSemantics(ValueSemantics):
    """A language's values: they are the same where ``compare`` says so."""

    def __init__(self, how: ComparisonRules) -> None:
        self._how, self._equality = how, how.equality

    def same(self, expected: Value, actual: Value) -> bool:
        """Return whether ``actual`` is what a program of the language returns for ``expected``."""
        wanted = _plain(expected)
        return matches_expected(wanted, encode_wire(actual, self._equality), self._how)

    def items(self, value: Value) -> Value:
        """Return the collection that a value is; a scalar is one of itself where the language has no others."""
        if self._equality.scalar_is_singleton and isinstance(value, bool | int | float):
            return list[Value]((value,))
        if value is None and self._equality.null_is_empty:
            return list[Value]()
        return cast(Value, value)

    def key(self, value: Value) -> Value:
        """Return a tuple for a list, where the language does not tell them apart."""
        if isinstance(value, list | tuple) and (self._equality.list_is_tuple or self._equality.vector_of_scalars):
            return tuple(map(self.key, cast(list[Value], value)))
        return cast(Value, value)

    def is_a(self, value: Value, kind: type) -> bool:
        """Return whether the language has the value where Python has one of a type."""
        e = self._equality
        match value:
            case bool():
                return kind in (bool, int) or (kind is type(None) and not value and e.false_is_none)
            case int() | float() if kind in (int, float):
                alike = e.one_number or (e.float_accepts_int and kind is float)
                whole = isinstance(value, int) or value.is_integer()
                return type(value) is kind or (alike and (whole or kind is float))
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


def _plain(value: Value) -> Value:
    return None if isinstance(value, OpaqueResult) else value


def encode_wire(value: Value, e: Equality) -> WireValue:
    """Return the wire form of a value that was made of a result.

    Raises:
        TypeError: it is no value.

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
            raise TypeError(f"{type(value).__name__} is no value")


def _is_list(items: list[Value], e: Equality, listed: bool) -> bool:
    return is_vector(items) if e.vector_of_scalars and items else listed
