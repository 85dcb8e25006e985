"""Translate operators and comparisons."""

import ast
from collections.abc import Callable
from itertools import pairwise

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.context import JuliaContext, call, expression
from glotsmith.teachers.offline.julia.expressions import as_char, typed_prefix
from glotsmith.teachers.offline.julia.formats import percent_format
from glotsmith.teachers.offline.julia.syntax import (
    ADD,
    AND,
    CHOICE,
    COMPARE,
    MUL,
    POWER,
    PREFIX,
    SHIFT,
    UNARY,
    Expr,
    quote,
)
from glotsmith.teachers.offline.julia.truth import condition, negated
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse


@expression(ast.UnaryOp)
def _unary(c: JuliaContext, node: ast.UnaryOp) -> Expr:
    match node.op:
        case ast.Not():
            return condition(c, node.operand, negate=True)
        case ast.USub():
            return _minus(c.expr(node.operand))
        case ast.UAdd():
            return c.expr(node.operand)
        case ast.Invert():
            e = c.expr(node.operand)
            return Expr(f"~{e.at(UNARY)}", UNARY, k.INT)
        case _:
            raise refuse("this operator", node)


def _minus(e: Expr) -> Expr:
    if e.text.replace(".", "", 1).isdigit():
        kind = k.at_least(-int(e.text)) if e.text.isdigit() else k.FLOAT
        return Expr(f"-{e}", UNARY, kind)
    kind = k.FLOAT if e.kind.name == "float" else k.INT if e.kind.name in ("int", "bool") else e.kind
    return Expr(f"-{e.at(UNARY)}", UNARY, kind)


@expression(ast.BinOp)
def _binary(c: JuliaContext, node: ast.BinOp) -> Expr:
    hint = c.take_hint()
    if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
        return percent_format(c, node.left.value, node.right, node)
    inner = hint if isinstance(node.op, ast.Mult | ast.Add | ast.BitOr) else k.BOT
    left, right = c.raw(node.left, inner), c.raw(node.right, inner)
    return binary_operation(c, node.op, left, right, node, hint)


def binary_operation(
    c: JuliaContext, op: ast.operator, left: Expr, right: Expr, node: ast.AST, hint: ValueKind = k.BOT
) -> Expr:
    """Write ``left op right``."""
    names = {k.strip_optional(e.kind).name for e in (left, right)}
    if isinstance(op, ast.Add) and names & {"str", "char"}:
        return _concatenated(left, right, node)
    left, right = left.as_string(), right.as_string()
    if isinstance(op, ast.Add | ast.Mult) and names & {"str", "list", "tuple"}:
        return _join(left, right, node) if isinstance(op, ast.Add) else _repeat(c, left, right, node, hint)
    if names & {"set", "dict"}:
        return _set_operation(c, op, left, right, node)
    if names & {"none", "function"}:
        raise refuse("an operator with None or a function", node)
    if names & {"str", "list", "tuple"}:
        raise refuse("this operator with a string or list", node)
    if names <= set(k.UNKNOWN) and isinstance(op, ast.Add | ast.Mult):
        return call("plus" if isinstance(op, ast.Add) else "times", left, right, kind=k.ANY)
    return _arithmetic(c, op, left, right, node)


def _concatenated(left: Expr, right: Expr, node: ast.AST) -> Expr:
    for e in (left, right):
        if k.strip_optional(e.kind).name not in ("str", "char", *k.UNKNOWN):
            raise refuse("+ of a string and another value", node)
    if left.kind == right.kind == jk.CHAR:
        left = left.as_string()
    return Expr(f"{left.at(MUL)} * {right.at(MUL + 1)}", MUL, k.STR)


def _join(left: Expr, right: Expr, node: ast.AST) -> Expr:
    a, b = k.strip_optional(left.kind), k.strip_optional(right.kind)
    if "tuple" in (a.name, b.name):
        if "list" in (a.name, b.name):
            raise refuse("+ of a list and a tuple", node)
        fixed = a.name == b.name and not jk.is_vartuple(a) and not jk.is_vartuple(b)
        kind = k.tuple_of(*a.args, *b.args) if fixed else jk.vartuple_of(jk.join(jk.item_of(a), jk.item_of(b)))
        return Expr(f"({left.at(PREFIX)}..., {right.at(PREFIX)}...)", PREFIX, kind, new=True)
    return call("vcat", left, right, kind=k.list_of(jk.join(jk.item_of(a), jk.item_of(b))), new=True)


