"""Translate control flow: branches, loops, functions, imports."""

import ast
from dataclasses import replace
from functools import partial

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.closures import check_capture, check_defaults
from glotsmith.teachers.offline.julia.context import JuliaContext, KindsByName, OpenLoop, join_env, statement
from glotsmith.teachers.offline.julia.formats import to_text
from glotsmith.teachers.offline.julia.functions import define
from glotsmith.teachers.offline.julia.iteration import (
    Items,
    Wish,
    as_vector,
    bind_target,
    iterate,
    materialised,
    wish_for,
)
from glotsmith.teachers.offline.julia.modules import import_from, import_names
from glotsmith.teachers.offline.julia.order import filled_by, order_matters
from glotsmith.teachers.offline.julia.syntax import MARK, Expr
from glotsmith.teachers.offline.julia.truth import condition, narrow
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.programs import defaults_of, parameters_of
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import targets


@statement(ast.If)
def _if(c: JuliaContext, node: ast.If) -> None:
    envs: list[KindsByName] = []
    _arms(c, node, "if", envs)
    c.emit("end")
    c.here.env = join_env(*envs)


def _arms(c: JuliaContext, node: ast.If, word: str, envs: list[KindsByName]) -> None:
    """Write one branch and the branches after it, up to the ``end``."""
    c.emit(f"{word} {condition(c, node.test)}")
    before = c.here.env
    c.here.env = None if before is None else dict(before)
    narrow(c, node.test, holds=True)
    _indented(c, node.body)
    envs.append(c.here.env)
    c.here.env = None if before is None else dict(before)
    narrow(c, node.test, holds=False)
    rest = node.orelse
    if len(rest) == 1 and isinstance(rest[0], ast.If) and rest[0] not in c.here.plan.before:
        return _arms(c, rest[0], "elseif", envs)
    if rest:
        c.emit("else")
        _indented(c, rest)
    envs.append(c.here.env)


def _indented(c: JuliaContext, body: list[ast.stmt]) -> None:
    c.indent += 1
    c.statements(body)
    c.indent -= 1


@statement(ast.For)
def _for(c: JuliaContext, node: ast.For) -> None:
    state, before = _enter(c, node)
    leaking = c.here.plan.leaking.get(node, set())
    wish = Wish() if leaking else wish_for(c, node.target, [*node.body])
    shifted = set(c.here.shifted)
    with c.any_order(irrelevant=not order_matters(node, c.here.plan, partial(_kind_of, c))) as order:
        items = materialised(iterate(c, node.iter, wish), node.target)
    if leaking or _is_starred(node.target):
        _leaking_loop(c, node, state, items)
    else:
        target = bind_target(c, node.target, items.item, shifted=items.shifted)
        with c.block(f"for {target} in {items.text}"):
            _loop_body(c, node, state)
    c.here.shifted = shifted
    _leave(c, node, state, before)
    if order.lost:
        _lose_order(c, node)


def _lose_order(c: JuliaContext, node: ast.For) -> None:
    """Record that the dicts that a loop fills have another order than in Python."""
    for name in filled_by(node):
        known, owner = k.strip_optional(c.lookup(name)), c.owner(name)
        if owner is None or not k.holds(known, "dict"):
            continue
        parameters = parameters_of(owner.node) if isinstance(owner.node, ast.FunctionDef) else []
        if owner is not c.here or (owner.node is not c.entry and any(p.arg == name for p in parameters)):
            raise refuse("a loop that fills a dict of another function in an unknown order", node)
        c.bind(name, _without_order(known))


def _without_order(kind: ValueKind) -> ValueKind:
    own = kind.own and kind.name != "dict"
    return replace(kind, args=tuple(map(_without_order, kind.args)), own=own)


def _kind_of(c: JuliaContext, node: ast.expr) -> ValueKind:
    """Return the kind of a variable or of a part of it before a loop."""
    match node:
        case ast.Name(id=name):
            known = c.lookup(name)
            return k.INT if known.name == "any" and _starts_as_number(c, name) else known
        case ast.Subscript(value=value):
            whole = k.strip_optional(_kind_of(c, value))
            return whole.args[1] if whole.name == "dict" else jk.item_of(whole)
        case _:
            return k.ANY


def _starts_as_number(c: JuliaContext, name: str) -> bool:
    """Whether a variable is a number in an assignment, so that ``+=`` adds numbers to it."""
    owner = c.owner(name)
    return owner is not None and any(
        isinstance(n, ast.Assign)
        and isinstance(n.value, ast.Constant)
        and isinstance(n.value.value, int | float)
        and any(name in set(targets(t)) for t in n.targets)
        for n in ast.walk(owner.node)
    )


def _is_starred(target: ast.expr) -> bool:
    return any(isinstance(n, ast.Starred | ast.Subscript | ast.Attribute) for n in ast.walk(target))


def _leaking_loop(c: JuliaContext, node: ast.For, state: OpenLoop, items: Items) -> None:
    """Write a loop whose variables are read after it."""
    if isinstance(node.target, ast.Name):
        c.bind(node.target.id, items.item)
        with c.block(f"for outer {c.variable(node.target.id)} in {items.text}"):
            _loop_body(c, node, state)
        return
    from glotsmith.teachers.offline.julia.assignment import assign

    name = c.fresh("item")
    with c.block(f"for {name} in {items.text}"):
        assign(c, node.target, Expr(name, kind=items.item))
        _loop_body(c, node, state)


