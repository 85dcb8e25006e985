"""Translate methods of strings."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.builtins import check_arguments, keyword_value
from glotsmith.teachers.offline.lua.context import Context
from glotsmith.teachers.offline.lua.loops import as_list
from glotsmith.teachers.offline.lua.methods import METHODS, method
from glotsmith.teachers.offline.lua.syntax import COMPARE, PREFIX, LuaExpr, quote


def _plain(name: str, helper: str, kind: ValueKind) -> None:
    """Register a string method that is a function of the runtime library."""

    def maker(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
        del owner
        check_arguments(node, "sep", "maxsplit", "keepends", "chars")
        arguments = c.exprs([*node.args, *(kw.value for kw in node.keywords if kw.arg == "sep")])
        limit = keyword_value(node, "maxsplit")
        if limit is not None:
            arguments = [*(arguments or [LuaExpr("nil")]), c.expr(limit)]
        return c.call(helper, s, *arguments, kind=kind, new=kind.name == "list")

    METHODS["str"][name] = maker


_LINES = k.list_of(k.STR)
for _name, _helper, _kind in (
    ("split", "split", _LINES),
    ("rsplit", "rsplit", _LINES),
    ("splitlines", "split_lines", _LINES),
    ("strip", "strip", k.STR),
    ("lstrip", "lstrip", k.STR),
    ("rstrip", "rstrip", k.STR),
    ("replace", "replace", k.STR),
    ("find", "find", k.INT),
    ("rfind", "rfind", k.INT),
    ("index", "string_index", k.NAT),
    ("rindex", "string_rindex", k.NAT),
    ("count", "count_substring", k.NAT),
    ("capitalize", "capitalize", k.STR),
    ("title", "title", k.STR),
    ("swapcase", "swapcase", k.STR),
    ("zfill", "zfill", k.STR),
    ("ljust", "ljust", k.STR),
    ("rjust", "rjust", k.STR),
    ("center", "center", k.STR),
    ("partition", "partition", k.tuple_of(k.STR, k.STR, k.STR)),
    ("rpartition", "rpartition", k.tuple_of(k.STR, k.STR, k.STR)),
    ("expandtabs", "expand_tabs", k.STR),
    ("removeprefix", "remove_prefix", k.STR),
    ("removesuffix", "remove_suffix", k.STR),
    ("isupper", "is_upper", k.BOOL),
    ("islower", "is_lower", k.BOOL),
    ("istitle", "is_title", k.BOOL),
):
    _plain(_name, _helper, _kind)


@method("str", "upper", "lower", "casefold")
def _case(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    assert isinstance(node.func, ast.Attribute)
    name = "upper" if node.func.attr == "upper" else "lower"
    return LuaExpr(f"{s.with_precedence(PREFIX)}:{name}()", kind=k.STR)


_CLASSES = {"isdigit": "d", "isdecimal": "d", "isnumeric": "d", "isalpha": "a", "isalnum": "w", "isspace": "s"}


@method("str", *_CLASSES)
def _is_class(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    assert isinstance(node.func, ast.Attribute)
    return LuaExpr(f'{s.with_precedence(PREFIX)}:find("^%{_CLASSES[node.func.attr]}+$") ~= nil', COMPARE, k.BOOL)


@method("str", "isidentifier")
def _is_identifier(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    return LuaExpr(f'{s.with_precedence(PREFIX)}:find("^[%a_][%w_]*$") ~= nil', COMPARE, k.BOOL)


@method("str", "isascii")
def _is_ascii(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    return LuaExpr(f'{s.with_precedence(PREFIX)}:find("[\\x80-\\xff]") == nil', COMPARE, k.BOOL)


@method("str", "join")
def _join(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    e = c.expr(node.args[0])
    if e.kind.name == "str" and s.text == '""':
        return e
    items = as_list(c, e)
    return LuaExpr(f"table.concat({items}{'' if s.text == chr(34) * 2 else f', {s}'})", kind=k.STR)


def _affix(name: str) -> None:
    def maker(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
        check_arguments(node, most=1)
        argument = node.args[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and argument.value:
            size = len(argument.value.encode())
            part = f"1, {size}" if name == "startswith" else f"-{size}"
            return LuaExpr(f"{s.with_precedence(PREFIX)}:sub({part}) == {quote(argument.value)}", COMPARE, k.BOOL)
        return c.call(name, s, c.expr(argument), kind=k.BOOL)

    METHODS["str"][name] = maker


_affix("startswith")
_affix("endswith")
