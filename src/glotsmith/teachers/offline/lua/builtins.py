"""Translate the builtin functions of Python over scalars; the table of all builtins."""

import ast
from collections.abc import Callable

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.lua.context import CallTranslator, Context
from glotsmith.teachers.offline.lua.operators import as_number, binary_operation
from glotsmith.teachers.offline.lua.syntax import ADD, COMPARE, LITERAL, OR, UNARY, LuaExpr, quote
from glotsmith.teachers.offline.lua.text import format_value, to_repr, to_text
from glotsmith.teachers.offline.lua.truth import condition
from glotsmith.teachers.offline.refusals import refuse

BUILTINS: dict[str, CallTranslator] = {}


def builtin(name: str) -> Callable[[CallTranslator], CallTranslator]:
    """Register the translator of one builtin."""

    def register(maker: CallTranslator) -> CallTranslator:
        BUILTINS[name] = maker
        return maker

    return register


def keyword_value(node: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword argument; None if the call does not have it."""
    return next((kw.value for kw in node.keywords if kw.arg == name), None)


def check_arguments(node: ast.Call, *names: str, most: int = 9) -> None:
    """Refuse other keyword arguments, starred arguments, and more than ``most`` positional arguments."""
    for kw in node.keywords:
        if kw.arg not in names:
            raise refuse(f"the keyword argument {kw.arg or '**'}", node)
    if len(node.args) > most or any(isinstance(a, ast.Starred) for a in node.args):
        raise refuse(f"a call of {ast.unparse(node.func)} with these arguments", node)


@builtin("len")
def _len(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    e = c.expr(node.args[0])
    match k.strip_optional(e.kind).name:
        case "str":
            return LuaExpr(f"utf8.len({e})", kind=k.NAT)
        case "list" | "tuple":
            return LuaExpr(f"#{e.with_precedence(UNARY + 1)}" if not e.text.startswith("{") else f"#{e}", UNARY, k.NAT)
        case "dict" | "set":
            return c.call("count_entries", e, kind=k.NAT)
        case "iter":
            raise refuse("len() of an iterator", node)
        case _:
            return c.call("len", e, kind=k.NAT)


@builtin("abs")
def _abs(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    e = as_number(c.expr(node.args[0]))
    kind = k.NAT if e.kind.name == "int" else e.kind
    return LuaExpr(f"math.abs({e})", kind=kind)


@builtin("int")
def _int(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "base", most=2)
    if not node.args:
        return LuaExpr("0", LITERAL, k.NAT)
    e = c.expr(node.args[0])
    base = node.args[1] if len(node.args) > 1 else keyword_value(node, "base")
    if base is not None:
        return c.call("parse_int", e, c.expr(base), kind=k.INT)
    match e.kind.name:
        case "int":
            return e
        case "bool":
            return as_number(e)
        case "float":
            return c.call("truncate", e, kind=k.INT)
        case "str":
            return c.call("parse_int", e, kind=k.INT)
        case _:
            return c.call("int", e, kind=k.INT)


@builtin("float")
def _float(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    if not node.args:
        return LuaExpr("0.0", LITERAL, k.FLOAT)
    text = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
    if isinstance(text, str) and text.strip().lower() in _FLOATS:
        return _FLOATS[text.strip().lower()]
    e = as_number(c.expr(node.args[0]))
    if k.is_number(e.kind):
        return LuaExpr(f"{e.with_precedence(ADD)} + 0.0", ADD, k.FLOAT)
    return c.call("parse_float", e, kind=k.FLOAT)


_FLOATS = {
    "inf": LuaExpr("math.huge", kind=k.FLOAT),
    "infinity": LuaExpr("math.huge", kind=k.FLOAT),
    "+inf": LuaExpr("math.huge", kind=k.FLOAT),
    "-inf": LuaExpr("-math.huge", UNARY, k.FLOAT),
    "nan": LuaExpr("(0 / 0)", kind=k.FLOAT),
}


@builtin("str")
def _str(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    return to_text(c, c.expr(node.args[0]), node) if node.args else LuaExpr('""', LITERAL, k.STR)


@builtin("repr")
def _repr(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    return to_repr(c, c.expr(node.args[0]), node)


@builtin("bool")
def _bool(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    return condition(c, node.args[0]) if node.args else LuaExpr("false", LITERAL, k.BOOL)


@builtin("ord")
def _ord(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    return LuaExpr(f"utf8.codepoint({c.expr(node.args[0])})", kind=k.NAT)


@builtin("chr")
def _chr(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    return LuaExpr(f"utf8.char({c.expr(node.args[0])})", kind=k.STR)


@builtin("round")
def _round(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "ndigits", most=2)
    e = as_number(c.expr(node.args[0]))
    digits = node.args[1] if len(node.args) > 1 else keyword_value(node, "ndigits")
    if digits is None:
        return e if e.kind.name == "int" else c.call("round", e, kind=k.INT)
    return c.call("round", e, c.expr(digits), kind=k.FLOAT if e.kind.name != "int" else e.kind)


@builtin("divmod")
def _divmod(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=2)
    a, b = (LuaExpr(c.temporary(as_number(e)), kind=as_number(e).kind) for e in c.exprs(node.args))
    quotient, rest = binary_operation(c, ast.FloorDiv(), a, b, node), binary_operation(c, ast.Mod(), a, b, node)
    return LuaExpr(f"{{{quotient}, {rest}}}", LITERAL, k.tuple_of(quotient.kind, rest.kind), new=True)


@builtin("pow")
def _pow(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=3)
    parts = c.exprs(node.args)
    if len(parts) == 3:
        return c.call("power_modulo", *parts, kind=k.INT)
    return binary_operation(c, ast.Pow(), parts[0], parts[1], node)


def _base(name: str, prefix: str, digits: int) -> None:
    def maker(c: Context, node: ast.Call) -> LuaExpr:
        check_arguments(node, most=1)
        return c.call("to_base", c.expr(node.args[0]), str(digits), quote(prefix), kind=k.STR)

    BUILTINS[name] = maker


_base("bin", "0b", 2)
_base("oct", "0o", 8)
_base("hex", "0x", 16)


@builtin("format")
def _format(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=2)
    spec = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else ""
    e = c.expr(node.args[0])
    return format_value(c, e, spec, node) if isinstance(spec, str) and spec else to_text(c, e, node)


_LUA_TYPES = {
    "str": 'type({0}) == "string"',
    "bool": 'type({0}) == "boolean"',
    "int": 'math.type({0}) == "integer"',
    "float": 'math.type({0}) == "float"',
    "list": 'type({0}) == "table"',
    "tuple": 'type({0}) == "table"',
    "dict": 'type({0}) == "table"',
    "set": 'type({0}) == "table"',
}


@builtin("isinstance")
def _isinstance(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=2)
    types = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
    names = [t.id if isinstance(t, ast.Name) else ast.unparse(t) for t in types]
    e = c.expr(node.args[0])
    if e.kind.name in (*_LUA_TYPES, "none") and e.kind.name != "float":
        known = e.kind.name in names or (e.kind.name == "bool" and "int" in names)
        return LuaExpr("true" if known else "false", LITERAL, k.BOOL)
    text = c.temporary(e)
    tests = [_LUA_TYPES[n].format(text) for n in names if n in _LUA_TYPES]
    tables = {"list", "tuple", "dict", "set"} & set(names)
    distinguishable = not tables or e.kind.name in ("float", "opt") or {"list", "tuple"} <= tables
    if len(tests) != len(names) or not distinguishable:
        raise refuse(f"isinstance of {', '.join(names)}", node)
    return LuaExpr(" or ".join(dict.fromkeys(tests)), OR if len(tests) > 1 else COMPARE, k.BOOL)


_PROTOCOLS = {
    "__iter__": ("str", "list", "tuple", "dict", "set"),
    "__len__": ("str", "list", "tuple", "dict", "set"),
    "__getitem__": ("str", "list", "tuple", "dict"),
    "keys": ("dict",),
    "items": ("dict",),
}


@builtin("hasattr")
def _hasattr(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=2)
    e = c.expr(node.args[0])
    name = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
    if name not in _PROTOCOLS or e.kind.name not in ("int", "float", "bool", "str", "list", "tuple", "dict", "set"):
        raise refuse("the function hasattr", node)
    return LuaExpr("true" if e.kind.name in _PROTOCOLS[name] else "false", LITERAL, k.BOOL)


@builtin("callable")
def _callable(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    return LuaExpr(f'type({c.expr(node.args[0])}) == "function"', COMPARE, k.BOOL)
