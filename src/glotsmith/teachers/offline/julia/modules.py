"""Translate imports, and the names of known modules."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia.context import JuliaContext
from glotsmith.teachers.offline.julia.syntax import MUL, PREFIX, Expr, quote
from glotsmith.teachers.offline.programs import STRING_CONSTANTS
from glotsmith.teachers.offline.refusals import refuse

_CONSTANTS: dict[tuple[str, str], Expr] = {
    ("math", "pi"): Expr("Float64(pi)", PREFIX, k.FLOAT),
    ("math", "inf"): Expr("Inf", PREFIX, k.FLOAT),
    ("math", "nan"): Expr("NaN", PREFIX, k.FLOAT),
    ("math", "e"): Expr("exp(1)", PREFIX, k.FLOAT),
    ("math", "tau"): Expr("2 * pi", MUL, k.FLOAT),
}


def import_names(c: JuliaContext, node: ast.Import) -> None:
    """Record ``import a as b``."""
    for alias in node.names:
        c.modules[alias.asname or alias.name] = alias.name


def import_from(c: JuliaContext, node: ast.ImportFrom) -> None:
    """Record ``from a import b as c``. An unused import has no effect."""
    for alias in node.names:
        c.imported[alias.asname or alias.name] = (node.module or ".", alias.name)


def constant(module: str, name: str, node: ast.expr) -> Expr:
    """Translate a name of a module that is used as a value."""
    if (module, name) in _CONSTANTS:
        return _CONSTANTS[module, name]
    if module == "string" and name in STRING_CONSTANTS:
        return Expr(quote(STRING_CONSTANTS[name]), PREFIX, k.STR)
    if module == "sys" and name == "maxsize":
        return Expr("typemax(Int64)", PREFIX, k.NAT)
    raise refuse(f"{module}.{name}", node)


def resolve(c: JuliaContext, function: ast.expr) -> tuple[str, str] | None:
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
