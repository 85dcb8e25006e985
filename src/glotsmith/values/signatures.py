"""Typed function signatures: parse, write, and infer them from calls."""

import ast
import re
from collections.abc import Sequence

import msgspec

from glotsmith.counts import counted
from glotsmith.values.asserts import Call, Check, expected_values
from glotsmith.values.declared import coerce_value
from glotsmith.values.literals import literal
from glotsmith.values.types import ANY, NotLiteral, Type, Value, type_of, type_of_node, unite_all


class Parameter(msgspec.Struct, frozen=True):
    """One positional parameter of a signature."""

    name: str
    type: Type
    either: bool = False  #: whether the type is ``int | float``, so that an int argument stays an int

    def __str__(self) -> str:
        """Return the parameter as a Python ``def`` writes it."""
        kind = re.sub(r"\bfloat\b", "int | float", str(self.type)) if self.either else str(self.type)
        return self.name if self.type == ANY else f"{self.name}: {kind}"


class Signature(msgspec.Struct, frozen=True):
    """A typed function signature."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Type

    def __str__(self) -> str:
        """Return the first line of a Python ``def``, without the colon."""
        inner = ", ".join(map(str, self.parameters))
        returned = "" if self.returns == ANY else f" -> {self.returns}"
        return f"def {self.name}({inner}){returned}"


def infer_signature(name: str, parameters: Sequence[str], calls: Sequence[Call]) -> Signature:
    """Infer a signature from the values in ``calls``.

    Raises:
        NotLiteral: The calls differ in arity from ``parameters``, or a value is not a literal.

    """
    for call in calls:
        if len(call.arguments) != len(parameters):
            raise NotLiteral(
                f"{name} takes {counted(len(parameters), 'argument')}, a test passes {len(call.arguments)}"
            )
    columns = [[c.arguments[i] for c in calls] for i in range(len(parameters))]
    kinds = [unite_all(map(type_of, column)) for column in columns]
    returns = unite_all(map(type_of, expected_values(calls)))
    return Signature(name, tuple(map(_inferred_parameter, parameters, kinds, columns)), returns)


def _inferred_parameter(name: str, kind: Type, values: Sequence[Value]) -> Parameter:
    """Return a parameter of the inferred type. It is ``either`` if a float parameter has an int among its values."""
    return Parameter(name, kind, any(literal(coerce_value(v, kind)) != literal(v) for v in values))


def coerce_call(call: Call, signature: Signature, *, strict: bool = False) -> Call:
    """Return a call with its literals converted to the declared types.

    Args:
        call: A call whose number of arguments equals the number of parameters.
        signature: The declared types.
        strict: Whether ints become floats also for ``int | float`` parameters, as languages with types require.

    """
    arguments = (
        v if p.either and not strict else coerce_value(v, p.type)
        for v, p in zip(call.arguments, signature.parameters, strict=True)
    )
    expected = call.expected
    if not isinstance(expected, Check):
        expected = coerce_value(expected, signature.returns)
    return msgspec.structs.replace(call, arguments=tuple(arguments), expected=expected)


def parse_signature(text: str) -> Signature:
    """Parse ``def f(xs: list[int], k: int) -> int``, with or without the colon and a body.

    Raises:
        NotLiteral: The text is not a ``def``, a type is not supported, or a parameter cannot be passed by position.

    """
    head = text.strip()
    for candidate in (head, f"{head.rstrip(':')}: ..."):
        try:
            node = ast.parse(candidate).body[0]
        except (SyntaxError, IndexError, RecursionError, ValueError):
            continue
        if isinstance(node, ast.FunctionDef):
            return _signature_of_node(node)
    raise NotLiteral(f"{head!r} is not a Python signature such as 'def f(xs: list[int], k: int) -> int'")


def _signature_of_node(node: ast.FunctionDef) -> Signature:
    a = node.args
    if a.vararg or a.kwarg or a.kwonlyargs:
        raise NotLiteral(f"{node.name} has parameters that cannot be passed by position")
    named = [(p.arg, p.annotation) for p in (*a.posonlyargs, *a.args)]
    parameters = tuple(Parameter(name, type_of_node(kind), _names_both(kind)) for name, kind in named)
    return Signature(node.name, parameters, type_of_node(node.returns))


def _names_both(node: ast.expr | None) -> bool:
    """Return whether an annotation names int and float in one union."""
    unions = ({m.id for m in _members(n) if isinstance(m, ast.Name)} for n in ast.walk(node or ast.Pass()))
    return any({"int", "float"} <= names for names in unions)


def _members(node: ast.AST) -> list[ast.expr]:
    """Return the members of a union; empty if the node is not a union."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [m for side in (left, right) for m in (_members(side) or [side])]
        case ast.Subscript(value=ast.Name(id="Union") | ast.Attribute(attr="Union"), slice=ast.Tuple(elts=members)):
            return members
        case _:
            return []
