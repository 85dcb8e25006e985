"""The parameters of a function, and calls with one number of arguments.

Tests pass arguments only by position. Literal defaults replace missing trailing arguments. No call passes keyword-only
parameters with a default, ``*args`` or ``**kwargs``.
"""

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from glotsmith.records import Function
from glotsmith.values import NotLiteral, Value, parse_value


class LiteralDefault(NamedTuple):
    """A literal default value. (It is a class because the value may be None.)"""

    value: Value


class SourceParameter(NamedTuple):
    """A parameter that can be passed by position."""

    name: str
    annotation: str = ""  #: the annotation as Python text; "" if there is none
    default: LiteralDefault | None = None  #: None if there is no default, or if it is not a literal
    required: bool = True


class UnsupportedParameters(ValueError):
    """The function cannot be called by position. The message says why."""


@lru_cache(maxsize=256)
def parse_definition(function: Function) -> ast.FunctionDef:
    """Return the syntax tree of a function, which all callers share.

    Raises:
        UnsupportedParameters: The code is not a plain ``def`` of the function.

    """
    return parse_definition_again(function)


def parse_definition_again(function: Function) -> ast.FunctionDef:
    """Return a syntax tree of a function that the caller may change, except operators, which all trees share.

    Raises:
        UnsupportedParameters: The code is not a plain ``def`` of the function.

    """
    try:
        body = ast.parse(function.code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnsupportedParameters(f"the code does not parse: {error}") from error
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == function.name:
            return node
    raise UnsupportedParameters(f"the code contains no plain function {function.name}")


def body_lines(function: Function) -> tuple[int, int, int]:
    """Return lines of ``function.program``: of the ``def``, of the first statement after the docstring, the last line.

    Raises:
        UnsupportedParameters: The code is not a plain ``def`` of the function.

    """
    node = parse_definition(function)
    offset = function.program.count("\n") - function.code.count("\n")
    body = body_without_docstring(node)
    first = body[0].lineno if body else node.lineno
    return node.lineno + offset, first + offset, (node.end_lineno or node.lineno) + offset


def body_without_docstring(node: ast.FunctionDef) -> list[ast.stmt]:
    """Return a function's body without its docstring."""
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def positional_parameters(function: Function) -> tuple[SourceParameter, ...]:
    """Return the parameters that can be passed by position.

    Raises:
        UnsupportedParameters: No parameter can be passed by position, or a keyword-only one has no default.

    """
    a = parse_definition(function).args
    if any(default is None for default in a.kw_defaults):
        raise UnsupportedParameters("a keyword-only parameter has no default")
    nodes = [*a.posonlyargs, *a.args]
    if not nodes:
        raise UnsupportedParameters("it takes no positional parameter, so there is nothing to vary")
    defaults: list[ast.expr | None] = [None] * (len(nodes) - len(a.defaults)) + list(a.defaults)
    return tuple(map(_parameter, nodes, defaults))


def _parameter(node: ast.arg, default: ast.expr | None) -> SourceParameter:
    annotation = ast.unparse(node.annotation) if node.annotation else ""
    return SourceParameter(node.arg, annotation, _literal_default(default), default is None)


def _literal_default(node: ast.expr | None) -> LiteralDefault | None:
    if node is None:
        return None
    try:
        return LiteralDefault(parse_value(ast.unparse(node)))
    except (NotLiteral, ValueError, RecursionError):  # Python refuses to print an integer of more than 4300 digits
        return None


def bind_arguments(
    parameters: Sequence[SourceParameter], arguments: Sequence[Value], keywords: Mapping[str, Value]
) -> tuple[Value, ...] | None:
    """Return the known arguments of a call by position; None if the call does not fit the parameters."""
    names = [p.name for p in parameters]
    if len(arguments) > len(names) or any(k not in names[len(arguments) :] for k in keywords):
        return None
    bound = list(arguments)
    last = max((names.index(k) for k in keywords), default=-1)
    for position, p in enumerate(parameters[len(arguments) :], len(arguments)):
        if p.name in keywords:
            bound.append(keywords[p.name])
        elif p.default is not None:
            bound.append(p.default.value)
        elif p.required or position < last:
            return None
        else:
            break
    return tuple(bound)


def passable_parameters(parameters: Sequence[SourceParameter]) -> tuple[SourceParameter, ...]:
    """Return the longest run of leading parameters that are required or have a literal default."""
    for position, p in enumerate(parameters):
        if p.default is None and not p.required:
            return tuple(parameters[:position])
    return tuple(parameters)


def required_arity(parameters: Sequence[SourceParameter], calls: Sequence[tuple[Value, ...]]) -> int:
    """Return the number of leading parameters to pass, without trailing ones that have their default in every call."""
    arity = len(calls[0]) if calls else 0
    while arity > 1 and (default := parameters[arity - 1].default) is not None:
        if any(repr(c[arity - 1]) != repr(default.value) for c in calls):
            break
        arity -= 1
    return arity
