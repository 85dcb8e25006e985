"""Translate the methods of lists, dicts and sets."""

import ast
from collections.abc import Callable

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.assignment import refine
from glotsmith.teachers.offline.julia.calls import check_arguments, method
from glotsmith.teachers.offline.julia.containers import sort_options
from glotsmith.teachers.offline.julia.context import JuliaContext, call
from glotsmith.teachers.offline.julia.iteration import Items, as_vector, iterate
from glotsmith.teachers.offline.julia.subscripts import position_outside
from glotsmith.teachers.offline.julia.syntax import ADD, PREFIX, Expr
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse


def _owner(node: ast.Call) -> ast.expr:
    assert isinstance(node.func, ast.Attribute)
    return node.func.value


def _item(xs: Expr) -> ValueKind:
    return jk.item_of(xs.kind)


@method("list", "append", "appendleft")
def _append(c: JuliaContext, node: ast.Call, xs: Expr) -> Expr:
    check_arguments(node, 1)
    assert isinstance(node.func, ast.Attribute)
    value = c.expr(node.args[0], _item(xs))
    refine(c, _owner(node), k.list_of(jk.stored(value.kind)))
    return call("push!" if node.func.attr == "append" else "pushfirst!", xs, value, kind=k.NONE)


@method("list", "extend")
def _extend(c: JuliaContext, node: ast.Call, xs: Expr) -> Expr:
    check_arguments(node, 1)
    items = iterate(c, node.args[0])
    if items.text.startswith("(") or " for " in items.text or items.pairs:
        made = as_vector(c, node.args[0])
        refine(c, _owner(node), k.list_of(_item(made)))
        return call("append!", xs, made, kind=k.NONE)
    refine(c, _owner(node), k.list_of(jk.stored(items.item)))
    lazy = items.text.startswith(("zip(", "enumerate(", "keys(", "values("))
    return call("append!", xs, f"collect({items.text})" if lazy else items.text, kind=k.NONE)


@method("list", "insert")
def _insert(c: JuliaContext, node: ast.Call, xs: Expr) -> Expr:
    check_arguments(node, 2)
    index, value = c.expr(node.args[0]), c.expr(node.args[1], _item(xs))
    refine(c, _owner(node), k.list_of(jk.stored(value.kind)))
    if index.text == "0":
        return call("pushfirst!", xs, value, kind=k.NONE)
    if (index.kind.low or -1) < 0 and index.kind.low != 0:
        raise refuse("insert at an index that may be negative", node)
    return call("insert!", xs, f"min({position_outside(xs, index)}, length({xs}) + 1)", value, kind=k.NONE)


@method("list", "pop", "popleft")
def _pop(c: JuliaContext, node: ast.Call, xs: Expr) -> Expr:
    check_arguments(node, 1)
    assert isinstance(node.func, ast.Attribute)
    index = c.expr(node.args[0]) if node.args else Expr("0" if node.func.attr == "popleft" else "-1")
    if index.text in ("0", "-1"):
        function = "popfirst!" if index.text == "0" else "pop!"
        if c.catches:
            return call("pop_first" if index.text == "0" else "pop_last", xs, kind=_item(xs))
        return call(function, xs, kind=_item(xs))
    return call("popat!", xs, position_outside(xs, index), kind=_item(xs))


@method("list", "remove")
def _remove(c: JuliaContext, node: ast.Call, xs: Expr) -> Expr:
    check_arguments(node, 1)
    value = c.expr(node.args[0])
    if c.catches:
        return call("deleteat!", xs, f"index_of({xs}, {value}) + 1", kind=k.NONE)
    return call("deleteat!", xs, f"findfirst(==({value}), {xs})", kind=k.NONE)


@method("list", "index")
@method("tuple", "index")
def _index(c: JuliaContext, node: ast.Call, xs: Expr) -> Expr:
    check_arguments(node, 1)
    value = c.expr(node.args[0])
    if c.catches:
        return call("index_of", xs, value, kind=k.NAT)
    return Expr(f"findfirst(==({value}), {xs}) - 1", ADD, k.NAT)


@method("list", "count")
@method("tuple", "count")
def _count(c: JuliaContext, node: ast.Call, xs: Expr) -> Expr:
    check_arguments(node, 1)
    return call("count", f"==({c.expr(node.args[0])})", xs, kind=k.NAT)


@method("list", "sort")
def _sort(c: JuliaContext, node: ast.Call, xs: Expr) -> Expr:
    check_arguments(node, 0, "key", "reverse")
    return call("sort!", xs, *sort_options(c, node, _item(xs)), kind=k.NONE)


def _simple(kind: str, name: str, function: str, result: Callable[[Expr], ValueKind]) -> None:
    """Register a method without arguments that is a function of Base."""

    def maker(c: JuliaContext, node: ast.Call, e: Expr) -> Expr:
        check_arguments(node, 0)
        return call(function, e, kind=result(e), new=True)

    method(kind, name)(maker)


def _same(e: Expr) -> ValueKind:
    return k.strip_optional(e.kind)


def _none(e: Expr) -> ValueKind:
    del e
    return k.NONE


_simple("list", "reverse", "reverse!", _none)
_simple("list", "copy", "copy", _same)
_simple("list", "clear", "empty!", _none)
_simple("dict", "copy", "copy", _same)
_simple("dict", "clear", "empty!", _none)
_simple("set", "copy", "copy", _same)
_simple("set", "clear", "empty!", _none)


@method("set", "pop")
def _pop_item(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 0)
    made = c.once(s, lambda name: f"pop!({name}, only({name}))")  # of several items, Python chooses by their hashes
    return Expr(made.text, made.prec or PREFIX, _item(s))


