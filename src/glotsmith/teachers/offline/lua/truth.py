"""Translate conditions: 0, "" and empty containers are false in Python but true in Lua."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.lua.context import Context
from glotsmith.teachers.offline.lua.syntax import AND, COMPARE, LITERAL, OR, UNARY, LuaExpr


def truth(c: Context, e: LuaExpr) -> bool | None:
    """Return whether Lua always treats the value as true (True) or as false (False); None if it depends."""
    if e.text in ("nil", "false"):
        return False
    return None if e.kind.name in ("bool", "none", "opt", *k.UNKNOWN) else True


def condition_of(c: Context, e: LuaExpr, *, negate: bool = False) -> LuaExpr:
    """Write a Lua condition that is true if Python treats ``e`` as true (with ``negate``, as false)."""
    sign = "==" if negate else "~="
    match e.kind.name:
        case "bool":
            return negated(e) if negate else e
        case "int" | "float":
            return LuaExpr(f"{e.with_precedence(COMPARE)} {sign} 0", COMPARE, k.BOOL)
        case "str":
            return LuaExpr(f'{e.with_precedence(COMPARE)} {sign} ""', COMPARE, k.BOOL)
        case "list" | "tuple":
            text = f"#{e.text if e.prec > UNARY else f'({e.text})'}"
            return LuaExpr(f"{text} {'==' if negate else '>'} 0", COMPARE, k.BOOL)
        case "dict" | "set":
            return _entries(c, e, negate)
        case "opt":
            return _optional(c, e, negate)
        case "none":
            return LuaExpr("true" if negate else "false", LITERAL, k.BOOL)
        case "function" | "iter":
            return LuaExpr(f"{e.with_precedence(COMPARE)} {'==' if negate else '~='} nil", COMPARE, k.BOOL)
        case _:
            called = c.call("truthy", e, kind=k.BOOL)
            return negated(called) if negate else called


def _entries(c: Context, e: LuaExpr, negate: bool) -> LuaExpr:
    if c.ordered:
        called = c.call("is_empty", e, kind=k.BOOL)
        return called if negate else negated(called)
    return LuaExpr(f"next({e}) {'==' if negate else '~='} nil", COMPARE, k.BOOL)


def _optional(c: Context, e: LuaExpr, negate: bool) -> LuaExpr:
    text = c.temporary(e)
    inner = LuaExpr(text, kind=e.kind.args[0])
    if inner.kind.name in ("bool", "function", "iter"):
        return LuaExpr(f"not {text}" if negate else text, UNARY if negate else e.prec, k.BOOL)
    part = condition_of(c, inner, negate=negate)
    if negate:
        return LuaExpr(f"{text} == nil or {part.with_precedence(OR)}", OR, k.BOOL)
    return LuaExpr(f"{text} ~= nil and {part.with_precedence(AND)}", AND, k.BOOL)


_OPPOSITE = {" == ": " ~= ", " ~= ": " == "}


def negated(e: LuaExpr) -> LuaExpr:
    """Write the negation of a condition; ``==`` becomes ``~=`` and vice versa."""
    if e.text in ("true", "false"):
        return LuaExpr("false" if e.text == "true" else "true", LITERAL, k.BOOL)
    if e.prec == COMPARE:
        for sign, other in _OPPOSITE.items():
            if e.text.count(sign) == 1 and not any(s in e.text for s in (" < ", " > ", " <= ", " >= ", '"', " and ")):
                return LuaExpr(e.text.replace(sign, other), COMPARE, k.BOOL)
    if e.prec == UNARY and e.text.startswith("not "):
        return LuaExpr(e.text[4:], UNARY, k.BOOL)
    return LuaExpr(f"not {e.with_precedence(UNARY)}", UNARY, k.BOOL)


def condition(c: Context, node: ast.expr, *, negate: bool = False) -> LuaExpr:
    """Translate an expression of which only the truth value is used."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return condition(c, node.operand, negate=not negate)
    if isinstance(node, ast.BoolOp):
        whole = _connected(c, node)
        if whole is not None:
            return negated(whole) if negate else whole
    return condition_of(c, c.expr(node), negate=negate)


def _connected(c: Context, node: ast.BoolOp) -> LuaExpr | None:
    """Write ``a and b`` or ``a or b``, as nested ifs if a later condition needs statements before it."""
    word, prec = ("and", AND) if isinstance(node.op, ast.And) else ("or", OR)
    outer = c.current_scope.env
    with c.capture() as first_lines:
        parts = [condition(c, node.values[0])]
    c.emit_all(first_lines)
    narrowed = None if outer is None else dict(outer)
    for value in node.values[1:]:
        previous = node.values[node.values.index(value) - 1]
        if narrowed is not None:
            c.current_scope.env = narrowed
            narrow(c, previous, holds=isinstance(node.op, ast.And))
            narrowed = c.current_scope.env
        with c.capture() as lines:
            part = condition(c, value)
        if lines:
            c.current_scope.env = outer
            return _chain(c, word, prec, parts, node.values[len(parts) :])
        parts.append(part)
    if outer is not None and c.current_scope.env is not None:
        c.current_scope.env = outer
    return LuaExpr(f" {word} ".join(p.with_precedence(prec + (p.prec != prec)) for p in parts), prec, k.BOOL)


def _chain(c: Context, word: str, prec: int, parts: list[LuaExpr], rest: list[ast.expr]) -> LuaExpr:
    name = c.fresh("holds")
    c.emit(f"local {name} = {f' {word} '.join(p.with_precedence(prec) for p in parts)}")
    for value in rest:
        with c.block(f"if {'' if word == 'and' else 'not '}{name} then"):
            c.emit(f"{name} = {condition(c, value)}")
    return LuaExpr(name, kind=k.BOOL)


def narrow(c: Context, test: ast.expr, *, holds: bool) -> None:
    """Narrow the kinds of the scope by a test: ``x is not None``, ``i > 0``, ``isinstance(x, int)``."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            narrow(c, inner, holds=not holds)
        case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And) == holds:
            for value in values:
                narrow(c, value, holds=holds)
        case ast.Name(id=name) if holds:
            _set_kind(c, name, k.strip_optional(c.lookup(name)))
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[other]):
            _narrow_compare(c, name, op, other, holds)
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), ast.Name(id=type_)]) if holds:
            known = {"int": k.INT, "float": k.FLOAT, "str": k.STR, "bool": k.BOOL, "list": k.list_of(k.ANY)}
            if type_ in known and c.lookup(name).name in (*k.UNKNOWN, "opt"):
                _set_kind(c, name, known[type_])
        case _:
            pass


def _set_kind(c: Context, name: str, kind: k.ValueKind) -> None:
    owner = c.immediate_owner(name)
    if owner is not None and owner.env is not None:
        owner.env[name] = kind


def _narrow_compare(c: Context, name: str, op: ast.cmpop, other: ast.expr, holds: bool) -> None:
    kind = c.lookup(name)
    if isinstance(other, ast.Constant) and other.value is None:
        present = isinstance(op, ast.IsNot | ast.NotEq) == holds
        _set_kind(c, name, k.strip_optional(kind) if present else k.NONE)
        return
    if kind.name != "int":
        return
    bound = c.try_expr(other)[0].kind
    signs = (ast.Gt, ast.GtE) if holds else (ast.LtE, ast.Lt)
    if bound.name == "int" and bound.low is not None and isinstance(op, signs):
        low = bound.low + (1 if isinstance(op, signs[0]) else 0)
        _set_kind(c, name, k.at_least(max(low, kind.low) if kind.low is not None else low))
