"""Translate arithmetic, comparison and boolean operators, by the kinds of their operands."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.context import Context, expression
from glotsmith.teachers.offline.lua.syntax import (
    ADD,
    AND,
    BITAND,
    BITOR,
    BITXOR,
    COMPARE,
    CONCAT,
    LITERAL,
    MUL,
    OR,
    POWER,
    PREFIX,
    SHIFT,
    UNARY,
    LuaExpr,
    is_simple,
)
from glotsmith.teachers.offline.lua.text import percent_format
from glotsmith.teachers.offline.lua.truth import condition, condition_of, negated, truth
from glotsmith.teachers.offline.refusals import refuse

_NUMERIC: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", ADD),
    ast.Sub: ("-", ADD),
    ast.Mult: ("*", MUL),
    ast.Div: ("/", MUL),
    ast.FloorDiv: ("//", MUL),
    ast.Mod: ("%", MUL),
    ast.BitAnd: ("&", BITAND),
    ast.BitOr: ("|", BITOR),
    ast.BitXor: ("~", BITXOR),
    ast.LShift: ("<<", SHIFT),
}
_SETS: dict[type[ast.operator], str] = {
    ast.BitAnd: "intersection",
    ast.BitOr: "union",
    ast.Sub: "difference",
    ast.BitXor: "symmetric_difference",
}


@expression(ast.BinOp)
def _binary(c: Context, node: ast.BinOp) -> LuaExpr:
    if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
        return percent_format(c, node.left.value, node.right)
    left, right = c.expr(node.left), c.expr(node.right)
    return binary_operation(c, node.op, left, right, node)


def as_number(e: LuaExpr) -> LuaExpr:
    """Return a bool as 0 or 1, and any other expression unchanged."""
    if e.kind.name == "bool":
        if e.text in ("true", "false"):
            return LuaExpr("1" if e.text == "true" else "0", LITERAL, k.NAT)
        return LuaExpr(f"({e.with_precedence(AND)} and 1 or 0)", kind=k.NAT)
    return e


def binary_operation(c: Context, op: ast.operator, left: LuaExpr, right: LuaExpr, node: ast.AST) -> LuaExpr:
    """Write ``left op right``."""
    a, b = k.strip_optional(left.kind).name, k.strip_optional(right.kind).name
    if "set" in (a, b) and type(op) in _SETS:
        return _set_operation(c, _SETS[type(op)], left, right)
    if a == b == "dict" and isinstance(op, ast.BitOr):
        start = c.call("Dict") if c.ordered else LuaExpr("{}", LITERAL)
        return c.call("merge", start, left, right, kind=k.join(left.kind, right.kind), new=True)
    if isinstance(op, ast.Add) and not (_numeric(a) or _numeric(b)):
        return _plus(c, left, right, a, b)
    if isinstance(op, ast.Mult) and not (_numeric(a) and _numeric(b)):
        return _times(c, left, right, a, b)
    if isinstance(op, ast.Mod) and a == "str":
        raise refuse("% with a format that is not a literal", node)
    if isinstance(op, ast.BitAnd | ast.BitOr | ast.BitXor) and a == b == "bool":
        return _bool_bits(op, left, right)
    return _arithmetic(c, op, as_number(left), as_number(right), node)


def _numeric(name: str) -> bool:
    return name in ("int", "float", "bool")


def _set_operation(c: Context, name: str, left: LuaExpr, right: LuaExpr) -> LuaExpr:
    item = k.item_of(left.kind)
    if name in ("union", "symmetric_difference"):
        item = k.join(item, k.item_of(right.kind))
    if not k.is_scalar(item) and item.name != "bot":
        c.set_flag("ordered")
    return c.call(name, left, right, kind=k.set_of(item), new=True)


def _bool_bits(op: ast.operator, left: LuaExpr, right: LuaExpr) -> LuaExpr:
    if isinstance(op, ast.BitXor):
        return LuaExpr(f"{left.with_precedence(COMPARE + 1)} ~= {right.with_precedence(COMPARE + 1)}", COMPARE, k.BOOL)
    word, prec = ("and", AND) if isinstance(op, ast.BitAnd) else ("or", OR)
    return LuaExpr(f"{left.with_precedence(prec)} {word} {right.with_precedence(prec)}", prec, k.BOOL)


def _plus(c: Context, left: LuaExpr, right: LuaExpr, a: str, b: str) -> LuaExpr:
    if "str" in (a, b):
        return LuaExpr(f"{left.with_precedence(CONCAT + 1)} .. {right.with_precedence(CONCAT)}", CONCAT, k.STR)
    if {a, b} & {"list", "tuple"}:
        kind = k.join(left.kind, right.kind)
        if a == b == "tuple":
            kind = k.tuple_of(*left.kind.args, *right.kind.args)
        elif "any" in (a, b):
            kind = k.list_of(k.ANY)
        return c.call("concat", left, right, kind=kind, new=True)
    return c.call("add", left, right, kind=k.BOT if "bot" in (a, b) else k.ANY)


def _times(c: Context, left: LuaExpr, right: LuaExpr, a: str, b: str) -> LuaExpr:
    if b in ("str", "list", "tuple"):
        left, right, a = right, left, b
    if a == "str":
        return LuaExpr(f"{left.with_precedence(PREFIX)}:rep({as_number(right)})", kind=k.STR)
    if a in ("list", "tuple"):
        if k.holds(left.kind, "none", "opt"):
            raise refuse("a list that holds None")
        return c.call("repeated", left, right, kind=k.list_of(k.item_of(left.kind)), new=True)
    if "float" in (a, b):
        return LuaExpr(f"{left.with_precedence(MUL)} * {right.with_precedence(MUL + 1)}", MUL, k.FLOAT)
    return c.call("multiply", left, right, kind=k.BOT if "bot" in (a, b) else k.ANY)


def _arithmetic(c: Context, op: ast.operator, left: LuaExpr, right: LuaExpr, node: ast.AST) -> LuaExpr:
    if isinstance(op, ast.Pow):
        return _power(c, left, right)
    if isinstance(op, ast.Div) and c.current_scope.catching:
        return c.call("divide", left, right, kind=k.FLOAT)
    if isinstance(op, ast.RShift):
        if right.text.isdigit() and int(right.text) < 62:
            return LuaExpr(
                f"{left.with_precedence(MUL)} // {1 << int(right.text)}",
                MUL,
                k.at_least(0 if _low(left) >= 0 else None),
            )
        return c.call("shift_right", left, right, kind=k.INT)
    if type(op) not in _NUMERIC:
        raise refuse(f"the operator {type(op).__name__}", node)
    sign, prec = _NUMERIC[type(op)]
    kind = _result(op, left, right)
    return LuaExpr(f"{left.with_precedence(prec)} {sign} {right.with_precedence(prec + 1)}", prec, kind)


def _low(e: LuaExpr) -> int:
    return -1 if e.kind.low is None else e.kind.low


def _result(op: ast.operator, left: LuaExpr, right: LuaExpr) -> ValueKind:
    names = {left.kind.name, right.kind.name}
    if isinstance(op, ast.Div):
        return k.FLOAT
    if isinstance(op, ast.BitAnd | ast.BitOr | ast.BitXor | ast.LShift):
        either = isinstance(op, ast.BitAnd) and max(_low(left), _low(right)) >= 0
        return k.NAT if either or min(_low(left), _low(right)) >= 0 else k.INT
    if "float" in names:
        return k.FLOAT
    if names != {"int"}:
        return k.BOT if "bot" in names else k.ANY
    return _bounded(op, left, right)


def _bounded(op: ast.operator, left: LuaExpr, right: LuaExpr) -> ValueKind:
    a, b = left.kind.low, right.kind.low
    match op:
        case ast.Add():
            return k.INT if a is None or b is None else k.at_least(a + b)
        case ast.Sub() if right.text.isdigit() and a is not None:
            return k.at_least(a - int(right.text))
        case ast.Mult() | ast.FloorDiv() if min(_low(left), _low(right)) >= 0:
            return k.NAT
        case ast.Mod() if _low(right) >= 0:
            return k.NAT
        case _:
            return k.INT


def _power(c: Context, left: LuaExpr, right: LuaExpr) -> LuaExpr:
    if right.text == "2" and is_simple(left.text):
        return LuaExpr(f"{left.text} * {left.text}", MUL, k.NAT if left.kind.name == "int" else left.kind)
    if right.kind.name == "float" and "." in right.text and right.prec == LITERAL:
        return LuaExpr(f"{left.with_precedence(POWER + 1)} ^ {right.with_precedence(POWER)}", POWER, k.FLOAT)
    kind = k.FLOAT if "float" in (left.kind.name, right.kind.name) else k.INT
    if kind == k.INT and right.text.startswith("-"):
        kind = k.FLOAT
    return c.call("power", left, right, kind=k.NAT if min(_low(left), _low(right)) >= 0 else kind)


@expression(ast.UnaryOp)
def _unary(c: Context, node: ast.UnaryOp) -> LuaExpr:
    if isinstance(node.op, ast.Not):
        return condition(c, node.operand, negate=True)
    e = as_number(c.expr(node.operand))
    match node.op:
        case ast.USub() if e.prec == LITERAL and e.kind.name in ("int", "float"):
            low = -int(e.text) if e.text.isdigit() else None
            return LuaExpr(f"-{e.text}", UNARY, ValueKind(e.kind.name, low=low))
        case ast.USub():
            return LuaExpr(f"-{e.with_precedence(UNARY + 1)}", UNARY, k.INT if e.kind.name == "int" else e.kind)
        case ast.UAdd():
            return e
        case _:
            return LuaExpr(f"~{e.with_precedence(UNARY + 1)}", UNARY, k.INT)


@expression(ast.BoolOp)
def _boolean(c: Context, node: ast.BoolOp) -> LuaExpr:
    left = node.values[0] if len(node.values) == 2 else c.node_once(node, lambda: ast.BoolOp(node.op, node.values[:-1]))
    assert isinstance(left, ast.expr)
    right = node.values[-1]
    (first, before), (second, lines) = c.try_expr(left), c.try_expr(right)
    if first.kind.name == second.kind.name == "bool":
        return condition(c, node)
    c.emit_all(before)
    is_and = isinstance(node.op, ast.And)
    if first.kind == k.NONE:
        return first if is_and else c.expr(right)
    kind = k.join(first.kind if is_and else k.strip_optional(first.kind), second.kind)
    if not lines and is_simple(first.text):
        if not is_and:
            test = condition_of(c, first)
            whole = (
                first
                if test.text == first.text
                else LuaExpr(f"{test.with_precedence(AND)} and {first.with_precedence(AND + 1)}", AND)
            )
            return LuaExpr(f"{whole.with_precedence(OR)} or {second.with_precedence(AND)}", OR, kind)
        if truth(c, second) is True:
            return LuaExpr(
                f"{condition_of(c, first).with_precedence(AND)} and {second.with_precedence(AND + 1)} or {first.text}",
                OR,
                kind,
            )
    name = c.fresh("value")
    c.emit(f"local {name} = {first}")
    with c.block(f"if {condition_of(c, LuaExpr(name, kind=first.kind), negate=not is_and)} then"):
        c.emit(f"{name} = {c.expr(right)}")
    return LuaExpr(name, kind=kind)


_ORDER: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


@expression(ast.Compare)
def _compare(c: Context, node: ast.Compare) -> LuaExpr:
    match node:
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="type"), args=[value]),
            ops=[ast.Eq() | ast.Is()],
            comparators=[ast.Name(id="int" | "float" | "str" | "bool" | "list" | "dict" | "tuple" | "set") as type_],
        ):
            return c.expr(ast.copy_location(ast.Call(ast.Name("isinstance", ast.Load()), [value, type_], []), node))
        case _:
            pass
    left = c.expr(node.left)
    parts: list[LuaExpr] = []
    for op, other in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, ast.In | ast.NotIn):
            part, right = contains(c, left, other), LuaExpr("nil")
            parts.append(negated(part) if isinstance(op, ast.NotIn) else part)
        else:
            right = c.expr(other)
            if len(node.ops) > 1 and not is_simple(right.text) and right.prec == PREFIX:
                right = LuaExpr(c.temporary(right), kind=right.kind)
            parts.append(comparison(c, op, left, right))
        left = right
    if len(parts) == 1:
        return parts[0]
    return LuaExpr(" and ".join(p.with_precedence(AND) for p in parts), AND, k.BOOL)


def comparison(c: Context, op: ast.cmpop, left: LuaExpr, right: LuaExpr) -> LuaExpr:
    """Write one comparison (not ``in``)."""
    if isinstance(op, ast.Eq | ast.Is):
        return equal(c, left, right)
    if isinstance(op, ast.NotEq | ast.IsNot):
        return negated(equal(c, left, right))
    if left.kind.name == "set" or right.kind.name == "set":
        return _subset(c, op, left, right)
    sign = _ORDER[type(op)]
    if not k.is_scalar(left.kind) and not k.is_scalar(right.kind):
        first, second = (left, right) if sign in ("<", ">=") else (right, left)
        called = c.call("less", first, second, kind=k.BOOL)
        return called if sign in ("<", ">") else negated(called)
    left, right = as_number(left), as_number(right)
    return LuaExpr(f"{left.with_precedence(COMPARE + 1)} {sign} {right.with_precedence(COMPARE + 1)}", COMPARE, k.BOOL)


def _subset(c: Context, op: ast.cmpop, left: LuaExpr, right: LuaExpr) -> LuaExpr:
    small, large = (left, right) if isinstance(op, ast.Lt | ast.LtE) else (right, left)
    whole = c.call("is_subset", small, large, kind=k.BOOL)
    if isinstance(op, ast.LtE | ast.GtE):
        return whole
    return LuaExpr(f"{whole} and not {c.call('equal', small, large)}", AND, k.BOOL)


def equal(c: Context, left: LuaExpr, right: LuaExpr) -> LuaExpr:
    """Write ``left == right``; the contents of tables are compared."""
    if {left.kind.name, right.kind.name} == {"bool", "int"}:
        left, right = as_number(left), as_number(right)
    if k.is_scalar(left.kind) or k.is_scalar(right.kind):
        return LuaExpr(f"{left.with_precedence(COMPARE + 1)} == {right.with_precedence(COMPARE + 1)}", COMPARE, k.BOOL)
    if right.text == "{}" and left.kind.name in ("list", "tuple"):
        return LuaExpr(f"#{left.with_precedence(UNARY + 1)} == 0", COMPARE, k.BOOL)
    return c.call("equal", left, right, kind=k.BOOL)


def _in_range(c: Context, item: LuaExpr, given: list[ast.expr]) -> LuaExpr:
    bounds = c.exprs(given)
    low, high = (bounds[0], bounds[1]) if len(bounds) == 2 else (LuaExpr("0", LITERAL), bounds[0])
    name = c.temporary(item)
    return LuaExpr(
        f"{low.with_precedence(COMPARE + 1)} <= {name} and {name} < {high.with_precedence(COMPARE + 1)}", AND, k.BOOL
    )


def contains(c: Context, item: LuaExpr, node: ast.expr) -> LuaExpr:
    """Write ``item in node``."""
    match node:
        case ast.Call(func=ast.Name(id="range"), args=[_] | [_, _] as given):
            return _in_range(c, item, given)
        case _:
            pass
    if isinstance(node, ast.Tuple | ast.List | ast.Set) and 0 < len(node.elts) <= 3 and is_simple(item.text):
        parts = [equal(c, item, e) for e in c.exprs(node.elts)]
        return LuaExpr(
            " or ".join(p.with_precedence(OR) for p in parts), OR if len(parts) > 1 else parts[0].prec, k.BOOL
        )
    if isinstance(node, ast.Set):
        node = ast.copy_location(ast.List(node.elts, ast.Load()), node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys":
        node = node.func.value
    return contained(c, item, c.expr(node))


def contained(c: Context, item: LuaExpr, table: LuaExpr) -> LuaExpr:
    """Write ``item in table`` for a translated table."""
    match k.strip_optional(table.kind).name:
        case "str":
            return LuaExpr(f"{table.with_precedence(PREFIX)}:find({item}, 1, true) ~= nil", COMPARE, k.BOOL)
        case "dict" | "set":
            if k.strip_optional(item.kind).name in ("tuple", "list"):
                c.set_flag("ordered")
            return LuaExpr(f"{table.with_precedence(PREFIX)}[{item}] ~= nil", COMPARE, k.BOOL)
        case "list" | "tuple":
            return c.call("contains", table, item, kind=k.BOOL)
        case _:
            return c.call("contains_any", table, item, kind=k.BOOL)
