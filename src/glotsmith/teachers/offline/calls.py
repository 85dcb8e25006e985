"""Calls: which kind of thing is called, and the builtins over scalars."""

import ast
from collections.abc import Callable, Sequence

from glotsmith.teachers.offline.builtins import BUILTINS
from glotsmith.teachers.offline.context import Context, expression
from glotsmith.teachers.offline.functions import call_own, call_value
from glotsmith.teachers.offline.libraries import LIBRARY
from glotsmith.teachers.offline.loops import as_list
from glotsmith.teachers.offline.lua import E, refuse
from glotsmith.teachers.offline.methods import call_method
from glotsmith.teachers.offline.modules import KNOWN, RULES, resolve
from glotsmith.teachers.offline.operators import as_number

Maker = Callable[[Context, ast.Call], E]


@expression(ast.Call)
def _call(c: Context, node: ast.Call) -> E:
    imported = resolve(c, node.func)
    if imported is not None:
        return _library(c, node, *imported)
    if isinstance(node.func, ast.Name):
        return _named(c, node, node.func.id)
    if isinstance(node.func, ast.Attribute):
        return call_method(c, node, node.func)
    return call_value(c, node)


def _named(c: Context, node: ast.Call, name: str) -> E:
    definition = c.function_named(name)
    if definition is not None:
        return call_own(c, node, definition)
    if c.owner(name) is not None:
        return call_value(c, node)
    if name not in BUILTINS:
        raise refuse(f"the function {name}", node)
    return BUILTINS[name](c, node)


def _library(c: Context, node: ast.Call, module: str, name: str) -> E:
    made = LIBRARY.get((module, name))
    if made is not None:
        return made(c, node)
    rule = RULES.get((module, name))
    if rule is None or node.keywords:
        what = f"{module}.{name}" if module in KNOWN or rule else f"{module}.{name} (the module {module})"
        raise refuse(what, node)
    text, kind = rule
    arguments = _scalars(c, node.args)
    if text.startswith("@"):
        return c.call(text[1:], *arguments, kind=kind(arguments))
    return E(f"{text}({', '.join(map(str, arguments))})", kind=kind(arguments))


def _scalars(c: Context, nodes: Sequence[ast.expr]) -> list[E]:
    out: list[E] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            out.append(E(f"table.unpack({as_list(c, c.expr(node.value))})"))
        else:
            e = c.expr(node)
            out.append(as_list(c, e) if e.kind.name in ("set", "iter", "dict") else as_number(e))
    return out
