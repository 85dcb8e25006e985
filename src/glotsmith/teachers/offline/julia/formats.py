"""Translate the writing of values as text: f-strings, ``%``, ``format``, ``str`` and ``repr``."""

import ast
import re
import string
from collections.abc import Sequence

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia.context import JuliaContext, call, expression
from glotsmith.teachers.offline.julia.syntax import MARK, PREFIX, Expr, escape, quote
from glotsmith.teachers.offline.refusals import refuse

Part = str | Expr  #: literal text, or an expression that is interpolated


def to_text(c: JuliaContext, e: Expr, node: ast.AST) -> Expr:
    """Write ``str(e)``."""
    _need_order(c, e, node)
    match e.kind.name:
        case "str":
            return e
        case "char" | "int":
            return call("string", e, kind=k.STR)
        case "bool":
            return Expr(f'({e} ? "True" : "False")', PREFIX, k.STR)
        case "float":
            return call("float_text", e, kind=k.STR)
        case "opt" if e.kind.args[0].name == "str":
            return call("something", e, quote("None"), kind=k.STR)
        case _:
            return call("str", e, kind=k.STR)


def to_repr(c: JuliaContext, e: Expr, node: ast.AST) -> Expr:
    """Write ``repr(e)``."""
    _need_order(c, e, node)
    return to_text(c, e, node) if e.kind.name in ("int", "bool", "float") else call("represent", e, kind=k.STR)


def _need_order(c: JuliaContext, e: Expr, node: ast.AST) -> None:
    """Require the order of all dicts and sets in a value whose text is written."""
    with c.any_order(irrelevant=False):
        todo = [e.kind]
        while todo:
            kind = todo.pop()
            c.need_order(kind, node)
            todo.extend(kind.args)


def interpolated(parts: Sequence[Part]) -> Expr:
    """Write a string literal with interpolated expressions."""
    texts: list[str] = []
    for i, part in enumerate(parts):
        if isinstance(part, str):
            texts.append(escape(part))
            continue
        if re.fullmatch(r'"(?:[^"\\$]|\\.)*"', part.text):
            texts.append(part.text[1:-1])
            continue
        after = parts[i + 1] if i + 1 < len(parts) else ""
        joined = isinstance(after, str) and (after[:1].isalnum() or after[:1] in ("_", "!", "[", "("))
        plain = re.fullmatch(rf"{MARK}\w+", part.text) and not joined and not (isinstance(after, Expr))
        inner = part.text
        if inner.startswith("string(") and inner.endswith(")") and _balanced(inner[7:-1]):
            inner = inner[7:-1]
            plain = re.fullmatch(rf"{MARK}\w+", inner) and not joined and not isinstance(after, Expr)
        texts.append(f"${inner}" if plain else f"$({inner})")
    return Expr(f'"{"".join(texts)}"', PREFIX, k.STR)


def _balanced(text: str) -> bool:
    depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if depth < 0 or (char == "," and not depth):
            return False
    return not depth and '"' not in text


@expression(ast.JoinedStr)
def _fstring(c: JuliaContext, node: ast.JoinedStr) -> Expr:
    parts: list[Part] = []
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value))
            continue
        assert isinstance(value, ast.FormattedValue)
        e = c.raw(value.value)
        if value.conversion == ord("r"):
            e = to_repr(c, e.as_string(), value)
        elif value.conversion not in (-1, ord("s")):
            raise refuse("this conversion in an f-string", node)
        parts.append(format_value(c, e, _spec(value.format_spec, node), value))
    return interpolated(parts)


def _spec(node: ast.expr | None, where: ast.AST) -> str:
    if node is None:
        return ""
    values = node.values if isinstance(node, ast.JoinedStr) else []
    if len(values) != 1 or not isinstance(values[0], ast.Constant):
        raise refuse("a format specification with a variable", where)
    return str(values[0].value)


_SPEC = re.compile(r"(?:(.)?([<>^]))?(\+)?(0)?(\d+)?(,)?(?:\.(\d+))?([a-zA-Z%])?")


def format_value(c: JuliaContext, e: Expr, spec: str, node: ast.AST) -> Expr:
    """Write a value by a format specification."""
    if not spec:
        return to_text(c, e, node)
    if e.kind.name == "bool":
        e = call("Int64", e, kind=k.NAT)
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise refuse(f"the format {spec}", node)
    fill, align, sign, zero, width, comma, precision, kind = match.groups()
    if comma:
        if kind or precision or e.kind.name != "int":
            raise refuse(f"the format {spec}", node)
        text = call("grouped", e, kind=k.STR)
    else:
        text = _converted(c, e, sign or "", width if zero and not align else None, precision, kind, spec, node)
    if width is None or (zero and not align):
        return text
    if align is None:
        align = "<" if e.kind.name in ("str", "char") else ">"
        if e.kind.name not in ("str", "char", "int", "float", "bool"):
            raise refuse(f"the format {spec} of an unknown value", node)
    return _padded(text, align, width, fill or " ")


