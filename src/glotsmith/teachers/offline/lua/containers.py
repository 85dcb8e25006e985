"""Translate builtins that make containers and iterators: ``list``, ``dict``, ``zip``, ``map``, ``next`` …"""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.builtins import builtin, check_arguments, keyword_value
from glotsmith.teachers.offline.lua.context import Context
from glotsmith.teachers.offline.lua.expressions import needs_order
from glotsmith.teachers.offline.lua.functions import as_lambda
from glotsmith.teachers.offline.lua.loops import as_list, as_unordered_list, fill_list, fill_set, range_head
from glotsmith.teachers.offline.lua.syntax import LITERAL, PREFIX, LuaExpr, is_simple, quote
from glotsmith.teachers.offline.refusals import refuse


@builtin("list")
def _list(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    if not node.args:
        return LuaExpr("{}", LITERAL, k.list_of(k.BOT), new=True)
    e = c.expr(node.args[0])
    items = as_list(c, e)
    kind = k.list_of(k.item_of(items.kind))
    if items.new:
        return LuaExpr(items.text, items.prec, kind, new=True)
    return (
        LuaExpr(f"table.move({items}, 1, #{items.with_precedence(PREFIX)}, 1, {{}})", kind=kind, new=True)
        if is_simple(items.text)
        else c.call("slice", items, kind=kind, new=True)
    )


@builtin("tuple")
def _tuple(c: Context, node: ast.Call) -> LuaExpr:
    made = _list(c, node)
    return LuaExpr("{}", LITERAL, k.tuple_of(), new=True) if not node.args else made


@builtin("set")
@builtin("frozenset")
def _set(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    if not node.args:
        return (
            LuaExpr("{}", LITERAL, k.set_of(k.BOT), new=True)
            if not c.ordered
            else c.call("Set", kind=k.set_of(k.BOT), new=True)
        )
    source = node.args[0]
    if isinstance(source, ast.GeneratorExp | ast.ListComp):
        return fill_set(c, source)
    items = as_unordered_list(c, source)
    kind = k.set_of(k.item_of(items.kind))
    needs_order(c, kind)
    return c.call("set_of", items, kind=kind, new=True)


@builtin("dict")
def _dict(c: Context, node: ast.Call) -> LuaExpr:
    start = c.call("Dict") if c.ordered else LuaExpr("{}", LITERAL)
    if not node.args and not node.keywords:
        return LuaExpr(start.text, start.prec, k.dict_of(k.BOT, k.BOT), new=True)
    if node.keywords:
        values = [c.expr(kw.value) for kw in node.keywords]
        if node.args or c.ordered or any(kw.arg is None for kw in node.keywords):
            raise refuse("dict() with keywords", node)
        text = ", ".join(f"[{quote(kw.arg or '')}] = {v}" for kw, v in zip(node.keywords, values, strict=True))
        return LuaExpr(f"{{{text}}}", LITERAL, k.dict_of(k.STR, k.join_all(tuple(v.kind for v in values))), new=True)
    e = c.expr(node.args[0])
    if e.kind.name == "dict":
        return c.call("merge", start, e, kind=ValueKind("dict", e.kind.args), new=True)
    pairs = as_list(c, e)
    pair = k.item_of(pairs.kind)
    kind = (
        k.dict_of(*pair.args)
        if pair.name == "tuple" and len(pair.args) == 2
        else k.dict_of(k.item_of(pair), k.item_of(pair))
    )
    needs_order(c, kind)
    return c.call("dict_of", pairs, kind=kind, new=True)


@builtin("range")
def _range(c: Context, node: ast.Call) -> LuaExpr:
    head, kind = range_head(c, node)
    return c.call("range", head, kind=k.list_of(kind), new=True)


@builtin("enumerate")
def _enumerate(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "start", most=2)
    items = as_list(c, c.expr(node.args[0]))
    start = node.args[1] if len(node.args) > 1 else keyword_value(node, "start")
    extra = [] if start is None else [c.expr(start)]
    return c.call("enumerate", items, *extra, kind=k.list_of(k.tuple_of(k.NAT, k.item_of(items.kind))), new=True)


@builtin("zip")
def _zip(c: Context, node: ast.Call) -> LuaExpr:
    if any(kw.arg != "strict" for kw in node.keywords):
        raise refuse("zip() with keywords", node)
    if len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
        rows = as_list(c, c.expr(node.args[0].value))
        return c.call(
            "zip", f"table.unpack({rows})", kind=k.list_of(k.list_of(k.item_of(k.item_of(rows.kind)))), new=True
        )
    items = [as_list(c, e) for e in c.exprs(node.args)]
    return c.call("zip", *items, kind=k.list_of(k.tuple_of(*(k.item_of(i.kind) for i in items))), new=True)


@builtin("reversed")
def _reversed(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    items = as_list(c, c.expr(node.args[0]))
    return c.call("reversed", items, kind=k.list_of(k.item_of(items.kind)), new=True)


def _mapped(c: Context, node: ast.Call, *, filtering: bool) -> LuaExpr:
    """Write ``map(f, xs)`` or ``filter(f, xs)`` as the equivalent comprehension."""
    check_arguments(node)
    function, sources = node.args[0], node.args[1:]

    def make() -> ast.AST:
        made = as_lambda(c, function, len(sources))
        if filtering and isinstance(function, ast.Constant):
            name, test = ast.Name("x", ast.Store()), ast.Name("x", ast.Load())
            return _comprehension(node, [name], test, test, sources, filtering)
        names: list[ast.expr]
        if made is None:
            names = [ast.Name(f"x{i or ''}", ast.Store()) for i in range(len(sources))]
            values: list[ast.expr] = [ast.Name(f"x{i or ''}", ast.Load()) for i in range(len(sources))]
            applied: ast.expr = ast.Call(function, values, [])
        else:
            names = [ast.Name(p.arg, ast.Store()) for p in made.args.args]
            applied = made.body
        item = ast.Name(names[0].id, ast.Load()) if isinstance(names[0], ast.Name) else names[0]
        return _comprehension(node, names, item, applied, sources, filtering)

    made = c.node_once((node, "comprehension"), make)
    assert isinstance(made, ast.ListComp)
    return fill_list(c, made)


def _comprehension(
    node: ast.AST, names: list[ast.expr], item: ast.expr, applied: ast.expr, sources: list[ast.expr], filtering: bool
) -> ast.AST:
    target = names[0] if len(sources) == 1 else ast.Tuple(names, ast.Store())
    source = sources[0] if len(sources) == 1 else ast.Call(ast.Name("zip", ast.Load()), sources, [])
    generator = ast.comprehension(target, source, [applied] if filtering else [], 0)
    made = ast.ListComp(item if filtering else applied, [generator])
    return ast.fix_missing_locations(ast.copy_location(made, node))


@builtin("map")
def _map(c: Context, node: ast.Call) -> LuaExpr:
    return _mapped(c, node, filtering=False)


@builtin("filter")
def _filter(c: Context, node: ast.Call) -> LuaExpr:
    return _mapped(c, node, filtering=True)


@builtin("iter")
def _iter(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    e = c.expr(node.args[0])
    if e.kind.name == "iter":
        return e
    items = as_list(c, e)
    return c.call("iter", items, kind=k.iter_of(k.item_of(items.kind)))


@builtin("next")
def _next(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=2)
    source = node.args[0]
    e = c.expr(source)
    item = k.item_of(e.kind)
    if isinstance(source, ast.GeneratorExp) or (e.new and e.kind.name == "list"):
        value = LuaExpr(f"{e}[1]", kind=item)
    elif e.kind.name == "iter":
        value = LuaExpr(f"{e.with_precedence(PREFIX)}()", kind=item)
    else:
        raise refuse("next() of a value that may not be an iterator", node)
    if len(node.args) == 1:
        if c.current_scope.catching:
            return c.call("present", value, kind=item)
        return value
    default = c.expr(node.args[1])
    if default.text == "nil":
        return LuaExpr(value.text, kind=k.optional(item))
    name = c.fresh("value")
    c.emit(f"local {name} = {value}")
    c.emit(f"if {name} == nil then {name} = {default} end")
    return LuaExpr(name, kind=k.join(item, default.kind))
