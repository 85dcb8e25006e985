"""The kinds of Julia values: the shared lattice, with characters and tuples of any length.

A ``char`` is a Python string of one character that is a ``Char`` in Julia: the variable of a loop over a string.
"""

from dataclasses import replace
from functools import reduce

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.values import Type

CHAR = ValueKind("char")
_VARIADIC = "variadic"


def vartuple_of(item: ValueKind) -> ValueKind:
    """Return the kind of tuples with any number of items."""
    return ValueKind("tuple", (item,), default=_VARIADIC)


def is_vartuple(kind: ValueKind) -> bool:
    """Whether the number of items of a tuple is not known."""
    return kind.name == "tuple" and kind.default == _VARIADIC


def join(a: ValueKind, b: ValueKind) -> ValueKind:
    """Return the least kind that includes the values of both."""
    if a == b or b.name == "bot":
        return a
    if a.name == "bot":
        return b
    if "any" in (a.name, b.name):
        return k.ANY
    if "none" in (a.name, b.name):
        return k.optional(b if a.name == "none" else a)
    if "opt" in (a.name, b.name):
        return k.optional(join(k.strip_optional(a), k.strip_optional(b)))
    return _join_plain(a, b)


def _join_plain(a: ValueKind, b: ValueKind) -> ValueKind:
    names = {a.name, b.name}
    if names == {"int"}:
        return k.at_least(None if a.low is None or b.low is None else min(a.low, b.low))
    if names == {"int", "float"}:
        return k.FLOAT
    if names == {"tuple"} and (a.default != b.default or len(a.args) != len(b.args)):
        return vartuple_of(join_all(*a.args, *b.args))
    if a.name == b.name and len(a.args) == len(b.args):
        return ValueKind(a.name, tuple(map(join, a.args, b.args)), default=a.default or b.default, own=a.own and b.own)
    return k.ANY


def join_all(*kinds: ValueKind) -> ValueKind:
    """Join any number of kinds; ``BOT`` for none."""
    return reduce(join, kinds, k.BOT)


def item_of(kind: ValueKind) -> ValueKind:
    """Return the kind of the items of an iteration over ``kind``."""
    match kind.name:
        case "list" | "set" | "dict" | "iter":
            return kind.args[0]
        case "tuple":
            return join_all(*kind.args)
        case "str":
            return k.STR
        case "opt":
            return item_of(kind.args[0])
        case "bot":
            return k.BOT
        case _:
            return k.ANY


def stored(kind: ValueKind) -> ValueKind:
    """Return the kind of a value inside a container: characters become strings, bounds other than 0 are dropped."""
    if kind.name == "char":
        return k.STR
    if kind.low is not None:
        return replace(kind, low=0 if kind.low >= 0 else None)
    return replace(kind, args=tuple(map(stored, kind.args))) if kind.args else kind


def kind_of_type(type_: Type) -> ValueKind:
    """Return the kind of a signature's type."""
    args = tuple(map(kind_of_type, type_.args))
    match type_.kind:
        case "none" | "bool" | "int" | "float" | "str" | "tuple" | "list":
            return ValueKind(type_.kind, args)
        case "vartuple":
            return vartuple_of(args[0])
        case "optional":
            return k.optional(args[0])
        case "dict" | "set":
            return ValueKind(type_.kind, args, own=False)
        case _:
            return k.ANY


def owned(kind: ValueKind) -> ValueKind:
    """Return the kind of a value that the program makes."""
    return replace(kind, args=tuple(map(owned, kind.args)), own=True)


_SCALARS = {"int": "Int64", "float": "Float64", "str": "String", "bool": "Bool", "none": "Nothing", "char": "Char"}


def julia_type(kind: ValueKind, *, ordered: bool = False) -> str:
    """Return the Julia type of a kind; ``ordered`` is whether dicts made by the program keep their order."""
    args = [julia_type(a, ordered=ordered) for a in kind.args]
    match kind.name:
        case "list":
            return f"Vector{{{args[0]}}}"
        case "set":
            return f"Set{{{args[0]}}}"
        case "dict":
            return f"{'OrderedDict' if ordered and kind.own else 'Dict'}{{{args[0]}, {args[1]}}}"
        case "tuple":
            return f"Tuple{{{f'Vararg{{{args[0]}}}' if is_vartuple(kind) else ', '.join(args)}}}"
        case "opt":
            return "Any" if args[0] == "Any" else f"Union{{{args[0]}, Nothing}}"
        case _:
            return _SCALARS.get(kind.name, "Any")


def item_type(kind: ValueKind, *, ordered: bool = False) -> str:
    """Return the type of the items in the literal of an empty container."""
    return julia_type(stored(kind), ordered=ordered)