def _repeat(c: JuliaContext, left: Expr, right: Expr, node: ast.AST, hint: ValueKind) -> Expr:
    sequence, count = (left, right) if k.strip_optional(left.kind).name in ("str", "list", "tuple") else (right, left)
    kind = k.strip_optional(sequence.kind)
    if k.strip_optional(count.kind).name not in ("int", "bool", *k.UNKNOWN):
        raise refuse("* of these values", node)
    if kind.name == "str":
        natural = count.kind.low is not None and count.kind.low >= 0
        times = count.at(POWER + 1) if natural else f"max({count}, 0)"
        return Expr(f"{sequence.at(POWER + 1)}^{times}", POWER, k.STR)
    if kind.name == "tuple":
        return Expr(
            f"Tuple(repeat(collect({sequence}), {_times(count)}))", PREFIX, jk.vartuple_of(jk.item_of(kind)), new=True
        )
    listed = node.left if isinstance(node, ast.BinOp) and sequence is left else getattr(node, "right", None)
    if isinstance(listed, ast.List) and len(listed.elts) == 1 and not isinstance(listed.elts[0], ast.Starred):
        return _filled(c, listed.elts[0], count, hint)
    return call("repeat", sequence, _times(count), kind=sequence.kind, new=True)


def _times(count: Expr) -> str:
    """Write how often a list is repeated."""
    natural = count.text.isdigit() or _natural(count)
    return count.text if natural else f"max({count}, 0)"


def _filled(c: JuliaContext, item: ast.expr, count: Expr, hint: ValueKind) -> Expr:
    wanted = hint.args[0] if hint.name == "list" else k.BOT
    e = c.expr(item, wanted)
    kind = jk.stored(e.kind)
    times = _times(count)
    prefix = typed_prefix(c, kind, wanted)
    if prefix == "Float64" and e.text.isdigit():
        return call("fill", f"{e.text}.0", times, kind=k.list_of(k.FLOAT), new=True)
    if e.kind.name == "none" and prefix:
        return Expr(f"Vector{{{prefix}}}(nothing, {times})", PREFIX, k.list_of(kind), new=True)
    if prefix and k.strip_optional(e.kind).name in ("list", "dict", "set", *k.UNKNOWN):
        return call("fill!", f"Vector{{{prefix}}}(undef, {times})", e, kind=k.list_of(kind), new=True)
    if prefix:
        return Expr(f"{prefix}[{e.at(CHOICE)} for _ in 1:{count.at(ADD)}]", PREFIX, k.list_of(kind), new=True)
    return call("fill", e, times, kind=k.list_of(kind), new=True)


_SETS: dict[type[ast.operator], str] = {
    ast.BitOr: "union",
    ast.BitAnd: "intersect",
    ast.Sub: "setdiff",
    ast.BitXor: "symdiff",
}


def _set_operation(c: JuliaContext, op: ast.operator, left: Expr, right: Expr, node: ast.AST) -> Expr:
    kind = jk.join(left.kind, right.kind)
    if left.kind.name == right.kind.name == "dict" and isinstance(op, ast.BitOr):
        if c.ordered:
            raise refuse("a merge of dicts whose order matters", node)
        return call("merge", left, right, kind=ValueKind("dict", kind.args, own=kind.own), new=True)
    if left.kind.name == "dict" or right.kind.name == "dict" or type(op) not in _SETS:
        raise refuse("this operator with a set or dict", node)
    item = jk.join(jk.item_of(left.kind), jk.item_of(right.kind))
    return call(_SETS[type(op)], left, right, kind=k.set_of(item), new=True)


def _natural(e: Expr) -> bool:
    return e.kind.name == "bool" or (e.kind.name == "int" and e.kind.low is not None and e.kind.low >= 0)


def _arithmetic(c: JuliaContext, op: ast.operator, left: Expr, right: Expr, node: ast.AST) -> Expr:
    writer = _WRITERS.get(type(op))
    if writer is None:
        raise refuse(f"the operator {type(op).__name__}", node)
    kind = _number_kind(left, right)
    if c.catches and isinstance(op, ast.Div):
        return call("divide", left, right, kind=k.FLOAT)
    if c.catches and kind.name != "int" and isinstance(op, ast.FloorDiv | ast.Mod):
        return call("floor_divide" if isinstance(op, ast.FloorDiv) else "modulo", left, right, kind=kind)
    return writer(left, right, kind)


def _number_kind(left: Expr, right: Expr) -> ValueKind:
    names = {k.strip_optional(e.kind).name for e in (left, right)} - {"bot"}
    if "float" in names:
        return k.FLOAT
    return k.INT if names and names <= {"int", "bool"} else k.ANY


def _infix(sign: str, prec: int, low: Callable[[int, int], int | None]) -> Callable[[Expr, Expr, ValueKind], Expr]:
    def write(left: Expr, right: Expr, kind: ValueKind) -> Expr:
        if kind.name == "int" and left.kind.low is not None and right.kind.low is not None:
            kind = k.at_least(low(left.kind.low, right.kind.low))
        return Expr(f"{left.at(prec)} {sign} {right.at(prec + 1)}", prec, kind)

    return write


