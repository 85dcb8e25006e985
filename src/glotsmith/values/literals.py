"""Write and parse values as Python literals."""

import ast
import math
import sys
from typing import cast

from glotsmith.values.types import NotLiteral, Value

_PLAIN = {bool, int, str, type(None)}

#: largest number of decimal digits of an integer in a literal. By default, CPython refuses more than 4,300, because the
#: time grows with their square. Programs in the sandbox have no such limit, and their results are parsed here.
MAX_DIGITS = 100_000
_MAX_BITS = int(MAX_DIGITS * math.log2(10))
if 0 < sys.get_int_max_str_digits() < MAX_DIGITS:
    sys.set_int_max_str_digits(MAX_DIGITS)


def literal(value: Value) -> str:
    """Return a value as a Python expression that ``parse_value`` can parse.

    Sets and dicts are written in a fixed order, so that equal values have equal text.
    """
    if type(value) in _PLAIN:
        return repr(value)
    match value:
        case float() if math.isnan(value) or math.isinf(value):
            return f"float('{value}')"
        case list():
            return f"[{', '.join(map(literal, cast(list[Value], value)))}]"
        case tuple():
            items = tuple(map(literal, cast(tuple[Value, ...], value)))
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        case set() | frozenset():
            return f"{{{', '.join(sorted(map(literal, cast(set[Value], value))))}}}" if value else "set()"
        case dict():
            pairs = cast(dict[Value, Value], value).items()
            return f"{{{', '.join(sorted(f'{literal(k)}: {literal(v)}' for k, v in pairs))}}}"
        case _:
            return repr(value)


def parse_value(text: str) -> Value:
    """Parse a Python literal. ``float('nan')``, ``float('inf')`` and ``set()`` are literals too.

    Raises:
        NotLiteral: The text is an expression of another kind.

    """
    try:
        return value_of_node(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiteral(f"not a literal: {text[:80]}") from error


def value_of_node(node: ast.expr) -> Value:
    """Return the value of a literal.

    Raises:
        NotLiteral: The text is an expression of another kind.

    """
    match node:
        case ast.Constant(value=int() as number) if number.bit_length() > _MAX_BITS:
            raise NotLiteral(f"an integer of {number.bit_length():,} bits")
        case ast.Constant(value=int() | float() | str() | None):
            return node.value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
            number = value_of_node(operand)
            if isinstance(number, int | float) and not isinstance(number, bool):
                return -number if isinstance(op, ast.USub) else number
        case ast.List(elts=items):
            return [value_of_node(x) for x in items]
        case ast.Tuple(elts=items):
            return tuple(value_of_node(x) for x in items)
        case ast.Set(elts=items):
            return {_hashable(x) for x in items}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_hashable(cast(ast.expr, k)): value_of_node(v) for k, v in zip(keys, values, strict=True)}
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set[Value]()
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str() as text)], keywords=[]):
            return float(text)
        case _:
            pass
    raise NotLiteral(f"not a literal: {ast.unparse(node)[:80]}")


def _hashable(node: ast.expr) -> Value:
    value = value_of_node(node)
    try:
        hash(value)
    except TypeError as error:
        raise NotLiteral(f"not hashable: {ast.unparse(node)[:80]}") from error
    return value
