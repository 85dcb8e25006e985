"""Translate definitions, lambdas, calls of functions of the program, and functions that are passed as values."""

import ast
import re
from collections.abc import Sequence

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.context import JuliaContext, Scope
from glotsmith.teachers.offline.julia.declarations import plan_locals, reassigned_names
from glotsmith.teachers.offline.julia.syntax import ASSIGN, CHOICE, MARK, PREFIX, Expr
from glotsmith.teachers.offline.julia.truth import restoring_kinds
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.programs import defaults_of, parameters_of
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import bound_names, own_nodes

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
    if any(isinstance(n, ast.YieldFrom | ast.Yield) for n in own_nodes(node)):
        _check_generator(node)


def _check_generator(node: ast.FunctionDef) -> None:
    for loop in own_nodes(node):
        if isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant):
            raise refuse("a generator without an end", loop)


def define(c: JuliaContext, node: ast.FunctionDef) -> None:
    """Write a function."""
    _check(node)
    params = parameters_of(node)
    given = {p.arg for p in params} | ({node.args.vararg.arg} if node.args.vararg else set[str]())
    assigned = bound_names(node) - given
    outer = c.here
    yields = c.fresh("result") if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in own_nodes(node)) else ""
    functions = {n.name: n for n in own_nodes(node) if isinstance(n, ast.FunctionDef)}
    plan = plan_locals(node, assigned)
    head = _head(c, node)
    c.scope = Scope(node, outer, frozenset(assigned | given), plan, functions=functions, yields=yields)
    c.here.reassigned = reassigned_names(node)
    with c.block(head):
        _bind_parameters(c, node)
        _declare_shadowing(c, assigned, outer)
        if yields:
            item = jk.item_type(c.known((node, "yields")), ordered=c.ordered)
            c.emit(f"{yields} = {item}[]")
        c.statements(node.body)
        _end(c, node)
    c.scope = outer


def _declare_shadowing(c: JuliaContext, assigned: set[str], outer: Scope) -> None:
    """Declare the variables of a nested function that have the name of a variable around it."""
    around: set[str] = set()
    scope: Scope | None = outer
    while scope is not None and not isinstance(scope.node, ast.Module):
        around |= scope.names
        scope = scope.parent
    if assigned & around:
        c.emit(f"local {', '.join(map(c.variable, sorted(assigned & around)))}")


def _end(c: JuliaContext, node: ast.FunctionDef) -> None:
    if c.here.yields:
        c.learn((node, "returns"), k.list_of(c.known((node, "yields"))))
        if c.here.env is not None:
            c.emit(f"return {c.here.yields}")
    elif c.here.env is not None:
        c.learn((node, "returns"), k.NONE)
        c.emit("return nothing")


def _head(c: JuliaContext, node: ast.FunctionDef) -> str:
    """Write the first line of a function; the entry function has the types of the signature."""
    typed = c.signature.parameters if c.signature is not None and node is c.entry and c.typed else ()
    defaults = defaults_of(node)
    optional = {p.arg for p in parameters_of(node)[c.known_arguments(node) :]}
    parts: list[str] = []
    for i, parameter in enumerate(parameters_of(node)):
        text = c.variable(parameter.arg)
        if i < len(typed):
            text += f"::{jk.julia_type(jk.kind_of_type(typed[i].type))}"
        if parameter.arg in defaults and (i >= len(typed) or parameter.arg in optional):
            text += f" = {c.expr(defaults[parameter.arg], c.known((node, parameter.arg))).at(ASSIGN)}"
        parts.append(text)
    if node.args.vararg:
        parts.append(f"{c.variable(node.args.vararg.arg)}...")
    returns = ""
    if c.signature is not None and node is c.entry and c.typed:
        returns = f"::{jk.julia_type(jk.kind_of_type(c.signature.returns))}"
    return f"function {c.variable(node.name)}({', '.join(parts)}){returns}"


def _bind_parameters(c: JuliaContext, node: ast.FunctionDef) -> None:
    params = parameters_of(node)
    defaults = defaults_of(node)
    for i, parameter in enumerate(params):
        kind = c.known((node, i))
        if parameter.arg in defaults:
            kind = jk.join(kind, c.expr(defaults[parameter.arg]).kind)
        c.bind(parameter.arg, kind)
    if node.args.vararg:
        c.bind(node.args.vararg.arg, jk.vartuple_of(c.known((node, len(params)))))


def lambda_text(c: JuliaContext, node: ast.Lambda, kinds: Sequence[ValueKind]) -> Expr:
    """Write a lambda whose parameters have these kinds."""
    if node.args.vararg or node.args.kwarg or node.args.kwonlyargs or node.args.defaults:
        raise refuse("a lambda with defaults or * parameters", node)
    params = parameters_of(node)
    outer = c.scope
    c.scope = Scope(node, outer, frozenset(p.arg for p in params), immediate=True)
    with restoring_kinds(c):
        for parameter, kind in zip(params, [*kinds, *[k.ANY] * len(params)], strict=False):
            c.learned_kinds.pop((node, parameter.arg), None)
            c.here.env = {**(c.here.env or {}), parameter.arg: kind}
        result = c.expr(node.body)
    c.scope = outer
    names = ", ".join(c.variable(p.arg) for p in params)
    head = names if len(params) == 1 else f"({names})"
    direct = re.fullmatch(rf"([^\W\d]\w*)\({re.escape(names)}\)", result.text)
    text = direct[1] if direct and MARK not in direct[1] else f"{head} -> {result.at(CHOICE)}"
    return Expr(text, PREFIX if direct else ASSIGN, ValueKind("function", (result.kind,)))


