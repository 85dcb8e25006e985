"""Translate conversions to text: ``str``, f-strings, ``format`` and ``%``."""

import ast
import re

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.lua.context import Context
from glotsmith.teachers.offline.lua.syntax import AND, CONCAT, LITERAL, LuaExpr, quote
from glotsmith.teachers.offline.refusals import refuse


def to_text(c: Context, e: LuaExpr, node: ast.AST) -> LuaExpr:
    """Write ``str(e)``."""
    match e.kind.name:
        case "str":
            return e
        case "int":
            return LuaExpr(f"tostring({e})", kind=k.STR)
        case "bool":
            return LuaExpr(f'({e.with_precedence(AND)} and "True" or "False")', kind=k.STR)
        case "none":
            return LuaExpr('"None"', LITERAL, k.STR)
        case "tuple" | "set" | "dict" | "iter" | "function":
            raise refuse(f"str() of a {e.kind.name}", node)
        case "list" if k.holds(e.kind, "tuple", "dict", "set"):
            raise refuse("str() of a list of tuples, dicts or sets", node)
        case _:
            return c.call("str", e, kind=k.STR)


def to_repr(c: Context, e: LuaExpr, node: ast.AST) -> LuaExpr:
    """Write ``repr(e)``."""
    return c.call("repr", e, kind=k.STR) if e.kind.name in ("str", "any", "bot", "opt") else to_text(c, e, node)


def format_value(c: Context, e: LuaExpr, spec: str, node: ast.AST) -> LuaExpr:
    """Write ``format(e, spec)`` for a literal spec."""
    fixed = re.fullmatch(r"\.(\d+)f", spec)
    if fixed and k.is_number(e.kind):
        return LuaExpr(f'string.format("%{spec}", {e})', kind=k.STR)
    if re.fullmatch(r"0?\d*d", spec) and e.kind.name == "int":
        return LuaExpr(f'string.format("%{spec}", {e})', kind=k.STR)
    if not re.fullmatch(r"(?:.?[<>^=])?[+\- ]?#?0?\d*,?(?:\.\d+)?[bdoxXeEfFgGs%]?", spec):
        raise refuse(f"the format {spec!r}", node)
    return c.call("format", e, quote(spec), kind=k.STR)


_PERCENT = re.compile(r"%(?:\((\w+)\))?([-+ 0#]*)(\d*)(?:\.(\d+))?([sdifrxXoegEGc%])")


def percent_format(c: Context, template: str, values: ast.expr) -> LuaExpr:
    """Write ``template % values``."""
    nodes = list(values.elts) if isinstance(values, ast.Tuple) else [values]
    parts: list[LuaExpr] = []
    used, end = 0, 0
    for match in _PERCENT.finditer(template):
        if match[1] is not None:
            raise refuse("% with named fields", values)
        if "%" in template[end : match.start()]:
            raise refuse("a % directive of this form", values)
        parts.extend(_literal(template[end : match.start()]))
        end = match.end()
        if match[5] == "%":
            parts.extend(_literal("%"))
            continue
        if used >= len(nodes):
            raise refuse("% with fewer values than directives, or with a variable that may be a tuple", values)
        parts.append(_directive(c, match, c.expr(nodes[used]), values))
        used += 1
    if "%" in template[end:]:
        raise refuse("a % directive of this form", values)
    if used != len(nodes):
        raise refuse("% with more values than directives", values)
    return _glued([*parts, *_literal(template[end:])])


def _literal(text: str) -> list[LuaExpr]:
    return [LuaExpr(quote(text), LITERAL, k.STR)] if text else []


def _glued(parts: list[LuaExpr]) -> LuaExpr:
    if len(parts) == 1:
        return parts[0]
    return LuaExpr(
        " .. ".join(p.with_precedence(CONCAT + 1) for p in parts) or '""', CONCAT if parts else LITERAL, k.STR
    )


def _directive(c: Context, match: re.Match[str], value: LuaExpr, node: ast.AST) -> LuaExpr:
    flags, width, precision, letter = match[2], match[3], match[4], match[5]
    if letter in "sr" and precision is None:
        text = to_text(c, value, node) if letter == "s" else to_repr(c, value, node)
        if not width:
            return text
        return c.call("ljust" if "-" in flags else "rjust", text, width, kind=k.STR)
    if letter in "dixXo" and value.kind.name == "int" and precision is None:
        return LuaExpr(f'string.format("%{flags}{width}{letter.replace("i", "d")}", {value})', kind=k.STR)
    if letter in "feEgG" and k.is_number(value.kind):
        dot = "" if precision is None else f".{precision}"
        return LuaExpr(f'string.format("%{flags}{width}{dot}{letter}", {value})', kind=k.STR)
    raise refuse(f"the directive {match[0]}", node)


def format_call(c: Context, template: str, node: ast.Call) -> LuaExpr:
    """Write ``template.format(...)``."""
    parts: list[LuaExpr] = []
    position = 0
    values = {kw.arg: kw.value for kw in node.keywords}
    for piece in re.split(r"(\{\{|\}\}|\{[^{}]*\})", template):
        if piece in ("{{", "}}"):
            parts.extend(_literal(piece[0]))
        elif piece.startswith("{") and piece.endswith("}"):
            name, _, spec = piece[1:-1].partition(":")
            name, _, conversion = name.partition("!")
            if not name:
                name, position = str(position), position + 1
            value = _argument(c, node, values, name)
            if conversion:
                parts.append(to_repr(c, value, node))
            else:
                parts.append(format_value(c, value, spec, node) if spec else to_text(c, value, node))
        else:
            parts.extend(_literal(piece))
    return _glued(parts)


def _argument(c: Context, node: ast.Call, values: dict[str | None, ast.expr], name: str) -> LuaExpr:
    if name.isdigit() and int(name) < len(node.args):
        return c.expr(node.args[int(name)])
    if name in values:
        return c.expr(values[name])
    raise refuse(f"the field {{{name}}} of a format", node)
