"""Translate definitions, lambdas, calls of functions of the program, and functions that are passed as values."""

import ast
from collections.abc import Sequence

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.context import Context, FunctionScope
from glotsmith.teachers.offline.lua.syntax import LITERAL, PREFIX, LuaExpr
from glotsmith.teachers.offline.programs import defaults_of, parameters_of
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import DeclarationPlan, bound_names, own_nodes, plan_declarations

_CACHES = {"cache", "lru_cache", "functools.cache", "functools.lru_cache", "staticmethod"}


def _check(node: ast.FunctionDef) -> None:
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(target) not in _CACHES:
            raise refuse(f"the decorator @{ast.unparse(target)}", node)
    if node.args.kwarg:
        raise refuse("**kwargs", node)
    if node.args.vararg and node.args.kwonlyargs:
        raise refuse("keyword-only parameters after *args", node)


def define(c: Context, node: ast.FunctionDef, *, local: bool) -> None:
    """Write a function."""
    _check(node)
    names = [c.variable(p.arg) for p in parameters_of(node)] + (["..."] if node.args.vararg else [])
    with c.block(f"{'local ' if local else ''}function {c.variable(node.name)}({', '.join(names)})"):
        _body(c, node)


def _body(c: Context, node: ast.FunctionDef) -> None:
    params = parameters_of(node)
    given = {p.arg for p in params} | ({node.args.vararg.arg} if node.args.vararg else set[str]())
    assigned = bound_names(node) - given
    outer = c.scope
    generator = any(isinstance(n, ast.Yield | ast.YieldFrom) for n in own_nodes(node))
    plan = plan_declarations(node, assigned)
    functions = {n.name: n for n in own_nodes(node) if isinstance(n, ast.FunctionDef)}
    c.scope = FunctionScope(node, outer, frozenset(assigned | given), plan, is_generator=generator, functions=functions)
    for i, parameter in enumerate(params):
        c.bind(parameter.arg, c.learned_kinds.get((node, i), k.BOT))
    if node.args.vararg:
        c.bind(node.args.vararg.arg, k.list_of(c.learned_kinds.get((node, len(params)), k.BOT)))
        c.emit(f"local {c.variable(node.args.vararg.arg)} = {{...}}")
    _write_defaults(c, node, params)
    if generator:
        with c.block("return coroutine.wrap(function()", "end)"):
            c.statements(node.body)
        c.learn((node, "returns"), k.iter_of(c.learned_kinds.get((node, "yields"), k.BOT)))
    else:
        c.statements(node.body)
        if c.current_scope.env is not None:
            c.learn((node, "returns"), k.NONE)
    c.scope = outer


def _write_defaults(c: Context, node: ast.FunctionDef, params: list[ast.arg]) -> None:
    defaults = defaults_of(node)
    for i, parameter in enumerate(params):
        if parameter.arg not in defaults:
            continue
        value = c.expr(defaults[parameter.arg])
        name = c.variable(parameter.arg)
        known = c.learned_kinds.get((node, i), k.BOT)
        if value.text != "nil":
            with c.block(f"if {name} == nil then"):
                c.emit(f"{name} = {value}")
            known = k.BOT if known.name == "none" else k.strip_optional(known)
        c.bind(parameter.arg, k.join(known, value.kind))


def lambda_text(c: Context, node: ast.Lambda, kinds: Sequence[ValueKind]) -> LuaExpr:
    """Write a lambda whose parameters have these kinds."""
    if node.args.vararg or node.args.kwarg or node.args.kwonlyargs:
        raise refuse("a lambda with * parameters", node)
    params = parameters_of(node)
    outer = c.scope
    c.scope = FunctionScope(node, outer, frozenset(p.arg for p in params), DeclarationPlan(), immediate=True)
    for parameter, kind in zip(params, [*kinds, *[k.ANY] * len(params)], strict=False):
        c.learned_kinds.pop((node, parameter.arg), None)
        c.scope.env = {**(c.scope.env or {}), parameter.arg: kind}
    with c.capture(deeper=1) as lines:
        for parameter, default in defaults_of(node).items():
            c.emit(f"if {c.variable(parameter)} == nil then {c.variable(parameter)} = {c.expr(default)} end")
        result = c.expr(node.body)
        c.emit(f"return {result}")
    c.scope = outer
    head = f"function({', '.join(c.variable(p.arg) for p in params)})"
    text = "\n".join([head, *lines, "  " * c.indent + "end"])
    if len(lines) == 1:
        text = f"{head} {lines[0].strip()} end"
    return LuaExpr(text, LITERAL, ValueKind("function", (result.kind,)))