def as_lambda(c: JuliaContext, node: ast.expr, arity: int) -> ast.Lambda | None:
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


def _applied(c: JuliaContext, node: ast.expr, values: list[ast.expr]) -> ast.expr | None:
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


def function_value(c: JuliaContext, node: ast.expr, kinds: Sequence[ValueKind]) -> Expr:
    """Translate an expression whose value is a function that is called with ``kinds``."""
    made = as_lambda(c, node, len(kinds) or 1)
    if made is not None:
        return lambda_text(c, made, kinds)
    if isinstance(node, ast.Name):
        definition = c.find_function(node.id)
        if definition is not None:
            for i, kind in enumerate(kinds or [k.ANY] * len(parameters_of(definition))):
                c.learn((definition, i), kind)
            return Expr(c.variable(node.id), kind=ValueKind("function", (c.known((definition, "returns")),)))
    return c.expr(node)


def call_program_function(c: JuliaContext, node: ast.Call, definition: ast.FunctionDef) -> Expr:
    """Call a function of the program."""
    params = parameters_of(definition)
    plain = len(definition.args.posonlyargs) + len(definition.args.args)
    slots: dict[int, str] = {}
    for i, argument in enumerate(node.args):
        slots[i] = _argument(c, argument, definition, i, plain)
    for keyword in node.keywords:
        index = next((i for i, p in enumerate(params) if p.arg == keyword.arg), None)
        if index is None:
            raise refuse(f"the keyword argument {keyword.arg or '**'}", node)
        slots[index] = _argument(c, keyword.value, definition, index, plain)
    for i in range(max(slots, default=-1)):
        if i not in slots and not any(isinstance(a, ast.Starred) for a in node.args):
            slots[i] = _default(c, definition, i, node)
    if definition is c.entry:
        c.omit_arguments(len(slots))
    texts = [slots[i] for i in sorted(slots)]
    return Expr(f"{c.variable(definition.name)}({', '.join(texts)})", kind=c.known((definition, "returns")))


def _default(c: JuliaContext, definition: ast.FunctionDef, index: int, node: ast.Call) -> str:
    default = defaults_of(definition).get(parameters_of(definition)[index].arg)
    if not isinstance(default, ast.Constant):
        raise refuse("a call that omits an argument before another", node)
    e = c.expr(default)
    c.learn((definition, index), e.kind)
    return e.text


def _argument(c: JuliaContext, node: ast.expr, definition: ast.FunctionDef, index: int, plain: int) -> str:
    params = parameters_of(definition)
    if isinstance(node, ast.Starred):
        vector = c.expr(node.value)
        for i in range(index, len(params) + 1):
            c.learn((definition, i), jk.item_of(vector.kind))
        return f"{vector.at(PREFIX)}..."
    slot = len(params) if definition.args.vararg and index >= plain else index
    hint = c.known((definition, params[slot].arg)) if slot < len(params) else k.BOT
    value = (
        function_value(c, node, [k.ANY] * len(node.args.args)) if isinstance(node, ast.Lambda) else c.expr(node, hint)
    )
    c.learn((definition, slot), value.kind)
    return _converted(c, value, slot) if definition is c.entry else value.at(CHOICE)


def _converted(c: JuliaContext, value: Expr, slot: int) -> str:
    """Write an argument of the entry function, whose parameters have types."""
    known = c.signature.parameters if c.signature is not None else ()
    if slot >= len(known):
        return value.at(CHOICE)
    kind = jk.kind_of_type(known[slot].type)
    wanted = jk.julia_type(kind)
    if wanted == "String" and not value.text.startswith('"') and " * " not in value.text:
        return f"String({value})"
    if (
        wanted == "Any"
        or (wanted == jk.julia_type(value.kind) and "Any" not in wanted)
        or (value.kind.name, wanted) == ("none", "Nothing")
    ):
        return value.at(CHOICE)
    if kind.name not in (value.kind.name, "opt", "float"):
        c.set_flag("untyped")
        return value.at(CHOICE)
    return f"convert({wanted}, {value})"


def call_value(c: JuliaContext, node: ast.Call) -> Expr:
    """Call a function that is a value: a parameter, a variable, the result of an expression."""
    if node.keywords:
        raise refuse("keyword arguments for a function that is not known", node)
    function = c.expr(node.func)
    parts = [
        f"{c.expr(a.value).at(PREFIX)}..." if isinstance(a, ast.Starred) else c.expr(a).at(CHOICE) for a in node.args
    ]
    returns = function.kind.args[0] if function.kind.name == "function" else k.ANY
    return Expr(f"{function.at(PREFIX)}({', '.join(parts)})", kind=returns)
