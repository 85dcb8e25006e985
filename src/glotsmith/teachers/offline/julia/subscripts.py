"""Translate subscripts and slices: indices count from 1 in Julia, and negative indices become ``end - …``."""

import ast
import re

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.context import JuliaContext, call, expression
from glotsmith.teachers.offline.julia.syntax import ADD, MARK, PREFIX, Expr, plus
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse

EMPTY = {"count": "0", "int": "0", "float": "0.0", "str": '""', "bool": "false"}


@expression(ast.Subscript)
def _subscript(c: JuliaContext, node: ast.Subscript) -> Expr:
    base = c.expr(node.value)
    if isinstance(node.slice, ast.Slice):
        return slice_expression(c, base, node.slice)
    kind = k.strip_optional(base.kind)
    index = c.expr(node.slice)
    match kind.name:
        case "str":
            return _char(base, index)
        case "list" | "tuple":
            return Expr(f"{base.at(PREFIX)}[{position(base, index)}]", kind=_part(kind, node.slice))
        case "dict" if kind.default:
            return subscript_with_default(c, base, index, kind)
        case "dict":
            return Expr(f"{base.at(PREFIX)}[{index}]", kind=kind.args[1])
        case _:
            return call("item", base, index, kind=k.BOT if kind.name == "bot" else k.ANY)


def subscript_with_default(c: JuliaContext, base: Expr, index: Expr, kind: ValueKind) -> Expr:
    """Write ``base[index]`` where a missing key gives an empty value: a Counter, a defaultdict."""
    function = "get" if kind.default == "count" else "get!"  # a Counter does not keep a key that is only read
    return call(function, base, index, empty_value(c, kind), kind=kind.args[1])


def empty_value(c: JuliaContext, kind: ValueKind) -> str:
    """Write the value that a missing key of a defaultdict gets."""
    if kind.default in EMPTY:
        return EMPTY[kind.default]
    value = kind.args[1]
    if kind.default == "list":
        return f"{jk.item_type(jk.item_of(value), ordered=c.ordered)}[]"
    plain = ValueKind(kind.default, value.args or (k.ANY,) * (2 if kind.default == "dict" else 1))
    return f"{jk.julia_type(plain, ordered=c.ordered)}()"


def _part(kind: ValueKind, index: ast.expr) -> ValueKind:
    try:
        at = ast.literal_eval(index)
    except ValueError:
        return jk.item_of(kind)
    fixed = kind.name == "tuple" and not jk.is_vartuple(kind)
    if fixed and isinstance(at, int) and -len(kind.args) <= at < len(kind.args):
        return kind.args[at]
    return jk.item_of(kind)


def position(base: Expr | str, index: Expr) -> str:
    """Write the Julia index (from 1) for a Python index (from 0, or negative from the end)."""
    text = index.text
    if re.fullmatch(r"-[1-9]\d*", text):
        return plus("end", 1 - -int(text)) if text == "-1" else f"end - {-int(text) - 1}"
    if index.kind.name == "bool":
        return f"{index.at(ADD)} + 1"
    if index.kind.name == "int" and index.kind.low is not None and index.kind.low >= 0:
        return plus(index, 1)
    if re.fullmatch(rf"{MARK}\w+( [+-] \d+)?", text):
        last = "end + " + (plus(index, 1) if index.prec < PREFIX else f"{text} + 1")
        return f"{text} >= 0 ? {plus(index, 1)} : {last}"
    return f"position({base}, {index})"


def _char(base: Expr, index: Expr) -> Expr:
    """Write one character of a string, by code points."""
    text = base.at(PREFIX)
    if index.text in ("0", "-1"):
        at = "1" if index.text == "0" else "end"
        return Expr(f"{text}[{at}]", PREFIX, jk.CHAR, whole=f"{text}[{at}:{at}]")
    return Expr(f"collect({base})[{position(base, index)}]", PREFIX, jk.CHAR)


class _Bound:
    """A bound of a slice: a constant from the start, a constant from the end, or an expression."""

    def __init__(self, c: JuliaContext, node: ast.expr | None) -> None:
        self.e = None if node is None or (isinstance(node, ast.Constant) and node.value is None) else c.expr(node)
        text = self.e.text if self.e else ""
        self.constant = int(text) if re.fullmatch(r"-?\d+", text) else None
        low = self.e.kind.low if self.e and self.e.kind.name == "int" else None
        self.natural = low is not None and low >= 0
        self.known = self.e is None or self.constant is not None or self.natural


