"""Tests: Python asserts over literals, written and read."""

import ast

import msgspec

from glotsmith.values.literals import literal, value_of
from glotsmith.values.types import NotLiteral, Value


class Call(msgspec.Struct, frozen=True):
    """One test: a function's name, the arguments, and the value that must come back."""

    function: str
    arguments: tuple[Value, ...]
    expected: Value


def parse_test(text: str) -> Call:
    """Parse one assert over literals.

    ``assert f(x) == v``, ``assert v == f(x)``, ``assert f(x) is None``, ``assert f(x)`` and ``assert not f(x)``
    are understood; a message after a comma is ignored.

    Raises:
        NotLiteral: the text is no such assert.

    """
    try:
        return _asserted(ast.parse(text.strip()).body, text)
    except NotLiteral:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiteral(f"not Python over literals: {text[:80]}") from error


def _asserted(body: list[ast.stmt], text: str) -> Call:
    match body:
        case [ast.Assert(test=ast.Compare(left=ast.Call() as call, ops=[ast.Eq() | ast.Is()], comparators=[expected]))]:
            return _call(call, value_of(expected))
        case [ast.Assert(test=ast.Compare(left=expected, ops=[ast.Eq() | ast.Is()], comparators=[ast.Call() as call]))]:
            return _call(call, value_of(expected))
        case [ast.Assert(test=ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call))]:
            return _call(call, False)
        case [ast.Assert(test=ast.Call() as call)]:
            return _call(call, True)
        case [ast.Assert()]:
            raise NotLiteral(f"not of the form 'assert f(...) == ...': {text[:80]}")
        case _:
            raise NotLiteral(f"not one assert: {text[:80]}")


def _call(node: ast.Call, expected: Value) -> Call:
    match node:
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return Call(name, tuple(value_of(x) for x in arguments), expected)
        case _:
            raise NotLiteral(f"not a plain call with positional literals: {ast.unparse(node)[:80]}")


def render_test(call: Call) -> str:
    """Write a call as the assert that ``parse_test`` reads back."""
    arguments = ", ".join(map(literal, call.arguments))
    return f"assert {call.function}({arguments}) == {literal(call.expected)}"