@method("int", "bit_length")
def _bit_length(c: JuliaContext, node: ast.Call, e: Expr) -> Expr:
    check_arguments(node, 0)
    return Expr(f"ndigits({e}, base = 2)" if (e.kind.low or 0) > 0 else f"bit_length({e})", PREFIX, k.NAT)


@method("float", "is_integer")
def _is_integer(c: JuliaContext, node: ast.Call, e: Expr) -> Expr:
    check_arguments(node, 0)
    return call("isinteger", e, kind=k.BOOL)


# ----------------------------------------------------------------------------------------------- dicts


def _args(d: Expr) -> tuple[ValueKind, ValueKind]:
    key, value = k.strip_optional(d.kind).args
    return key, value


@method("dict", "get")
def _get(c: JuliaContext, node: ast.Call, d: Expr) -> Expr:
    check_arguments(node, 2)
    key, value = c.expr(node.args[0]), _args(d)[1]
    default = c.expr(node.args[1], value) if len(node.args) > 1 else Expr("nothing", kind=k.NONE)
    return call("get", d, key, default, kind=jk.join(value, default.kind))


@method("dict", "items", "keys", "values")
def _view(c: JuliaContext, node: ast.Call, d: Expr) -> Expr:
    made = as_vector(c, node)
    assert isinstance(node.func, ast.Attribute)
    if node.func.attr == "keys":
        return Expr(f"Set(keys({d}))", PREFIX, k.set_of(_item(made)), new=True) if c.order.irrelevant else made
    return made


@method("dict", "setdefault")
def _setdefault(c: JuliaContext, node: ast.Call, d: Expr) -> Expr:
    check_arguments(node, 2)
    key = c.expr(node.args[0])
    default = c.expr(node.args[1], _args(d)[1]) if len(node.args) > 1 else Expr("nothing", kind=k.NONE)
    kind = ValueKind("dict", (jk.stored(key.kind), jk.stored(default.kind)), own=d.kind.own)
    refine(c, _owner(node), kind)
    return call("get!", d, key, default, kind=jk.join(_args(d)[1], default.kind))


@method("dict", "pop")
def _pop_key(c: JuliaContext, node: ast.Call, d: Expr) -> Expr:
    check_arguments(node, 2)
    arguments = c.exprs(node.args)
    return call("pop!", d, *arguments, kind=jk.join_all(_args(d)[1], *(a.kind for a in arguments[1:])))


@method("dict", "update")
def _update(c: JuliaContext, node: ast.Call, d: Expr) -> Expr:
    check_arguments(node, 1)
    other = c.expr(node.args[0], d.kind)
    if k.strip_optional(other.kind).name != "dict":
        raise refuse("update with a value that is not a dict", node)
    refine(c, _owner(node), ValueKind("dict", k.strip_optional(other.kind).args, own=d.kind.own and other.kind.own))
    if c.ordered:
        raise refuse("a merge of dicts whose order matters", node)
    return call("merge!", d, other, kind=k.NONE)


@method("dict", "most_common")
def _most_common(c: JuliaContext, node: ast.Call, d: Expr) -> Expr:
    check_arguments(node, 1)
    c.need_order(d.kind, node)
    pairs = f"sort(collect({d}), by = last, rev = true)"
    part = f"[1:min({c.expr(node.args[0])}, end)]" if node.args else ""
    return Expr(f"[(x, y) for (x, y) in {pairs}{part}]", PREFIX, k.list_of(k.tuple_of(*_args(d))), new=True)


# ------------------------------------------------------------------------------------------------ sets


@method("set", "add")
def _add(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    value = c.expr(node.args[0])
    refine_set(c, node, value.kind)
    return call("push!", s, value, kind=k.NONE)


def refine_set(c: JuliaContext, node: ast.Call, item: ValueKind) -> None:
    """Record that the set of a call of a method holds an ``item``."""
    refine(c, _owner(node), k.set_of(jk.stored(item)))


@method("set", "discard", "remove")
def _discard(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    assert isinstance(node.func, ast.Attribute)
    raises = c.catches and node.func.attr == "remove"
    return call("pop!" if raises else "delete!", s, c.expr(node.args[0]), kind=k.NONE)


@method("set", "update")
def _update_set(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    with c.any_order():
        items = iterate(c, node.args[0])
    refine_set(c, node, items.item)
    return call("union!", s, items.text, kind=k.NONE)


_FUNCTIONS = {
    "union": "union",
    "intersection": "intersect",
    "difference": "setdiff",
    "symmetric_difference": "symdiff",
    "issubset": "issubset",
}


@method("set", *_FUNCTIONS)
def _combined(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    assert isinstance(node.func, ast.Attribute)
    with c.any_order():
        match node.args:
            case [ast.Starred(value=sets)]:
                rows = iterate(c, sets)
                others = [Items(f"{rows.at(PREFIX)}...", jk.item_of(rows.item))]
            case _:
                check_arguments(node, 9)
                others = [iterate(c, a) for a in node.args]
    kind = k.BOOL if node.func.attr == "issubset" else k.set_of(jk.join_all(_item(s), *(o.item for o in others)))
    return call(_FUNCTIONS[node.func.attr], s, *(o.text for o in others), kind=kind, new=True)


@method("set", "issuperset", "isdisjoint")
def _compared(c: JuliaContext, node: ast.Call, s: Expr) -> Expr:
    check_arguments(node, 1)
    assert isinstance(node.func, ast.Attribute)
    with c.any_order():
        other = iterate(c, node.args[0]).text
    if node.func.attr == "issuperset":
        return call("issubset", other, s, kind=k.BOOL)
    return call("isempty", f"intersect({s}, {other})", kind=k.BOOL)