def slice_expression(c: JuliaContext, base: Expr, part: ast.Slice) -> Expr:
    """Write ``base[lower:upper:step]``."""
    kind = k.strip_optional(base.kind)
    lower, upper, step = _Bound(c, part.lower), _Bound(c, part.upper), _Bound(c, part.step)
    result = k.list_of(kind.args[0]) if kind.name == "list" else kind
    if kind.name == "tuple":
        result = jk.vartuple_of(jk.item_of(kind))
    if kind.name == "any" or kind.name == "bot":
        return _general(base, lower, upper, step, kind)
    if kind.name not in ("list", "str", "tuple"):
        raise refuse(f"a slice of a value of type {kind.name}", part)
    if lower.e is None and upper.e is None and step.constant == -1:
        return call("reverse", base, kind=result, new=True)
    if not (lower.known and upper.known) or (step.e and (step.constant is None or step.constant < 1)):
        return _general(base, lower, upper, step, result)
    if kind.name == "str":
        return _part_of_string(base, lower, upper, step)
    return Expr(f"{base.at(PREFIX)}[{_range(lower, upper, step)}]", PREFIX, result, new=True)


def _general(base: Expr, lower: _Bound, upper: _Bound, step: _Bound, kind: ValueKind) -> Expr:
    bounds = [b.e or "nothing" for b in (lower, upper)]
    return call("slice", base, *bounds, *([step.e] if step.e else []), kind=kind, new=True)


def _range(lower: _Bound, upper: _Bound, step: _Bound) -> str:
    first, last = _first(lower), _last(upper)
    if first == "1" and last == "end" and step.e is None:
        return ":"
    middle = f"{step.e}:" if step.e and step.constant != 1 else ""
    return f"{first}:{middle}{last}"


def _first(bound: _Bound) -> str:
    if bound.e is None:
        return "1"
    if bound.constant is not None and bound.constant < 0:
        return "max(end, 1)" if bound.constant == -1 else f"max(end - {-bound.constant - 1}, 1)"
    return plus(bound.e, 1)


def _last(bound: _Bound) -> str:
    if bound.e is None:
        return "end"
    if bound.constant is not None and bound.constant < 0:
        return f"end - {-bound.constant}"
    return f"min({bound.e}, end)"


def _part_of_string(base: Expr, lower: _Bound, upper: _Bound, step: _Bound) -> Expr:
    """Write a part of a string by ``first``, ``last`` and ``chop``, which count characters."""
    if step.e is None or step.constant == 1:
        if lower.e is None and upper.e is None:
            return base
        head = "0" if lower.e is None else lower.e.text
        end = upper.constant or 0
        tail = "0" if upper.e is None else str(-end) if end < 0 else ""
        if upper.e is None and lower.constant is not None and lower.constant < 0:
            return call("last", base, str(-lower.constant), kind=k.STR)
        if lower.e is None and not tail:
            return call("first", base, str(upper.e), kind=k.STR)
        if tail and not head.startswith("-"):
            if head == "0":
                return call("chop", base, f"tail = {tail}", kind=k.STR)
            return call("chop", base, f"head = {head}", f"tail = {tail}", kind=k.STR)
        if lower.constant is not None and upper.constant is not None and lower.constant >= 0:
            inner = base.text if lower.constant == 0 else f"chop({base}, head = {head}, tail = 0)"
            return call("first", inner, str(max(upper.constant - lower.constant, 0)), kind=k.STR)
    return Expr(f"join(collect({base})[{_range(lower, upper, step)}])", PREFIX, k.STR)


def delete(c: JuliaContext, target: ast.Subscript) -> str:
    """Write ``del base[index]``."""
    base = c.expr(target.value)
    if isinstance(target.slice, ast.Slice):
        lower, upper, step = (_Bound(c, b) for b in (target.slice.lower, target.slice.upper, target.slice.step))
        if base.kind.name != "list" or not (lower.known and upper.known) or (step.e and (step.constant or 0) < 1):
            raise refuse("this del of a slice", target)
        return f"deleteat!({base}, {_range(lower, upper, step).replace('end', f'length({base})').replace(':)', ')')})"
    if base.kind.name == "dict":
        return f"{'pop!' if c.catches else 'delete!'}({base}, {c.expr(target.slice)})"
    if base.kind.name != "list":
        raise refuse("del of a part of an unknown value", target)
    return f"deleteat!({base}, {position_outside(base, c.expr(target.slice))})"


def position_outside(base: Expr, index: Expr) -> str:
    """Write a Julia index outside brackets, where ``end`` has no meaning."""
    return re.sub(r"(?<![\w\x02])end\b", f"length({base})", position(base, index))
