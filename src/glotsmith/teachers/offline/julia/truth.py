"""Translate conditions. Python accepts any value as a condition; Julia accepts only Bool."""

import ast
from collections.abc import Generator
from contextlib import contextmanager

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.context import JuliaContext, KindsByName, Scope, call
from glotsmith.teachers.offline.julia.syntax import AND, CHOICE, COMPARE, OR, UNARY, Expr
from glotsmith.teachers.offline.kinds import ValueKind


def condition_of(c: JuliaContext, e: Expr, *, negate: bool = False) -> Expr:
    """Write a Julia condition that is true if Python treats ``e`` as true (with ``negate``, as false)."""
    match e.kind.name:
        case "bool":
            return negated(e) if negate else e
        case "int" | "float":
            return Expr(f"{e.at(COMPARE + 1)} {'==' if negate else '!='} 0", COMPARE, k.BOOL)
        case "str" | "list" | "tuple" | "dict" | "set":
            return Expr(f"{'' if negate else '!'}isempty({e})", UNARY, k.BOOL)
        case "opt":
            return _optional(c, e, negate)
        case "none" | "char" | "function":
            return Expr("true" if negate == (e.kind.name == "none") else "false", kind=k.BOOL)
        case _:
            return Expr(f"{'!' if negate else ''}{call('truthy', e)}", UNARY, k.BOOL)


def _optional(c: JuliaContext, e: Expr, negate: bool) -> Expr:
    inner = e.kind.args[0]
    if inner.name == "function":
        return Expr(f"{e.at(COMPARE + 1)} {'===' if negate else '!=='} nothing", COMPARE, k.BOOL)

    def write(name: str) -> str:
        part = condition_of(c, Expr(name, kind=inner), negate=negate)
        if negate:
            return f"{name} === nothing || {part.at(OR)}"
        return f"{name} !== nothing && {part.at(AND)}"

    made = c.once(e, write)
    return Expr(made.text, made.prec or (OR if negate else AND), k.BOOL)


_OPPOSITE = {" == ": " != ", " != ": " == ", " === ": " !== ", " !== ": " === "}


def negated(e: Expr) -> Expr:
    """Write the negation of a condition; ``==`` becomes ``!=`` and vice versa."""
    if e.text in ("true", "false"):
        return Expr("false" if e.text == "true" else "true", kind=k.BOOL)
    if e.prec == COMPARE:
        for sign, other in _OPPOSITE.items():
            if e.text.count(sign) == 1 and not any(s in e.text for s in (" < ", " > ", " <= ", " >= ", '"', " && ")):
                return Expr(e.text.replace(sign, other), COMPARE, k.BOOL)
    if e.prec == UNARY and e.text.startswith("!"):
        return Expr(e.text[1:], UNARY, k.BOOL)
    return Expr(f"!{e.at(UNARY)}", UNARY, k.BOOL)


def condition(c: JuliaContext, node: ast.expr, *, negate: bool = False) -> Expr:
    """Translate an expression of which only the truth value is used."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return condition(c, node.operand, negate=not negate)
    if isinstance(node, ast.BoolOp):
        whole = _connected(c, node)
        return negated(whole) if negate else whole
    return condition_of(c, c.raw(node), negate=negate)


def _connected(c: JuliaContext, node: ast.BoolOp) -> Expr:
    """Write ``a and b`` or ``a or b``. Each part is translated with the kinds that the parts before it imply."""
    word, prec = ("&&", AND) if isinstance(node.op, ast.And) else ("||", OR)
    parts: list[Expr] = []
    with restoring_kinds(c):
        for value in node.values:
            parts.append(condition(c, value))
            narrow(c, value, holds=isinstance(node.op, ast.And))
    return Expr(f" {word} ".join(p.at(prec + (p.prec != prec)) for p in parts), prec, k.BOOL)


@contextmanager
def restoring_kinds(c: JuliaContext) -> Generator[None, None, None]:
    """Restore the kinds of all current scopes at the end of a block."""
    saved: list[tuple[Scope, KindsByName]] = []
    scope = c.scope
    while scope is not None:
        saved.append((scope, scope.env))
        scope.env = None if scope.env is None else dict(scope.env)
        scope = scope.parent
    try:
        yield
    finally:
        for scope, env in saved:
            scope.env = env


def narrow(c: JuliaContext, test: ast.expr, *, holds: bool) -> None:
    """Narrow the kinds of the scope by a test: ``x is not None``, ``i > 0``, ``isinstance(x, int)``."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            narrow(c, inner, holds=not holds)
        case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And) == holds:
            for value in values:
                narrow(c, value, holds=holds)
        case ast.Name(id=name) if holds:
            _set_kind(c, name, k.strip_optional(c.lookup(name)))
        case ast.Compare(left=left, ops=ops, comparators=others):
            pairs = zip([left, *others[:-1]], ops, others, strict=True)
            for a, op, b in pairs if holds or len(ops) == 1 else ():
                _narrow_compare(c, a, op, b, holds)
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=name), type_]):
            _narrow_type(c, name, type_, holds)
        case _:
            pass


