"""Translate calls: of imported functions, builtins, methods, functions of the program, and values."""

import ast
from collections.abc import Sequence

from glotsmith.teachers.offline.lua.builtins import BUILTINS
from glotsmith.teachers.offline.lua.context import Context, expression
from glotsmith.teachers.offline.lua.functions import call_program_function, call_value
from glotsmith.teachers.offline.lua.libraries import LIBRARY
from glotsmith.teachers.offline.lua.loops import as_list
from glotsmith.teachers.offline.lua.methods import call_method
from glotsmith.teachers.offline.lua.modules import KNOWN_MODULES, LIBRARY_RULES, resolve
from glotsmith.teachers.offline.lua.operators import as_number
from glotsmith.teachers.offline.lua.syntax import LuaExpr
from glotsmith.teachers.offline.refusals import refuse


@expression(ast.Call)
def _call(c: Context, node: ast.Call) -> LuaExpr:
    imported = resolve(c, node.func)
    if imported is not None:
        return _library(c, node, *imported)
    if isinstance(node.func, ast.Name):
        return _named(c, node, node.func.id)
    if isinstance(node.func, ast.Attribute):
        return call_method(c, node, node.func)
    return call_value(c, node)


def _named(c: Context, node: ast.Call, name: str) -> LuaExpr:
    definition = c.find_function(name)
    if definition is not None:
        return call_program_function(c, node, definition)
    if c.owner(name) is not None:
        return call_value(c, node)
    if name not in BUILTINS:
        raise refuse(f"the function {name}", node)
    return BUILTINS[name](c, node)


def _library(c: Context, node: ast.Call, module: str, name: str) -> LuaExpr:
    made = LIBRARY.get((module, name))
    if made is not None:
        return made(c, node)
    rule = LIBRARY_RULES.get((module, name))
    if rule is None or node.keywords:
        what = f"{module}.{name}" if module in KNOWN_MODULES or rule else f"{module}.{name} (the module {module})"
        raise refuse(what, node)
    text, kind = rule
    arguments = _scalars(c, node.args)
    if text.startswith("@"):
        return c.call(text[1:], *arguments, kind=kind(arguments))
    return LuaExpr(f"{text}({', '.join(map(str, arguments))})", kind=kind(arguments))


def _scalars(c: Context, nodes: Sequence[ast.expr]) -> list[LuaExpr]:
    out: list[LuaExpr] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            out.append(LuaExpr(f"table.unpack({as_list(c, c.expr(node.value))})"))
        else:
            e = c.expr(node)
            out.append(as_list(c, e) if e.kind.name in ("set", "iter", "dict") else as_number(e))
    return out
