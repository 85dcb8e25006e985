"""Typed function signatures, written, read, and inferred from calls."""

import ast
from collections.abc import Sequence

import msgspec

from glotsmith.values.asserts import Call
from glotsmith.values.types import ANY, NotLiteral, Type, type_of, type_of_node, unite_all


class Parameter(msgspec.Struct, frozen=True):
    """One positional parameter of a signature."""

    name: str
    type: Type


class Signature(msgspec.Struct, frozen=True):
    """A typed function signature."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Type

    def __str__(self) -> str:
        """Write it as the first line of a Python ``def``, without the colon."""
        inner = ", ".join(p.name if p.type == ANY else f"{p.name}: {p.type}" for p in self.parameters)
        arrow = "" if self.returns == ANY else f" -> {self.returns}"
        return f"def {self.name}({inner}){arrow}"


def signature_of(name: str, parameters: Sequence[str], calls: Sequence[Call]) -> Signature:
    """Infer a signature from the values in ``calls``.

    Raises:
        NotLiteral: the calls differ in arity from ``parameters``, or a value is no literal.

    """
    for call in calls:
        if len(call.arguments) != len(parameters):
            raise NotLiteral(f"{name} takes {len(parameters)} arguments, a test passes {len(call.arguments)}")
    columns = [unite_all(type_of(c.arguments[i]) for c in calls) for i in range(len(parameters))]
    returns = unite_all(type_of(c.expected) for c in calls)
    return Signature(name, tuple(map(Parameter, parameters, columns)), returns)


def parse_signature(text: str) -> Signature:
    """Parse ``def f(xs: list[int], k: int) -> int``, with or without the colon and a body.

    Raises:
        NotLiteral: it is no ``def``, a type can't be used, or a parameter can't be passed by position.

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
        raise NotLiteral(f"{node.name} has parameters that can't be passed by position")
    parameters = tuple(Parameter(p.arg, type_of_node(p.annotation)) for p in (*a.posonlyargs, *a.args))
    return Signature(node.name, parameters, type_of_node(node.returns))