def _padded(text: Expr, align: str, width: str, fill: str) -> Expr:
    function = {"<": "rpad", ">": "lpad", "^": "centered"}[align]
    extra = [] if fill == " " and align != "^" else [quote(fill)]
    return call(function, text, width, *extra, kind=k.STR)


def _converted(
    c: JuliaContext,
    e: Expr,
    sign: str,
    width: str | None,
    precision: str | None,
    kind: str | None,
    spec: str,
    node: ast.AST,
) -> Expr:
    """Write a number or string without its alignment; ``width`` is that of zeros on the left."""
    if kind in (None, "s") and precision is None and not sign:
        if width is None:
            return to_text(c, e, node)
        if e.kind.name != "int":
            raise refuse(f"the format {spec}", node)
        kind = "d"
    if kind == "s" and precision is not None and e.kind.name == "str":
        return call("first", e, precision, kind=k.STR)
    if kind in ("b", "o", "x", "X"):
        base = {"b": "2", "o": "8", "x": "16", "X": "16"}[kind]
        text = f"string({e}, base = {base}{f', pad = {width}' if width else ''})"
        return Expr(f"uppercase({text})" if kind == "X" else text, PREFIX, k.STR)
    if kind == "d" and not sign and width is None:
        return to_text(c, e, node)
    if kind == "%":
        number = f"big(100.0 * {e.at(9)})"
        return Expr(f'@sprintf("%.{precision or 6}f%%", {number})', PREFIX, k.STR)
    if kind not in ("d", "f", "e", "g"):
        raise refuse(f"the format {spec}", node)
    flags = sign + ("0" + width if width else "")
    digits = f".{precision}" if precision is not None else ""
    value = e.text if kind == "d" else _exact(e)
    return Expr(f'@sprintf("%{flags}{digits}{kind}", {value})', PREFIX, k.STR)


def _exact(e: Expr) -> str:
    """Write a number for ``@sprintf``, which rounds ties to even in a ``BigFloat``, but not in a ``Float64``."""
    return f"big({e})" if e.kind.name == "float" else f"big(float({e}))"


def format_call(c: JuliaContext, template: str, node: ast.Call) -> Expr:
    """Write ``"…{}…".format(…)``."""
    arguments = [c.raw(a) for a in node.args]
    if any(isinstance(a, ast.Starred) for a in node.args):
        raise refuse("format with * arguments", node)
    named = {w.arg: c.raw(w.value) for w in node.keywords}
    parts: list[Part] = []
    position = 0
    for literal, field, spec, conversion in string.Formatter().parse(template):
        parts.append(literal)
        if field is None:
            continue
        if field == "":
            field, position = str(position), position + 1
        value = arguments[int(field)] if field.isdigit() else named.get(field)
        if value is None or conversion not in (None, "r", "s"):
            raise refuse(f"the format field {field}", node)
        e = to_repr(c, value.as_string(), node) if conversion == "r" else value
        parts.append(format_value(c, e, spec or "", node))
    return interpolated([p for p in parts if p != ""])


_PERCENT = re.compile(r"%(?:%|(-)?(0)?(\+)?(\d+)?(?:\.(\d+))?([sdirfgxXeo]))")


def percent_format(c: JuliaContext, template: str, right: ast.expr, node: ast.AST) -> Expr:
    """Write ``"…%s…" % values``."""
    values = [c.raw(e) for e in right.elts] if isinstance(right, ast.Tuple) else [c.raw(right)]
    parts: list[Part] = []
    at = 0
    for match in _PERCENT.finditer(template):
        parts.append(template[at : match.start()])
        at = match.end()
        if match[0] == "%%":
            parts.append("%")
            continue
        if not values:
            raise refuse("a % format with too few values", node)
        parts.append(_percent_value(c, values.pop(0), match, node))
    parts.append(template[at:])
    if values or "%" in re.sub(_PERCENT, "", template):
        raise refuse("this % format", node)
    return interpolated([p for p in parts if p != ""])


def _percent_value(c: JuliaContext, e: Expr, match: re.Match[str], node: ast.AST) -> Expr:
    left, zero, sign, width, precision, kind = match.groups()
    if e.kind.name == "tuple" or (e.kind.name in k.UNKNOWN and kind in "sr"):
        raise refuse("a % format of an unknown value", node)
    if kind == "r":
        text = to_repr(c, e.as_string(), node)
        return _padded(text, "<" if left else ">", width, " ") if width else text
    if kind in "di" and e.kind.name == "float":
        e = call("trunc", "Int64", e, kind=k.INT)
    spec = kind if kind not in "di" else "d"
    if kind == "s":
        if precision:
            raise refuse("this % format", node)
        text = to_text(c, e, node)
    else:
        text = _converted(c, e, sign or "", width if zero and not left else None, precision, spec, match[0], node)
    if not width or (zero and not left):
        return text
    return _padded(text, "<" if left else ">", width, " ")
