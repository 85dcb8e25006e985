"""The values and types that a test may use, with the parsers of both.

Values are plain Python: ``int float str bool None list tuple dict set``, nested. Types are written as Python
annotations. Tests are Python asserts over literals, the field's convention (MBPP; MultiPL-T §4.2).
"""

import ast
import math
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Literal, cast

import msgspec

Kind = Literal[
    "any", "none", "bool", "int", "float", "str", "list", "tuple", "vartuple", "dict", "set", "optional", "mixed"
]
Value = Any  #: int | float | str | bool | None | list | tuple | dict | set, nested; checked by ``type_of``


class NotLiteral(ValueError):
    """A test, type or value lies outside what a suite may use; the message says which part."""


class Type(msgspec.Struct, frozen=True):
    """A type constructor with its arguments.

    ``vartuple`` is ``tuple[T, ...]``; ``any`` is not known yet (an empty list's items), ``mixed`` is known to be
    several things at once.
    """

    kind: Kind
    args: tuple["Type", ...] = ()

    def __str__(self) -> str:
        """Write the type as a Python annotation."""
        inner = ", ".join(map(str, self.args))
        match self.kind:
            case "any":
                return "Any"
            case "mixed":
                return "object"
            case "none":
                return "None"
            case "optional":
                return f"{inner} | None"
            case "vartuple":
                return f"tuple[{inner}, ...]"
            case "tuple" if not self.args:
                return "tuple[()]"
            case _:
                return f"{self.kind}[{inner}]" if self.args else self.kind


ANY, NONE, BOOL = Type("any"), Type("none"), Type("bool")
INT, FLOAT, STR = Type("int"), Type("float"), Type("str")
MIXED = Type("mixed")
_PLAIN = {bool, int, str, type(None)}
_WIDEST = 14_000  #: bits of an integer: Python writes up to 4,300 digits
_SCALARS = {bool: BOOL, int: INT, float: FLOAT, str: STR, type(None): NONE}


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


class Call(msgspec.Struct, frozen=True):
    """One test: a function's name, the arguments, and the value that must come back."""

    function: str
    arguments: tuple[Value, ...]
    expected: Value


# ---------------------------------------------------------------------------------------------- types


def list_of(item: Type) -> Type:
    """Return ``list[item]``."""
    return Type("list", (item,))


def optional(inner: Type) -> Type:
    """Return ``inner | None``, flattened."""
    return inner if inner.kind in ("optional", "none", "any", "mixed") else Type("optional", (inner,))


def type_of(value: Value) -> Type:
    """Infer the type of one value; elements of containers are united.

    Raises:
        NotLiteral: a part of the value is of a type that no test may use.

    """
    scalar = _SCALARS.get(type(value))  # type: ignore[arg-type]
    if scalar is not None:
        return scalar
    if isinstance(value, list):
        return list_of(unite_all(map(type_of, cast(list[Value], value))))
    if isinstance(value, tuple):
        return Type("tuple", tuple(map(type_of, cast(tuple[Value, ...], value))))
    if isinstance(value, set | frozenset):
        return Type("set", (unite_all(map(type_of, cast(set[Value], value))),))
    if isinstance(value, dict):
        pairs = cast(dict[Value, Value], value)
        return Type("dict", (unite_all(map(type_of, pairs)), unite_all(map(type_of, pairs.values()))))
    raise NotLiteral(f"a value of type {type(value).__name__} can't be written as a literal")


def unite_all(types: Iterable[Type]) -> Type:
    """Unite any number of types; ``any`` for none at all."""
    return reduce(unite, types, ANY)


def unite(a: Type, b: Type) -> Type:
    """Return the least type that holds the values of both.

    ``any`` gives way to anything (an empty list says nothing of its items), int widens to float, None makes an
    optional, tuples of different lengths become ``tuple[T, ...]``; what has nothing in common is ``mixed``.
    """
    if a == b or b == ANY:
        return a
    if a == ANY:
        return b
    if MIXED in (a, b):
        return MIXED
    if "none" in (a.kind, b.kind):
        return optional(b if a == NONE else a)
    if "optional" in (a.kind, b.kind):
        return optional(unite(*(t.args[0] if t.kind == "optional" else t for t in (a, b))))
    if {a.kind, b.kind} == {"int", "float"}:
        return FLOAT
    if {a.kind, b.kind} <= {"tuple", "vartuple"}:
        return _unite_tuples(a, b)
    if a.kind == b.kind and len(a.args) == len(b.args):
        return Type(a.kind, tuple(map(unite, a.args, b.args)))
    return MIXED


def _unite_tuples(a: Type, b: Type) -> Type:
    if a.kind == b.kind == "tuple" and len(a.args) == len(b.args):
        return Type("tuple", tuple(map(unite, a.args, b.args)))
    return Type("vartuple", (unite_all((*a.args, *b.args)),))


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


