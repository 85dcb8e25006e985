"""Translate imports, and the names of known modules."""

import ast
from collections.abc import Callable

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.context import Context
from glotsmith.teachers.offline.lua.syntax import LITERAL, LuaExpr, quote
from glotsmith.teachers.offline.programs import STRING_CONSTANTS
from glotsmith.teachers.offline.refusals import refuse

_KNOWN = """
    math string itertools functools collections operator typing copy heapq bisect collections.abc __future__ numbers
    types
"""
KNOWN_MODULES = frozenset(_KNOWN.split())
_CONSTANTS: dict[tuple[str, str], LuaExpr] = {
    ("math", "pi"): LuaExpr("math.pi", kind=k.FLOAT),
    ("math", "inf"): LuaExpr("math.huge", kind=k.FLOAT),
    ("math", "nan"): LuaExpr("(0 / 0)", kind=k.FLOAT),
    ("math", "e"): LuaExpr("math.exp(1)", kind=k.FLOAT),
    ("math", "tau"): LuaExpr("(2 * math.pi)", kind=k.FLOAT),
}


def import_names(c: Context, node: ast.Import) -> None:
    """Record ``import a as b``."""
    for alias in node.names:
        c.modules[alias.asname or alias.name] = alias.name


def import_from(c: Context, node: ast.ImportFrom) -> None:
    """Record ``from a import b as c``. An unused import has no effect."""
    for alias in node.names:
        c.imported[alias.asname or alias.name] = (node.module or ".", alias.name)


def constant(c: Context, module: str, name: str, node: ast.expr) -> LuaExpr:
    """Translate a name of a module that is used as a value."""
    if (module, name) in _CONSTANTS:
        return _CONSTANTS[module, name]
    if module == "string" and name in STRING_CONSTANTS:
        return LuaExpr(quote(STRING_CONSTANTS[name]), LITERAL, k.STR)
    raise refuse(f"{module}.{name}", node)


def resolve(c: Context, function: ast.expr) -> tuple[str, str] | None:
    """Return module and name if an expression refers to an imported object."""
    match function:
        case ast.Name(id=name) if c.owner(name) is None:
            return c.imported.get(name)
        case ast.Attribute(value=ast.Name(id=module), attr=name) if c.owner(module) is None and module in c.modules:
            return c.modules[module], name
        case ast.Attribute(value=inner, attr=name) if isinstance(inner, ast.Name | ast.Attribute):
            outer = resolve(c, inner)
            return None if outer is None else (outer[0], f"{outer[1]}.{name}")
        case _:
            return None


LibraryRule = tuple[str, Callable[[list[LuaExpr]], ValueKind]]


def _kind_of_number(arguments: list[LuaExpr]) -> ValueKind:
    return k.INT if arguments and arguments[0].kind.name == "int" else k.FLOAT


def _always(kind: ValueKind) -> Callable[[list[LuaExpr]], ValueKind]:
    return lambda arguments: kind


# module, name → Lua (``@`` before a name of the runtime library), kind of the result
LIBRARY_RULES: dict[tuple[str, str], LibraryRule] = {
    ("operator", "index"): ("@truncate", _always(k.INT)),
    ("math", "sqrt"): ("math.sqrt", _always(k.FLOAT)),
    ("math", "floor"): ("math.floor", _always(k.INT)),
    ("math", "ceil"): ("math.ceil", _always(k.INT)),
    ("math", "trunc"): ("@truncate", _always(k.INT)),
    ("math", "fabs"): ("@fabs", _always(k.FLOAT)),
    ("math", "exp"): ("math.exp", _always(k.FLOAT)),
    ("math", "log"): ("math.log", _always(k.FLOAT)),
    ("math", "log2"): ("@log2", _always(k.FLOAT)),
    ("math", "log10"): ("@log10", _always(k.FLOAT)),
    ("math", "sin"): ("math.sin", _always(k.FLOAT)),
    ("math", "cos"): ("math.cos", _always(k.FLOAT)),
    ("math", "tan"): ("math.tan", _always(k.FLOAT)),
    ("math", "asin"): ("math.asin", _always(k.FLOAT)),
    ("math", "acos"): ("math.acos", _always(k.FLOAT)),
    ("math", "atan"): ("math.atan", _always(k.FLOAT)),
    ("math", "atan2"): ("math.atan", _always(k.FLOAT)),
    ("math", "radians"): ("math.rad", _always(k.FLOAT)),
    ("math", "degrees"): ("math.deg", _always(k.FLOAT)),
    ("math", "hypot"): ("@hypot", _always(k.FLOAT)),
    ("math", "fmod"): ("math.fmod", _always(k.FLOAT)),
    ("math", "pow"): ("@float_power", _always(k.FLOAT)),
    ("math", "gcd"): ("@gcd", _always(k.NAT)),
    ("math", "lcm"): ("@lcm", _always(k.NAT)),
    ("math", "factorial"): ("@factorial", _always(k.NAT)),
    ("math", "comb"): ("@binomial", _always(k.NAT)),
    ("math", "perm"): ("@permutations_of", _always(k.NAT)),
    ("math", "isqrt"): ("@isqrt", _always(k.NAT)),
    ("math", "isnan"): ("@is_nan", _always(k.BOOL)),
    ("math", "isinf"): ("@is_infinite", _always(k.BOOL)),
    ("math", "isfinite"): ("@is_finite", _always(k.BOOL)),
    ("math", "prod"): ("@product_of", _kind_of_number),
    ("math", "isclose"): ("@is_close", _always(k.BOOL)),
    ("math", "copysign"): ("@copysign", _always(k.FLOAT)),
}
