"""The kinds (static types) of values: a small lattice from ``BOT`` (no known value) to ``ANY``.

``int`` has a lower bound if one is known, so that ``xs[i]`` needs no code for negative ``i``. ``float`` means any
number, because signatures unite int and float. ``iter`` is an iterator.
"""

from dataclasses import dataclass, replace
from functools import reduce

from glotsmith.values import Type


@dataclass(frozen=True)
class ValueKind:
    """A type: the name of its constructor, its arguments, and further known properties."""

    name: str
    args: tuple["ValueKind", ...] = ()
    low: int | None = None  #: lower bound of an int
    default: str = ""  #: name of the type whose empty value is the default of a missing key (Counter, defaultdict)
    own: bool = True  #: whether the program made this dict or set; the order of an argument is lost


BOT, ANY, NONE, BOOL = ValueKind("bot"), ValueKind("any"), ValueKind("none"), ValueKind("bool")
INT, FLOAT, STR = ValueKind("int"), ValueKind("float"), ValueKind("str")
NAT = ValueKind("int", low=0)
UNKNOWN = ("bot", "any")


def list_of(item: ValueKind) -> ValueKind:
    """Return the kind of lists of ``item``."""
    return ValueKind("list", (item,))


def tuple_of(*items: ValueKind) -> ValueKind:
    """Return the kind of tuples with exactly these items."""
    return ValueKind("tuple", items)


def dict_of(key: ValueKind, value: ValueKind, default: str = "") -> ValueKind:
    """Return the kind of dicts made by the program."""
    return ValueKind("dict", (key, value), default=default)


def set_of(item: ValueKind) -> ValueKind:
    """Return the kind of sets made by the program."""
    return ValueKind("set", (item,))


def iter_of(item: ValueKind) -> ValueKind:
    """Return the kind of iterators."""
    return ValueKind("iter", (item,))


def optional(inner: ValueKind) -> ValueKind:
    """Return the kind of values that may also be None."""
    return inner if inner.name in ("opt", "none", "any") else ValueKind("opt", (inner,))


def at_least(low: int | None) -> ValueKind:
    """Return int with a lower bound."""
    return ValueKind("int", low=low)


def strip_optional(kind: ValueKind) -> ValueKind:
    """Return the kind without None."""
    return kind.args[0] if kind.name == "opt" else kind


def join(a: ValueKind, b: ValueKind) -> ValueKind:
    """Return the least kind that includes the values of both."""
    if a == b or b.name == "bot":
        return a
    if a.name == "bot":
        return b
    if "any" in (a.name, b.name):
        return ANY
    if "none" in (a.name, b.name):
        return optional(b if a.name == "none" else a)
    if "opt" in (a.name, b.name):
        return optional(join(strip_optional(a), strip_optional(b)))
    return _join_plain(a, b)


def _join_plain(a: ValueKind, b: ValueKind) -> ValueKind:
    names = {a.name, b.name}
    if names == {"int"}:
        return at_least(None if a.low is None or b.low is None else min(a.low, b.low))
    if names == {"int", "float"}:
        return FLOAT
    if a.name == b.name and len(a.args) == len(b.args):
        return ValueKind(a.name, tuple(map(join, a.args, b.args)), default=a.default or b.default, own=a.own and b.own)
    if names <= {"list", "tuple"}:
        return list_of(join_all((*a.args, *b.args)))
    return ANY


def join_all(kinds: tuple[ValueKind, ...]) -> ValueKind:
    """Join any number of kinds; ``BOT`` for none."""
    return reduce(join, kinds, BOT)


def item_of(kind: ValueKind) -> ValueKind:
    """Return the kind of the items of an iteration over ``kind``."""
    match kind.name:
        case "list" | "set" | "iter" | "dict":
            return kind.args[0]
        case "tuple":
            return join_all(kind.args)
        case "str":
            return STR
        case "opt":
            return item_of(kind.args[0])
        case "bot":
            return BOT
        case _:
            return ANY


def without_negative_bound(kind: ValueKind) -> ValueKind:
    """Return the kind without a negative lower bound, which items of containers do not keep."""
    return replace(kind, low=None) if kind.low is not None and kind.low < 0 else kind


def is_scalar(kind: ValueKind) -> bool:
    """Return whether values of this kind are never tables, so that ``==`` and table keys work on them."""
    kind = strip_optional(kind)
    return kind.name in ("none", "bool", "int", "float", "str")


def is_number(kind: ValueKind) -> bool:
    """Whether values of this kind are numbers."""
    return strip_optional(kind).name in ("int", "float")


def holds(kind: ValueKind, *names: str) -> bool:
    """Whether the kind or one of its parts is one of ``names``."""
    return kind.name in names or any(holds(part, *names) for part in kind.args)


def kind_of_type(type_: Type) -> ValueKind:
    """Return the kind of a signature's type."""
    args = tuple(map(kind_of_type, type_.args))
    match type_.kind:
        case "any" | "none" | "bool" | "int" | "float" | "str" | "tuple" | "list":
            return ValueKind(type_.kind, args)
        case "vartuple":
            return list_of(args[0])
        case "optional":
            return optional(args[0])
        case _:
            return ValueKind(type_.kind, args, own=False)