@statement(ast.While)
def _while(c: JuliaContext, node: ast.While) -> None:
    state, before = _enter(c, node)
    test = condition(c, node.test)
    with c.block(f"while {test}"):
        narrow(c, node.test, holds=True)
        _loop_body(c, node, state)
    _leave(c, node, state, before)
    if test.text == "true" and not state.exits:
        c.here.env = None
    elif not state.exits:
        narrow(c, node.test, holds=False)


def _enter(c: JuliaContext, node: ast.For | ast.While) -> tuple[OpenLoop, KindsByName]:
    """Start a loop with the kinds before it, joined with the kinds at the end of its body in the last round."""
    state = OpenLoop(node)
    if node.orelse and any(isinstance(n, ast.Break) for n in ast.walk(node)):
        state.flag = c.fresh("found")
        c.emit(f"{state.flag} = false")
    c.here.loops.append(state)
    entry = dict(c.here.env or {})
    for name in entry:
        entry[name] = jk.join(entry[name], c.known((node, "round", name)))
    c.here.env = dict(entry)
    return state, entry


def _loop_body(c: JuliaContext, node: ast.For | ast.While, state: OpenLoop) -> None:
    inside = c.here.env
    c.statements(node.body)
    c.here.env = join_env(c.here.env, *state.continued)
    for name, kind in (c.here.env or {}).items():
        c.learn((node, "round", name), kind)
    c.here.env = join_env(c.here.env, inside)


def _leave(c: JuliaContext, node: ast.For | ast.While, state: OpenLoop, before: KindsByName) -> None:
    c.here.loops.pop()
    c.here.env = join_env(c.here.env, before, *state.exits)
    if not node.orelse:
        return
    if not state.flag:
        c.statements(node.orelse)
        return
    with c.block(f"if !{state.flag}"):
        c.statements(node.orelse)
    c.here.env = join_env(c.here.env, *state.exits)


@statement(ast.Break)
def _break(c: JuliaContext, node: ast.Break) -> None:
    state = c.here.loops[-1]
    state.exits.append(dict(c.here.env or {}))
    if state.flag:
        c.emit(f"{state.flag} = true")
    c.emit("break")
    c.here.env = None


@statement(ast.Continue)
def _continue(c: JuliaContext, node: ast.Continue) -> None:
    c.here.loops[-1].continued.append(dict(c.here.env or {}))
    c.emit("continue")
    c.here.env = None


@statement(ast.Return)
def _return(c: JuliaContext, node: ast.Return) -> None:
    if c.here.yields:
        c.emit(f"return {c.here.yields}")
        c.here.env = None
        return
    hint = c.known((c.here.node, "returns"))
    if c.here.node is c.entry and c.signature is not None:
        declared = jk.owned(jk.kind_of_type(c.signature.returns))
        hint = jk.join(hint, declared)
        if isinstance(node.value, ast.Name):
            c.expect(node.value.id, declared)
    e = Expr("nothing", kind=k.NONE) if node.value is None else c.expr(node.value, hint)
    if c.here.node is c.entry and e.kind.name == "function":
        raise refuse("a result that is a function", node)
    c.learn((c.here.node, "returns"), e.kind)
    c.emit(f"return {e}")
    c.here.env = None


@statement(ast.Expr)
def _expression_statement(c: JuliaContext, node: ast.Expr) -> None:
    match node.value:
        case ast.Constant():
            return
        case ast.Yield(value=value):
            e = Expr("nothing", kind=k.NONE) if value is None else c.expr(value, c.known((c.here.node, "yields")))
            c.learn((c.here.node, "yields"), jk.stored(e.kind))
            c.emit(f"push!({c.here.yields}, {e})")
        case ast.YieldFrom(value=value):
            e = as_vector(c, value)
            c.learn((c.here.node, "yields"), jk.item_of(e.kind))
            c.emit(f"append!({c.here.yields}, {e})")
        case ast.Call(func=ast.Name(id="print"), args=arguments, keywords=[]) if c.owner("print") is None:
            parts = [to_text(c, c.expr(a), a).text for a in arguments]
            separator = ', " ", '
            c.emit(f"println({separator.join(parts)})")
        case value:
            e = c.raw(value)
            if e.text != "nothing" and not e.text.lstrip(MARK).isidentifier():
                c.emit(e.text)


@statement(ast.FunctionDef)
def _function(c: JuliaContext, node: ast.FunctionDef) -> None:
    check_capture(c, node)
    check_defaults(c, node, defaults_of(node))
    define(c, node)


@statement(ast.Pass)
def _pass(c: JuliaContext, node: ast.Pass) -> None:
    del c, node


@statement(ast.Nonlocal)
def _nonlocal(c: JuliaContext, node: ast.Nonlocal) -> None:
    del c, node  # scopes know


@statement(ast.Import)
def _import(c: JuliaContext, node: ast.Import) -> None:
    import_names(c, node)


@statement(ast.ImportFrom)
def _import_from(c: JuliaContext, node: ast.ImportFrom) -> None:
    import_from(c, node)


@statement(ast.Assert)
def _assert(c: JuliaContext, node: ast.Assert) -> None:
    c.emit(f"@assert {condition(c, node.test)}")
    narrow(c, node.test, holds=True)


@statement(ast.Delete)
def _delete(c: JuliaContext, node: ast.Delete) -> None:
    from glotsmith.teachers.offline.julia.subscripts import delete

    for target in node.targets:
        if not isinstance(target, ast.Subscript):
            raise refuse("del of a variable", node)
        c.emit(delete(c, target))