def _subtract(left: Expr, right: Expr, kind: ValueKind) -> Expr:
    if kind.name == "int" and left.kind.low is not None and right.text.isdigit():
        kind = k.at_least(left.kind.low - int(right.text))
    if left.prec == ADD and right.text.isdigit() and left.text.endswith(" - 1") and left.text[:-4].isidentifier():
        return Expr(f"{left.text[:-4]} - {int(right.text) + 1}", ADD, kind)
    return Expr(f"{left.at(ADD)} - {right.at(ADD + 1)}", ADD, kind)


def _add(left: Expr, right: Expr, kind: ValueKind) -> Expr:
    if kind.name == "int" and left.kind.low is not None and right.kind.low is not None:
        kind = k.at_least(left.kind.low + right.kind.low)
    if right.text.isdigit() and left.prec == ADD and left.text.endswith(" - 1"):
        rest = int(right.text) - 1
        return Expr(left.text[:-4] + (f" + {rest}" if rest > 0 else ""), ADD if rest > 0 else PREFIX, kind)
    return Expr(f"{left.at(ADD)} + {right.at(ADD + 1)}", ADD, kind)


def _floor(left: Expr, right: Expr, kind: ValueKind) -> Expr:
    if _natural(left) and _natural(right):
        return Expr(f"{left.at(MUL)} ÷ {right.at(MUL + 1)}", MUL, k.NAT)
    if kind.name == "int" and _natural(right) and left.kind.low is not None and left.kind.low >= -1:
        kind = k.at_least(-1)
    return call("fld", left, right, kind=kind)


def _modulo(left: Expr, right: Expr, kind: ValueKind) -> Expr:
    if _natural(left) and _natural(right):
        return Expr(f"{left.at(MUL)} % {right.at(MUL + 1)}", MUL, k.NAT)
    return call("mod", left, right, kind=k.NAT if kind.name == "int" and _natural(right) else kind)


def _divide(left: Expr, right: Expr, kind: ValueKind) -> Expr:
    del kind
    return Expr(f"{left.at(MUL)} / {right.at(MUL + 1)}", MUL, k.FLOAT)


def _power(left: Expr, right: Expr, kind: ValueKind) -> Expr:
    if kind.name == "int" and right.text.startswith("-"):
        kind = k.FLOAT
    if kind.name == "int" and left.kind.low is not None and left.kind.low >= 0:
        kind = k.NAT
    base = left.at(POWER + 1)
    exponent = right.text if right.text.startswith("-") and right.prec == UNARY else right.at(POWER)
    if left.kind.name == "int" and right.kind.name == "float" and left.text.isdigit():
        base = f"{left.text}.0"
    return Expr(f"{base}^{exponent}", POWER, kind)


_WRITERS: dict[type[ast.operator], Callable[[Expr, Expr, ValueKind], Expr]] = {
    ast.Add: _add,
    ast.Sub: _subtract,
    ast.Mult: _infix("*", MUL, lambda a, b: a * b if a >= 0 and b >= 0 else None),
    ast.Div: _divide,
    ast.FloorDiv: _floor,
    ast.Mod: _modulo,
    ast.Pow: _power,
    ast.LShift: _infix("<<", SHIFT, lambda a, b: 0 if a >= 0 else None),
    ast.RShift: _infix(">>", SHIFT, lambda a, b: 0 if a >= 0 else None),
    ast.BitAnd: _infix("&", MUL, lambda a, b: 0 if a >= 0 or b >= 0 else None),
    ast.BitOr: _infix("|", ADD, lambda a, b: 0 if a >= 0 and b >= 0 else None),
    ast.BitXor: _infix("⊻", ADD, lambda a, b: 0 if a >= 0 and b >= 0 else None),
}


# ----------------------------------------------------------------------------------------- comparisons

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


@expression(ast.Compare)
def _compare(c: JuliaContext, node: ast.Compare) -> Expr:
    nodes = [node.left, *node.comparators]
    if len(node.ops) == 1:
        return _pair(c, node.ops[0], nodes[0], nodes[1])
    if all(type(op) in _SIGNS for op in node.ops):
        parts = c.exprs(nodes)
        if not any(k.strip_optional(p.kind).name in ("set", "char") for p in parts):
            signs = [_SIGNS[type(op)] for op in node.ops]
            text = parts[0].at(COMPARE + 1)
            for sign, part in zip(signs, parts[1:], strict=True):
                text += f" {sign} {part.at(COMPARE + 1)}"
            return Expr(text, COMPARE, k.BOOL)
    pairs = [_pair(c, op, a, b) for op, (a, b) in zip(node.ops, pairwise(nodes), strict=True)]
    return Expr(" && ".join(p.at(AND) for p in pairs), AND, k.BOOL)