_NAMES = {
    "int": INT,
    "float": FLOAT,
    "str": STR,
    "bool": BOOL,
    "None": NONE,
    "Any": ANY,
    "object": MIXED,
    "list": list_of(ANY),
    "dict": Type("dict", (ANY, ANY)),
    "set": Type("set", (ANY,)),
    "tuple": Type("vartuple", (ANY,)),
}
_GENERICS = {"list": "list", "sequence": "list", "iterable": "list", "dict": "dict", "set": "set", "frozenset": "set"}


def parse_type(text: str) -> Type:
    """Parse a Python annotation, in today's or ``typing``'s spelling.

    Raises:
        NotLiteral: the annotation names a type that no test may use.

    """
    try:
        return _type_of_node(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        raise NotLiteral(f"{text!r} is not a type annotation") from error


def _type_of_node(node: ast.expr | None) -> Type:
    match node:
        case None:
            return ANY
        case ast.Constant(value=None):
            return NONE
        case ast.Constant(value=str() as text):
            return parse_type(text)
        case ast.Attribute(attr=name):
            return _type_of_node(ast.Name(id=name))
        case ast.Name(id=name):
            found = _NAMES.get(name) or _NAMES.get(name.lower())
            if found is not None:
                return found
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return unite(_type_of_node(left), _type_of_node(right))
        case ast.Subscript(value=base, slice=inner):
            return _generic(ast.unparse(base).rpartition(".")[2], inner)
        case _:
            pass
    raise NotLiteral(f"the type {ast.unparse(cast(ast.expr, node))} can't be used in a test")


def _generic(name: str, inner: ast.expr) -> Type:
    nodes = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    if not nodes and name.lower() != "tuple":
        raise NotLiteral(f"the type {name}[()] can't be used in a test")
    match name.lower():
        case "optional":
            return optional(_type_of_node(nodes[0]))
        case "union":
            return unite_all(map(_type_of_node, nodes))
        case "tuple" if nodes and isinstance(nodes[-1], ast.Constant) and nodes[-1].value is Ellipsis:
            return Type("vartuple", (_type_of_node(nodes[0]),))
        case "tuple":
            return Type("tuple", tuple(map(_type_of_node, nodes)))
        case key if key in _GENERICS:
            return Type(cast(Kind, _GENERICS[key]), tuple(map(_type_of_node, nodes)))
        case _:
            raise NotLiteral(f"the type {name}[…] can't be used in a test")


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
    parameters = tuple(Parameter(p.arg, _type_of_node(p.annotation)) for p in (*a.posonlyargs, *a.args))
    return Signature(node.name, parameters, _type_of_node(node.returns))


# --------------------------------------------------------------------------------------------- values


def literal(value: Value) -> str:
    """Write a value as a Python expression that ``parse_value`` reads back.

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
    """Parse a Python literal; ``float('nan')``, ``float('inf')`` and ``set()`` count as literals.

    Raises:
        NotLiteral: it is an expression of another kind.

    """
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiteral(f"not a literal: {text[:80]}") from error


def _value(node: ast.expr) -> Value:
    match node:
        case ast.Constant(value=int() as number) if number.bit_length() > _WIDEST:
            raise NotLiteral(f"an integer of {number.bit_length():,} bits")
        case ast.Constant(value=int() | float() | str() | None):
            return node.value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
            number = _value(operand)
            if isinstance(number, int | float) and not isinstance(number, bool):
                return -number if isinstance(op, ast.USub) else number
        case ast.List(elts=items):
            return [_value(x) for x in items]
        case ast.Tuple(elts=items):
            return tuple(_value(x) for x in items)
        case ast.Set(elts=items):
            return {_hashable(x) for x in items}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_hashable(cast(ast.expr, k)): _value(v) for k, v in zip(keys, values, strict=True)}
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set[Value]()
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str() as text)], keywords=[]):
            return float(text)
        case _:
            pass
    raise NotLiteral(f"not a literal: {ast.unparse(node)[:80]}")


def _hashable(node: ast.expr) -> Value:
    value = _value(node)
    try:
        hash(value)
    except TypeError as error:
        raise NotLiteral(f"not hashable: {ast.unparse(node)[:80]}") from error
    return value


# ---------------------------------------------------------------------------------------------- tests


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
            return _call(call, _value(expected))
        case [ast.Assert(test=ast.Compare(left=expected, ops=[ast.Eq() | ast.Is()], comparators=[ast.Call() as call]))]:
            return _call(call, _value(expected))
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
            return Call(name, tuple(_value(x) for x in arguments), expected)
        case _:
            raise NotLiteral(f"not a plain call with positional literals: {ast.unparse(node)[:80]}")


def render_test(call: Call) -> str:
    """Write a call as the assert that ``parse_test`` reads back."""
    arguments = ", ".join(map(literal, call.arguments))
    return f"assert {call.function}({arguments}) == {literal(call.expected)}"