_TYPES = {
    "int": k.INT,
    "float": k.FLOAT,
    "str": k.STR,
    "bool": k.BOOL,
    "list": k.list_of(k.ANY),
    "tuple": jk.vartuple_of(k.ANY),
    "dict": ValueKind("dict", (k.ANY, k.ANY), own=False),
    "set": ValueKind("set", (k.ANY,), own=False),
}


def _narrow_type(c: JuliaContext, name: str, type_: ast.expr, holds: bool) -> None:
    kind = c.lookup(name)
    if holds and isinstance(type_, ast.Name) and type_.id in _TYPES:
        if kind.name in k.UNKNOWN or k.strip_optional(kind).name in k.UNKNOWN:
            _set_kind(c, name, _TYPES[type_.id])
        elif kind.name == "opt":
            _set_kind(c, name, k.strip_optional(kind))


def _set_kind(c: JuliaContext, name: str, kind: ValueKind) -> None:
    owner = c.immediate_owner(name)
    if owner is not None and owner.env is not None:
        owner.env[name] = kind


_MIRROR: dict[type[ast.cmpop], ast.cmpop] = {ast.Lt: ast.Gt(), ast.LtE: ast.GtE(), ast.Gt: ast.Lt(), ast.GtE: ast.LtE()}


def _narrow_compare(c: JuliaContext, left: ast.expr, op: ast.cmpop, right: ast.expr, holds: bool) -> None:
    if isinstance(left, ast.Name):
        _narrow_name(c, left.id, op, right, holds)
    if isinstance(right, ast.Name) and type(op) in _MIRROR:
        _narrow_name(c, right.id, _MIRROR[type(op)], left, holds)


def _narrow_name(c: JuliaContext, name: str, op: ast.cmpop, other: ast.expr, holds: bool) -> None:
    kind = c.lookup(name)
    if isinstance(other, ast.Constant) and other.value is None:
        present = isinstance(op, ast.IsNot | ast.NotEq) == holds
        if present or kind.name == "opt":
            _set_kind(c, name, k.strip_optional(kind) if present else k.NONE)
        return
    signs = (ast.Gt, ast.GtE) if holds else (ast.LtE, ast.Lt)
    if kind.name != "int" or not isinstance(op, signs):
        return
    bound = c.expr(other).kind
    if bound.name == "int" and bound.low is not None:
        low = bound.low + (1 if isinstance(op, signs[0]) else 0)
        _set_kind(c, name, k.at_least(max(low, kind.low) if kind.low is not None else low))


def translate_choice_parts(c: JuliaContext, test: ast.expr, yes: ast.expr, no: ast.expr) -> tuple[Expr, Expr, Expr]:
    """Translate the parts of ``yes if test else no``."""
    hint = c.take_hint()
    head = condition(c, test)
    with restoring_kinds(c):
        narrow(c, test, holds=True)
        first = c.expr(yes, hint)
    with restoring_kinds(c):
        narrow(c, test, holds=False)
        second = c.expr(no, hint)
    return head, first, second


def write_choice(head: Expr, yes: Expr, no: Expr) -> Expr:
    """Write a conditional expression."""
    text = f"{head.at(CHOICE + 1)} ? {yes.at(CHOICE + 1)} : {no.at(CHOICE)}"
    return Expr(text, CHOICE, jk.join(yes.kind, no.kind))