def _pair(c: JuliaContext, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Expr:
    match op:
        case ast.In():
            return membership(c, left, right)
        case ast.NotIn():
            return negated(membership(c, left, right))
        case ast.Is() | ast.IsNot():
            return _identity(c, left, right, "===" if isinstance(op, ast.Is) else "!==")
        case _:
            return _ordered(c, _SIGNS[type(op)], left, right)


def _identity(c: JuliaContext, left: ast.expr, right: ast.expr, sign: str) -> Expr:
    a, b = c.expr(left), c.expr(right)
    if "tuple" in (a.kind.name, b.kind.name):
        raise refuse("is with a tuple", left)
    return Expr(f"{a.at(COMPARE + 1)} {sign} {b.at(COMPARE + 1)}", COMPARE, k.BOOL)


def _ordered(c: JuliaContext, sign: str, left: ast.expr, right: ast.expr) -> Expr:
    a, b = c.raw(left), c.raw(right)
    chars = as_char(left, a), as_char(right, b)
    if jk.CHAR in (a.kind, b.kind) and None not in chars:
        return Expr(f"{chars[0]} {sign} {chars[1]}", COMPARE, k.BOOL)
    a, b = a.as_string(), b.as_string()
    if "set" in (a.kind.name, b.kind.name) and sign not in ("==", "!="):
        return _subset(a, b, sign, left)
    if a.prec == ADD and a.text.endswith(" - 1") and b.text.isdigit():  # ``i - 1 > 0`` is ``i > 1``
        return Expr(f"{a.text[:-4]} {sign} {int(b.text) + 1}", COMPARE, k.BOOL)
    return Expr(f"{a.at(COMPARE + 1)} {sign} {b.at(COMPARE + 1)}", COMPARE, k.BOOL)


def _subset(a: Expr, b: Expr, sign: str, node: ast.AST) -> Expr:
    match sign:
        case "<=":
            return call("issubset", a, b, kind=k.BOOL)
        case ">=":
            return call("issubset", b, a, kind=k.BOOL)
        case _:
            raise refuse("< of sets", node)


def membership(c: JuliaContext, left: ast.expr, right: ast.expr) -> Expr:
    """Write ``left in right``."""
    if isinstance(right, ast.Call) and isinstance(right.func, ast.Attribute) and right.func.attr == "keys":
        right = right.func.value
    if isinstance(right, ast.Call) and isinstance(right.func, ast.Attribute) and right.func.attr == "values":
        item, owner = c.expr(left), c.expr(right.func.value)
        return Expr(f"{item.at(COMPARE + 1)} in values({owner})", COMPARE, k.BOOL)
    item = c.raw(left)
    if isinstance(right, ast.Call) and isinstance(right.func, ast.Name) and right.func.id == "range":
        return _in_range(c, item, right)
    container = c.expr(right)
    text = item.as_string()
    match k.strip_optional(container.kind).name:
        case "str" if item.kind == jk.CHAR:
            return Expr(f"{item.at(COMPARE + 1)} in {container.at(COMPARE + 1)}", COMPARE, k.BOOL)
        case "str":
            return call("occursin", text, container, kind=k.BOOL)
        case "dict":
            return call("haskey", container, text, kind=k.BOOL)
        case "list" | "tuple" | "set":
            if item.kind == jk.CHAR and isinstance(right, ast.Tuple | ast.List | ast.Set):
                return _in_chars(c, item, right, container)
            return Expr(f"{text.at(COMPARE + 1)} in {container.at(COMPARE + 1)}", COMPARE, k.BOOL)
        case "any" | "bot":
            return call("has", container, text, kind=k.BOOL)
        case name:
            raise refuse(f"in with a value of type {name}", right)


def _in_chars(c: JuliaContext, item: Expr, right: ast.Tuple | ast.List | ast.Set, container: Expr) -> Expr:
    chars = [as_char(e, c.raw(e)) for e in right.elts]
    if None in chars:
        return Expr(f"{item.as_string()} in {container.at(COMPARE + 1)}", COMPARE, k.BOOL)
    letters = [e.value for e in right.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    text = quote("".join(letters)) if len(letters) == len(chars) else f"({', '.join(map(str, chars))},)"
    return Expr(f"{item.at(COMPARE + 1)} in {text}", COMPARE, k.BOOL)


def _in_range(c: JuliaContext, item: Expr, node: ast.Call) -> Expr:
    from glotsmith.teachers.offline.julia.iteration import range_text

    return Expr(f"{item.at(COMPARE + 1)} in {range_text(c, node).at(COMPARE + 1)}", COMPARE, k.BOOL)
