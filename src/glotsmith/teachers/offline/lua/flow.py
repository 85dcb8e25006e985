"""Translate control flow: branches, loops, functions, exceptions, imports."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.context import Context, statement
from glotsmith.teachers.offline.lua.context import LoopState as LoopState
from glotsmith.teachers.offline.lua.functions import define
from glotsmith.teachers.offline.lua.loops import LoopWriter
from glotsmith.teachers.offline.lua.modules import import_from, import_names
from glotsmith.teachers.offline.lua.syntax import LuaExpr, quote
from glotsmith.teachers.offline.lua.truth import condition, narrow, truth
from glotsmith.teachers.offline.refusals import CannotTranslate, refuse
from glotsmith.teachers.offline.scopes import iteration_order_matters

Env = dict[str, ValueKind] | None


def join_env(*envs: Env) -> Env:
    """Join the known kinds at the ends of several paths."""
    live = [e for e in envs if e is not None]
    if not live:
        return None
    names = {name for env in live for name in env}
    return {name: k.join_all(tuple(env.get(name, k.BOT) for env in live)) for name in names}


@statement(ast.If)
def _if(c: Context, node: ast.If) -> None:
    envs: list[Env] = []
    _arms(c, node, f"if {condition(c, node.test)} then", envs)
    c.emit("end")
    c.current_scope.env = join_env(*envs)


def _arms(c: Context, node: ast.If, head: str, envs: list[Env]) -> None:
    """Write one branch and the branches after it, up to the ``end``."""
    before = c.current_scope.env
    c.emit(head)
    envs.append(_branch(c, node.test, node.body))
    c.current_scope.env = None if before is None else dict(before)
    narrow(c, node.test, holds=False)
    rest = node.orelse
    if len(rest) == 1 and isinstance(rest[0], ast.If) and rest[0] not in c.current_scope.plan.before:
        return _else_if(c, rest[0], envs)
    if rest:
        with c.block("else", ""):
            c.statements(rest)
    envs.append(c.current_scope.env)


def _else_if(c: Context, node: ast.If, envs: list[Env]) -> None:
    with c.capture(deeper=1) as lines:
        test = condition(c, node.test)
    if not lines:
        return _arms(c, node, f"elseif {test} then", envs)
    with c.block("else", ""):
        c.emit_all(lines)
        _arms(c, node, f"if {test} then", envs)
        c.emit("end")


def _branch(c: Context, test: ast.expr, body: list[ast.stmt]) -> Env:
    c.current_scope.env = None if c.current_scope.env is None else dict(c.current_scope.env)
    narrow(c, test, holds=True)
    c.indent += 1
    c.statements(body)
    c.indent -= 1
    return c.current_scope.env


@statement(ast.For)
def _for(c: Context, node: ast.For) -> None:
    leaking = frozenset(c.current_scope.plan.leaking.get(node, ()))
    state, before = _enter(c, node)
    loop = LoopWriter(c, node.target, sensitive=iteration_order_matters(node), leaking=leaking)
    loop.run(node.iter, lambda: _loop_body(c, node, state))
    _leave(c, node, state, before)


@statement(ast.While)
def _while(c: Context, node: ast.While) -> None:
    state, before = _enter(c, node)
    with c.capture(deeper=1) as lines:
        test = condition(c, node.test)
        if lines:
            c.emit(f"if not ({test}) then break end")
    with c.block(f"while {'true' if lines else test} do"):
        c.emit_all(lines)
        narrow(c, node.test, holds=True)
        _loop_body(c, node, state)
    _leave(c, node, state, before)
    if test.text == "true" and not lines and not state.exits:
        c.current_scope.env = None
    elif not state.exits:
        narrow(c, node.test, holds=False)


def _enter(c: Context, node: ast.For | ast.While) -> tuple[LoopState, Env]:
    """Start a loop with the kinds before it, joined with the kinds at the end of its body in the last round."""
    state = LoopState(depth=c.current_scope.catching)
    if node.orelse and any(isinstance(n, ast.Break) for n in ast.walk(node)):
        state.flag = c.fresh("broken")
        c.emit(f"local {state.flag} = false")
    c.current_scope.loops.append(state)
    entry = dict(c.current_scope.env or {})
    for name in entry:
        entry[name] = k.join(entry[name], c.learned_kinds.get((node, "round", name), k.BOT))
    c.current_scope.env = dict(entry)
    return state, entry


def _loop_body(c: Context, node: ast.For | ast.While, state: LoopState) -> None:
    inside = c.current_scope.env
    c.statements(node.body)
    if state.continues:
        c.emit("::continue::")
    c.current_scope.env = join_env(c.current_scope.env, *state.continued)
    for name, kind in (c.current_scope.env or {}).items():
        c.learn((node, "round", name), kind)
    c.current_scope.env = join_env(c.current_scope.env, inside)


def _leave(c: Context, node: ast.For | ast.While, state: LoopState, before: Env) -> None:
    c.current_scope.loops.pop()
    c.current_scope.env = join_env(c.current_scope.env, before, *state.exits)
    if node.orelse:
        if state.flag:
            with c.block(f"if not {state.flag} then"):
                c.statements(node.orelse)
        else:
            c.statements(node.orelse)
            return
        c.current_scope.env = join_env(c.current_scope.env, *state.exits)


@statement(ast.Break)
def _break(c: Context, node: ast.Break) -> None:
    state = c.current_scope.loops[-1]
    state.exits.append(dict(c.current_scope.env or {}))
    if state.flag:
        c.emit(f"{state.flag} = true")
    if state.depth < c.current_scope.catching:
        c.emit('do return "break" end')
    else:
        c.emit("break")
    c.current_scope.env = None


@statement(ast.Continue)
def _continue(c: Context, node: ast.Continue) -> None:
    state = c.current_scope.loops[-1]
    state.continued.append(dict(c.current_scope.env or {}))
    if state.depth < c.current_scope.catching:
        c.emit('do return "continue" end')
    else:
        c.emit("goto continue")
        state.continues = True
    c.current_scope.env = None


@statement(ast.Return)
def _return(c: Context, node: ast.Return) -> None:
    if c.current_scope.is_generator:
        if c.current_scope.catching:
            raise refuse("return in a try of a generator", node)
        c.emit("return")
        c.current_scope.env = None
        return
    value = node.value
    if isinstance(value, ast.IfExp) and not c.current_scope.catching and _return_choice(c, value):
        return
    e = LuaExpr("nil", kind=k.NONE) if value is None else c.expr(value)
    _finish(c, e)


def _return_choice(c: Context, value: ast.IfExp) -> bool:
    """Write ``return a if t else b`` as two returns, if ``t and a or b`` is not equivalent."""
    (yes, lines), (no, more) = c.try_expr(value.body), c.try_expr(value.orelse)
    if not lines and not more and (truth(c, yes) is True or (yes.text, no.text) == ("true", "false")):
        return False
    before = c.current_scope.env
    with c.block(f"if {condition(c, value.test)} then", ""):
        c.current_scope.env = None if before is None else dict(before)
        narrow(c, value.test, holds=True)
        _finish(c, c.expr(value.body))
    c.current_scope.env = None if before is None else dict(before)
    narrow(c, value.test, holds=False)
    with c.block("else"):
        _finish(c, c.expr(value.orelse))
    return True


def _finish(c: Context, e: LuaExpr) -> None:
    c.learn((c.current_scope.node, "returns"), e.kind)
    text = e.text
    if c.current_scope.node is c.entry_node and c.ordered and _may_be_ordered(e.kind):
        text = str(c.call("plain", e))
    if c.current_scope.node is c.entry_node and k.holds(e.kind, "iter"):
        raise refuse("a result that is an iterator", c.current_scope.node)
    if c.current_scope.catching:
        c.emit(f'do return "return", {text} end')
    elif text.startswith("table.unpack(") or (":gsub(" in text and text.endswith(")")):
        c.emit(f"return ({text})")
    else:
        c.emit(f"return {text}")
    c.current_scope.env = None


def _may_be_ordered(kind: ValueKind) -> bool:
    return k.holds(kind, "dict", "set", "any", "bot")


@statement(ast.Expr)
def _expression_statement(c: Context, node: ast.Expr) -> None:
    if isinstance(node.value, ast.Constant):
        return
    if isinstance(node.value, ast.YieldFrom):
        source = node.value.value
        item = ast.Name("item", ast.Load())
        made = c.node_once(
            (node, "loop"),
            lambda: ast.fix_missing_locations(
                ast.copy_location(ast.For(ast.Name("item", ast.Store()), source, [ast.Expr(ast.Yield(item))], []), node)
            ),
        )
        assert isinstance(made, ast.For)
        _yield_all(c, made)
        return
    if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id == "print":
        return
    e = c.expr(node.value)
    if e.text.endswith(")") and not e.text.startswith("(") and e.prec >= 14:
        c.emit(e.text)
    elif e.text != "nil" and not e.text.isidentifier():
        c.emit(f"local _ = {e}")


def _yield_all(c: Context, node: ast.For) -> None:
    from glotsmith.teachers.offline.lua.context import FunctionScope
    from glotsmith.teachers.offline.scopes import DeclarationPlan

    outer = c.current_scope
    c.scope = FunctionScope(
        outer.node, outer, frozenset({"item"}), DeclarationPlan(), immediate=True, is_generator=True
    )
    loop = LoopWriter(c, node.target, sensitive=True)

    def body() -> None:
        c.learn((outer.node, "yields"), c.lookup("item"))
        c.emit("coroutine.yield(item)")

    loop.run(node.iter, body)
    c.scope = outer


@statement(ast.FunctionDef)
def _function(c: Context, node: ast.FunctionDef) -> None:
    define(c, node, local=(node, node.name) in c.current_scope.plan.inline)


@statement(ast.Pass)
def _pass(c: Context, node: ast.Pass) -> None:
    del c, node


@statement(ast.Nonlocal)
def _nonlocal(c: Context, node: ast.Nonlocal) -> None:
    del c, node  # scopes know


@statement(ast.Import)
def _import(c: Context, node: ast.Import) -> None:
    import_names(c, node)


@statement(ast.ImportFrom)
def _import_from(c: Context, node: ast.ImportFrom) -> None:
    import_from(c, node)


@statement(ast.Raise)
def _raise(c: Context, node: ast.Raise) -> None:
    match node.exc:
        case None:
            c.emit(f"error({c.error_variable or quote('RuntimeError')}, 0)")
        case ast.Name(id=name):
            c.emit(f"error({quote(name)})")
        case ast.Call(func=ast.Name(id=name)):
            c.emit(f"error({_message(c, name, node.exc)})")
        case _:
            c.emit(f"error({quote('Error')})")
    c.current_scope.env = None


def _message(c: Context, name: str, call: ast.Call) -> str:
    if len(call.args) == 1:
        argument = call.args[0]
        scope = c.scope
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return quote(f"{name}: {argument.value}")
        try:
            e, lines = c.try_expr(argument)
        except CannotTranslate:  # the text of an error is not part of the result of a function
            c.scope = scope
            return quote(name)
        if not lines and e.kind.name == "str":
            return f"{quote(name + ': ')} .. {e.with_precedence(8)}"
    return quote(name)


@statement(ast.Assert)
def _assert(c: Context, node: ast.Assert) -> None:
    c.emit(f"assert({condition(c, node.test)})")
    narrow(c, node.test, holds=True)


@statement(ast.Try)
def _try(c: Context, node: ast.Try) -> None:
    if c.current_scope.is_generator and any(isinstance(n, ast.Yield) for s in node.body for n in ast.walk(s)):
        raise refuse("yield inside try", node)
    if node.finalbody:
        raise refuse("finally", node)
    before = dict(c.current_scope.env or {})
    ok, action, value = c.fresh("ok"), c.fresh("action"), c.fresh("value")
    with c.capture(deeper=1) as lines:
        c.current_scope.catching += 1
        c.statements(node.body)
        c.current_scope.catching -= 1
    actions = {word for word in ("return", "break", "continue") if any(f'return "{word}"' in line for line in lines)}
    names = f"{ok}, {action}, {value}" if "return" in actions else f"{ok}, {action}"
    with c.block(f"local {names} = pcall(function()", "end)"):
        c.emit_all(lines)
    after = c.current_scope.env
    c.current_scope.env = join_env(before, after) or before
    with c.block(f"if not {ok} then", ""):
        _handlers(c, node, action)
    envs = [c.current_scope.env]
    _actions(c, node, actions, action, value)
    c.current_scope.env = after
    if node.orelse:
        with c.block("else", ""):
            c.statements(node.orelse)
    c.emit("end")
    c.current_scope.env = join_env(*envs, c.current_scope.env)


def _actions(c: Context, node: ast.Try, actions: set[str], action: str, value: str) -> None:
    del node
    outer = c.current_scope.catching
    for word in sorted(actions):
        with c.block(f'elseif {action} == "{word}" then', ""):
            if outer:
                c.emit(f'return "{word}"{f", {value}" if word == "return" else ""}')
            elif word == "return":
                c.emit(f"return {value}")
            elif word == "break":
                if c.current_scope.loops[-1].flag:
                    c.emit(f"{c.current_scope.loops[-1].flag} = true")
                c.emit("break")
            else:
                c.emit("goto continue")
                c.current_scope.loops[-1].continues = True


def _handlers(c: Context, node: ast.Try, error: str) -> None:
    """Write the handlers. An error begins with the name of a Python exception, or is an error of Lua."""
    before = c.current_scope.env
    envs: list[Env] = []
    for i, handler in enumerate(node.handlers):
        c.current_scope.env = None if before is None else dict(before)
        last = i == len(node.handlers) - 1
        if len(node.handlers) > 1:
            test = " or ".join(f'tostring({error}):find("{name}", 1, true)' for name in _names(handler))
            c.emit(("else" if i else "") + (f"if {test} then" if not last or not i else ""))
            c.indent += 1
        outer, c.error_variable = c.error_variable, error
        if handler.name and any(isinstance(n, ast.Name) and n.id == handler.name for n in ast.walk(node)):
            c.bind(handler.name, k.STR)
            c.emit(f"{c.variable(handler.name)} = tostring({error})")
        c.statements(handler.body)
        c.error_variable = outer
        envs.append(c.current_scope.env)
        if len(node.handlers) > 1:
            c.indent -= 1
    if len(node.handlers) > 1:
        c.emit("end")
    c.current_scope.env = join_env(*envs)


def _names(handler: ast.ExceptHandler) -> list[str]:
    match handler.type:
        case ast.Name(id=name):
            return [name]
        case ast.Tuple(elts=elts):
            return [e.id for e in elts if isinstance(e, ast.Name)]
        case _:
            return [""]
