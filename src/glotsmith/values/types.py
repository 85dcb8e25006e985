"""Types of values: infer them from values, unite them, and parse annotations."""

import ast
from collections.abc import Iterable
from functools import reduce
from typing import Any, Literal, cast

import msgspec

TypeKind = Literal[
    "any", "none", "bool", "int", "float", "str", "list", "tuple", "vartuple", "dict", "set", "optional", "mixed"
]
Value = Any  #: int | float | str | bool | None | list | tuple | dict | set, nested; checked by ``type_of``


class NotLiteral(ValueError):
    """A test, type or value is not supported in a suite. The message names the unsupported part."""


class Type(msgspec.Struct, frozen=True):
    """A type constructor with its arguments.

    ``vartuple`` is ``tuple[T, ...]``. ``any`` is an unknown type, such as that of an empty list's items.
    ``mixed`` represents several types without a common type.
    """

    kind: TypeKind
    args: tuple["Type", ...] = ()

    def __str__(self) -> str:
        """Return the type as a Python annotation."""
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
_SCALARS = {bool: BOOL, int: INT, float: FLOAT, str: STR, type(None): NONE}


def list_of(item: Type) -> Type:
    """Return ``list[item]``."""
    return Type("list", (item,))


def optional(inner: Type) -> Type:
    """Return ``inner | None``, flattened."""
    return inner if inner.kind in ("optional", "none", "any", "mixed") else Type("optional", (inner,))


def type_of(value: Value) -> Type:
    """Return the type of a value. The types of the elements of a container are united.

    Raises:
        NotLiteral: A part of the value has a type that tests do not support.

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
    raise NotLiteral(f"a value of type {type(value).__name__} cannot be written as a literal")


def unite_all(types: Iterable[Type]) -> Type:
    """Return the narrowest type that includes all types; ``any`` for no types."""
    return reduce(unite, types, ANY)


def unite(a: Type, b: Type) -> Type:
    """Return the narrowest type that includes the values of both types.

    ``any`` united with another type is that type. Int and float become float. None makes an optional. Tuples of
    different lengths become ``tuple[T, ...]``. Types with nothing in common become ``mixed``.
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
_ARITY = {"list": 1, "set": 1, "dict": 2}
_GENERICS = {"list": "list", "sequence": "list", "iterable": "list", "dict": "dict", "set": "set", "frozenset": "set"}


def parse_type(text: str) -> Type:
    """Parse a Python annotation, with built-in names or those of ``typing``.

    Raises:
        NotLiteral: The annotation names a type that tests do not support.

    """
    try:
        return type_of_node(ast.parse(text.strip(), mode="eval").body)
    except NotLiteral:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiteral(f"{text[:80]!r} is not a type annotation") from error


def type_of_node(node: ast.expr | None) -> Type:
    """Return the type that an annotation names; ``any`` for no annotation.

    Raises:
        NotLiteral: The annotation names a type that tests do not support.

    """
    match node:
        case None:
            return ANY
        case ast.Constant(value=None):
            return NONE
        case ast.Constant(value=str() as text):
            return parse_type(text)
        case ast.Attribute(attr=name):
            return type_of_node(ast.Name(id=name))
        case ast.Name(id=name):
            found = _NAMES.get(name) or _NAMES.get(name.lower())
            if found is not None:
                return found
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return unite(type_of_node(left), type_of_node(right))
        case ast.Subscript(value=base, slice=inner):
            return _generic_type(ast.unparse(base).rpartition(".")[2], inner)
        case _:
            pass
    raise NotLiteral(f"the type {ast.unparse(cast(ast.expr, node))} cannot be used in a test")


def _generic_type(name: str, inner: ast.expr) -> Type:
    nodes = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    if not nodes and name.lower() != "tuple":
        raise NotLiteral(f"the type {name}[()] cannot be used in a test")
    match name.lower():
        case "optional":
            return optional(type_of_node(nodes[0]))
        case "union":
            return unite_all(map(type_of_node, nodes))
        case "tuple" if nodes and isinstance(nodes[-1], ast.Constant) and nodes[-1].value is Ellipsis:
            return Type("vartuple", (type_of_node(nodes[0]),))
        case "tuple":
            return Type("tuple", tuple(map(type_of_node, nodes)))
        case key if key in _GENERICS and len(nodes) == _ARITY[_GENERICS[key]]:
            return Type(cast(TypeKind, _GENERICS[key]), tuple(map(type_of_node, nodes)))
        case _:
            raise NotLiteral(f"the type {name}[…] cannot be used in a test")
