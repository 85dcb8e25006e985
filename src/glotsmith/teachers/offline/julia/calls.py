"""Translate calls: of builtins, methods, functions of modules, functions of the program, and values."""

import ast
from collections.abc import Callable

from glotsmith.teachers.offline.julia.context import JuliaCallTranslator, JuliaContext, expression
from glotsmith.teachers.offline.julia.functions import call_program_function, call_value
from glotsmith.teachers.offline.julia.modules import resolve
from glotsmith.teachers.offline.julia.syntax import Expr
from glotsmith.teachers.offline.refusals import refuse

#: gets the context, the call, and the translated receiver
JuliaMethodTranslator = Callable[[JuliaContext, ast.Call, Expr], Expr]
BUILTINS: dict[str, JuliaCallTranslator] = {}
LIBRARY: dict[tuple[str, str], JuliaCallTranslator] = {}
METHODS: dict[tuple[str, str], JuliaMethodTranslator] = {}


def builtin(*names: str) -> Callable[[JuliaCallTranslator], JuliaCallTranslator]:
    """Register the translator of builtins."""

    def register(maker: JuliaCallTranslator) -> JuliaCallTranslator:
        BUILTINS.update(dict.fromkeys(names, maker))
        return maker

    return register


def library(module: str, *names: str) -> Callable[[JuliaCallTranslator], JuliaCallTranslator]:
    """Register the translator of functions of a module."""

    def register(maker: JuliaCallTranslator) -> JuliaCallTranslator:
        LIBRARY.update({(module, name): maker for name in names})
        return maker

    return register


def method(kind: str, *names: str) -> Callable[[JuliaMethodTranslator], JuliaMethodTranslator]:
    """Register the translator of methods of values of a kind."""

    def register(maker: JuliaMethodTranslator) -> JuliaMethodTranslator:
        METHODS.update({(kind, name): maker for name in names})
        return maker

    return register


def check_arguments(node: ast.Call, most: int, *keywords: str) -> None:
    """Refuse a call with more than ``most`` arguments, with ``*``, or with other keywords."""
    if len(node.args) > most or any(isinstance(a, ast.Starred) for a in node.args):
        raise refuse(f"the arguments of {ast.unparse(node.func)}", node)
    for keyword in node.keywords:
        if keyword.arg not in keywords:
            raise refuse(f"the keyword argument {keyword.arg or '**'}", node)


def keyword_value(node: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword argument."""
    return next((w.value for w in node.keywords if w.arg == name), None)


@expression(ast.Call)
def _call(c: JuliaContext, node: ast.Call) -> Expr:
    found = resolve(c, node.func)
    if found is not None:
        maker = LIBRARY.get(found)
        if maker is None:
            raise refuse(f"{found[0]}.{found[1]}", node)
        return maker(c, node)
    if isinstance(node.func, ast.Name):
        name = node.func.id
        definition = c.find_function(name)
        if definition is not None:
            return call_program_function(c, node, definition)
        if c.owner(name) is None:
            maker = BUILTINS.get(name)
            if maker is None:
                raise refuse(f"the function {name}", node)
            return maker(c, node)
        return call_value(c, node)
    if isinstance(node.func, ast.Attribute):
        return _method(c, node, node.func)
    return call_value(c, node)


def _method(c: JuliaContext, node: ast.Call, function: ast.Attribute) -> Expr:
    from glotsmith.teachers.offline import kinds as k

    if isinstance(function.value, ast.Name) and c.owner(function.value.id) is None and function.value.id in _TYPES:
        if (function.value.id, function.attr) in LIBRARY:
            return LIBRARY[function.value.id, function.attr](c, node)
        receiver, *rest = node.args
        function = ast.copy_location(ast.Attribute(receiver, function.attr, ast.Load()), function)
        node = ast.copy_location(ast.Call(function, rest, node.keywords), node)
    e = c.raw(function.value)
    kind = k.strip_optional(e.kind).name
    if kind == "char" and ("char", function.attr) not in METHODS:
        e, kind = e.as_string(), "str"
    if kind in k.UNKNOWN:
        kind = next((n for n in ("str", "dict", "list", "set") if (n, function.attr) in METHODS), "any")
        if kind == "str" or function.attr in ("append", "extend", "get", "setdefault", "add", "insert"):
            e = Expr(
                e.text,
                e.prec,
                {"str": k.STR, "list": k.list_of(k.ANY), "set": k.set_of(k.ANY)}.get(
                    kind, k.ValueKind("dict", (k.ANY, k.ANY), own=False)
                ),
            )
        else:
            raise refuse(f"the method .{function.attr}() of an unknown value", node)
    maker = METHODS.get((kind, function.attr))
    if maker is None:
        raise refuse(f"the method .{function.attr}() of a {kind}", node)
    return maker(c, node, e)


_TYPES = {"str", "list", "dict", "set"}