def as_lambda(c: Context, node: ast.expr, arity: int) -> ast.Lambda | None:
    """Return a lambda that is equivalent to ``node``, if it is a builtin or a method that is passed as a value."""
    if isinstance(node, ast.Lambda):
        return node
    names = [f"x{i or ''}" for i in range(arity)]
    values: list[ast.expr] = [ast.Name(n, ast.Load()) for n in names]

    def make() -> ast.AST:
        call = _applied(c, node, values)
        if call is None:
            return node
        arguments = ast.arguments([], [ast.arg(n) for n in names], None, [], [], None, [])
        return ast.fix_missing_locations(ast.copy_location(ast.Lambda(arguments, call), node))

    made = c.node_once((node, "lambda", arity), make)
    return made if isinstance(made, ast.Lambda) else None


def _applied(c: Context, node: ast.expr, values: list[ast.expr]) -> ast.expr | None:
    match node:
        case ast.Name(id=name) if c.owner(name) is None:
            return ast.Call(ast.Name(name, ast.Load()), list(values), [])
        case ast.Attribute(value=ast.Name(id="str" | "list" | "dict" | "set"), attr=method):
            return ast.Call(ast.Attribute(values[0], method, ast.Load()), list(values[1:]), [])
        case ast.Attribute():
            return ast.Call(node, list(values), [])
        case ast.Call(func=ast.Name(id="itemgetter") | ast.Attribute(attr="itemgetter"), args=[index]):
            return ast.Subscript(values[0], index, ast.Load())
        case _:
            return None


def function_value(c: Context, node: ast.expr, kinds: Sequence[ValueKind]) -> LuaExpr:
    """Translate an expression whose value is a function that is called with ``kinds``."""
    if isinstance(node, ast.Constant) and node.value is None:
        return LuaExpr("nil", LITERAL, k.NONE)
    made = as_lambda(c, node, len(kinds))
    if made is not None:
        return lambda_text(c, made, kinds)
    if isinstance(node, ast.Name):
        definition = c.find_function(node.id)
        if definition is not None:
            for i, kind in enumerate(kinds):
                c.learn((definition, i), kind)
            return LuaExpr(
                c.variable(node.id), kind=ValueKind("function", (c.learned_kinds.get((definition, "returns"), k.BOT),))
            )
    return c.expr(node)


def call_program_function(c: Context, node: ast.Call, definition: ast.FunctionDef) -> LuaExpr:
    """Call a function of the program."""
    params = parameters_of(definition)
    plain = len(definition.args.posonlyargs) + len(definition.args.args)
    slots: dict[int, LuaExpr] = {}
    for i, argument in enumerate(node.args):
        slots[i] = _argument(c, argument, definition, i, plain)
    for keyword in node.keywords:
        index = next((i for i, p in enumerate(params) if p.arg == keyword.arg), None)
        if index is None:
            raise refuse(f"the keyword argument {keyword.arg or '**'}", node)
        slots[index] = _argument(c, keyword.value, definition, index, plain)
    if len(node.args) < len(slots) and definition.args.vararg:
        raise refuse("keywords and *args together", node)
    if any(s.text.startswith("table.unpack(") for i, s in slots.items() if i != max(slots)):
        raise refuse("a starred argument before another", node)
    texts = [str(slots.get(i, "nil")) for i in range(max(slots, default=-1) + 1)]
    returns = c.learned_kinds.get((definition, "returns"), k.BOT)
    return LuaExpr(f"{c.variable(definition.name)}({', '.join(texts)})", kind=returns)


def _argument(c: Context, node: ast.expr, definition: ast.FunctionDef, index: int, plain: int) -> LuaExpr:
    params = parameters_of(definition)
    if isinstance(node, ast.Starred):
        table = c.expr(node.value)
        for i in range(index, len(params) + 1):
            c.learn((definition, i), k.item_of(table.kind))
        return LuaExpr(f"table.unpack({table})", kind=k.item_of(table.kind))
    slot = len(params) if definition.args.vararg and index >= plain else index
    value = (
        function_value(c, node, [k.ANY]) if isinstance(node, ast.Lambda) and len(node.args.args) == 1 else c.expr(node)
    )
    c.learn((definition, slot), value.kind)
    return value


def call_value(c: Context, node: ast.Call) -> LuaExpr:
    """Call a function that is a value: a parameter, a variable, the result of an expression."""
    if node.keywords:
        raise refuse("keyword arguments for a function that is not known", node)
    function = c.expr(node.func)
    parts: list[str] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            parts.append(f"table.unpack({c.expr(argument.value)})")
        else:
            parts.append(str(c.expr(argument)))
    if any(p.startswith("table.unpack(") for p in parts[:-1]):
        raise refuse("a starred argument before another", node)
    returns = function.kind.args[0] if function.kind.name == "function" else k.ANY
    return LuaExpr(f"{function.with_precedence(PREFIX)}({', '.join(parts)})", kind=returns)
