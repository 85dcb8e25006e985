"""Translate method calls: the table of all methods, and the methods of lists, dicts and sets."""

import ast
from collections.abc import Callable

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.assignment import refine_container
from glotsmith.teachers.offline.lua.builtins import check_arguments
from glotsmith.teachers.offline.lua.context import Context
from glotsmith.teachers.offline.lua.expressions import lua_index, watch_key
from glotsmith.teachers.offline.lua.loops import as_list
from glotsmith.teachers.offline.lua.reductions import sort_options
from glotsmith.teachers.offline.lua.syntax import COMPARE, LITERAL, PREFIX, LuaExpr
from glotsmith.teachers.offline.lua.text import format_call
from glotsmith.teachers.offline.refusals import refuse

#: gets the context, the call, the node of the receiver, and the translated receiver
MethodTranslator = Callable[[Context, ast.Call, ast.expr, LuaExpr], LuaExpr]
METHODS: dict[str, dict[str, MethodTranslator]] = {"str": {}, "list": {}, "dict": {}, "set": {}, "int": {}}
_NIL = LuaExpr("nil", LITERAL, k.NONE)


def method(receiver: str, *names: str) -> Callable[[MethodTranslator], MethodTranslator]:
    """Register a method."""

    def register(maker: MethodTranslator) -> MethodTranslator:
        for name in names:
            METHODS[receiver][name] = maker
        return maker

    return register


def call_method(c: Context, node: ast.Call, function: ast.Attribute) -> LuaExpr:
    """Translate ``receiver.name(...)``."""
    if function.attr == "format" and isinstance(function.value, ast.Constant) and isinstance(function.value.value, str):
        return format_call(c, function.value.value, node)
    if isinstance(function.value, ast.Name) and c.owner(function.value.id) is None:
        return _unbound(c, node, function, function.value.id)
    receiver = c.expr(function.value)
    name = k.strip_optional(receiver.kind).name
    receiver_kind = {"tuple": "list"}.get(name, name)
    if receiver_kind in k.UNKNOWN:
        owners = [r for r in METHODS if function.attr in METHODS[r]]
        if not owners:
            raise refuse(f"the method .{function.attr}()", node)
        if len(owners) > 1 and receiver.kind.name == "any" and function.attr in ("index", "count"):
            return c.call(f"{function.attr}_any", receiver, *c.exprs(node.args), kind=k.INT)
        receiver_kind = owners[0]
        shape = {
            "list": k.list_of(k.ANY),
            "dict": k.dict_of(k.ANY, k.ANY),
            "set": k.set_of(k.ANY),
            "str": k.STR,
            "int": k.INT,
        }
        receiver = LuaExpr(receiver.text, receiver.prec, shape[receiver_kind])
    made = METHODS.get(receiver_kind, {}).get(function.attr)
    if made is None:
        raise refuse(f"the method .{function.attr}() of a {name}", node)
    return made(c, node, function.value, receiver)


def _unbound(c: Context, node: ast.Call, function: ast.Attribute, name: str) -> LuaExpr:
    if name == "dict" and function.attr == "fromkeys" and len(node.args) == 2:
        value = c.expr(node.args[1])
        items = as_list(c, c.expr(node.args[0]))
        kind = k.dict_of(k.item_of(items.kind), value.kind)
        if value.text != "nil":
            start = c.call("Dict") if c.ordered else LuaExpr("{}", LITERAL)
            return c.call("from_keys", start, items, value, kind=kind, new=True)
    if name == "dict" and function.attr == "fromkeys" and len(node.args) == 1:
        c.set_flag("ordered")
        items = as_list(c, c.expr(node.args[0]))
        return c.call("set_of", items, kind=k.set_of(k.item_of(items.kind)), new=True)
    if name in METHODS and node.args and function.attr in METHODS[name]:
        bound = ast.copy_location(ast.Call(function, node.args[1:], node.keywords), node)
        return METHODS[name][function.attr](c, bound, node.args[0], c.expr(node.args[0]))
    raise refuse(f"{name}.{function.attr}", node)


# ---------------------------------------------------------------------------------------------- list


def _storable(value: LuaExpr, node: ast.AST) -> ValueKind:
    if value.kind.name in ("none", "opt"):
        raise refuse("a list that may hold None", node)
    return k.without_negative_bound(value.kind)


@method("list", "append")
def _append(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    value = c.expr(node.args[0])
    refine_container(c, owner, k.list_of(_storable(value, node)))
    text = f"({value})" if value.text.startswith("table.unpack(") else value.text
    c.emit(f"table.insert({xs}, {text})")
    return _NIL


@method("list", "extend")
def _extend(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    items = as_list(c, c.expr(node.args[0]))
    refine_container(c, owner, k.list_of(k.item_of(items.kind)))
    c.emit(str(c.call("extend", xs, items)))
    return _NIL


@method("list", "insert")
def _insert(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    check_arguments(node, most=2)
    index, value = c.exprs(node.args)
    refine_container(c, owner, k.list_of(_storable(value, node)))
    if index.text == "0":
        c.emit(f"table.insert({xs}, 1, {value})")
    else:
        c.emit(str(c.call("insert", xs, index, value)))
    return _NIL


@method("list", "pop", "popleft")
def _pop(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    assert isinstance(node.func, ast.Attribute)
    kind = k.item_of(xs.kind)
    name = c.fresh("last")
    table = c.temporary(xs, "items")
    if node.func.attr == "popleft":
        text = f"table.remove({table}, 1)"
    elif not node.args:
        text = f"table.remove({table})"
    else:
        text = f"table.remove({table}, {lua_index(c, table, c.expr(node.args[0]))})"
    c.fresh_names.discard(name)
    return LuaExpr(text, kind=kind)


@method("list", "remove")
def _remove(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    c.emit(str(c.call("remove", xs, c.expr(node.args[0]))))
    return _NIL


@method("list", "index")
def _index(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    check_arguments(node)
    return c.call("index_of", xs, *c.exprs(node.args), kind=k.NAT)


@method("list", "count")
def _count(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    return c.call("count", xs, c.expr(node.args[0]), kind=k.NAT)


@method("list", "reverse")
def _reverse(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    c.emit(str(c.call("reverse_in_place", xs)))
    return _NIL


@method("list", "sort")
def _sort(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    check_arguments(node, "key", "reverse")
    options = sort_options(c, node, k.item_of(xs.kind))
    if not options and k.item_of(xs.kind).name in ("int", "float", "str"):
        c.emit(f"table.sort({xs})")
    else:
        c.emit(str(c.call("sort", xs, *options)))
    return _NIL


@method("list", "copy")
def _copy(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    table = c.temporary(xs, "items")
    return LuaExpr(f"table.move({table}, 1, #{table}, 1, {{}})", kind=xs.kind, new=True)


@method("list", "clear")
def _clear(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    c.emit(str(c.call("clear", xs)))
    return _NIL


@method("list", "appendleft")
def _append_left(c: Context, node: ast.Call, owner: ast.expr, xs: LuaExpr) -> LuaExpr:
    value = c.expr(node.args[0])
    refine_container(c, owner, k.list_of(_storable(value, node)))
    c.emit(f"table.insert({xs}, 1, {value})")
    return _NIL


@method("int", "bit_length")
def _bit_length(c: Context, node: ast.Call, owner: ast.expr, n: LuaExpr) -> LuaExpr:
    return c.call("bit_length", n, kind=k.NAT)


# ---------------------------------------------------------------------------------------------- dict


@method("dict", "get")
def _get(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    check_arguments(node, most=2)
    value_kind = d.kind.args[1] if d.kind.args else k.ANY
    key = c.expr(node.args[0])
    found = f"{d.with_precedence(PREFIX)}[{key}]"
    if len(node.args) == 1:
        return LuaExpr(found, kind=k.optional(value_kind) if value_kind.name != "bot" else k.BOT)
    default = c.expr(node.args[1])
    if default.text == "nil":
        return LuaExpr(found, kind=k.optional(value_kind))
    kind = k.join(value_kind, default.kind)
    if value_kind.name not in ("bool", *k.UNKNOWN) or default.text == "false":
        return LuaExpr(f"({found} or {default.with_precedence(COMPARE)})", kind=kind)
    name = c.fresh("value")
    c.emit(f"local {name} = {found}")
    c.emit(f"if {name} == nil then {name} = {default} end")
    return LuaExpr(name, kind=kind)


@method("dict", "items")
def _items(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    name = "items" if needs_no_sorting(c, d) else "sorted_items"
    return c.call(name, d, kind=k.list_of(k.tuple_of(*d.kind.args)), new=True)


@method("dict", "keys")
def _keys(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    return as_list(c, LuaExpr(d.text, d.prec, k.strip_optional(d.kind)))


@method("dict", "values")
def _values(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    name = "values" if needs_no_sorting(c, d) else "sorted_values"
    return c.call(name, d, kind=k.list_of(d.kind.args[1]), new=True)


def needs_no_sorting(c: Context, d: LuaExpr) -> bool:
    """Return whether ``pairs`` gives the right order: the program made the dict as ordered, or order has no effect."""
    if c.order_is_irrelevant:
        return True
    if k.strip_optional(d.kind).own:
        c.set_flag("ordered")
    return c.ordered and d.kind.own


@method("dict", "setdefault")
def _set_default(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    check_arguments(node, most=2)
    table, key = c.temporary(d, "entries"), c.temporary(c.expr(node.args[0]), "key")
    key_kind = c.try_expr(node.args[0])[0].kind
    with c.block(f"if {table}[{key}] == nil then"):
        default = c.expr(node.args[1])
        c.emit(f"{table}[{key}] = {default}")
    refine_container(c, owner, k.dict_of(key_kind, default.kind))
    return LuaExpr(f"{table}[{key}]", kind=k.join(d.kind.args[1], default.kind))


@method("dict", "pop")
def _dict_pop(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    check_arguments(node, most=2)
    table, key, name = c.temporary(d, "entries"), c.temporary(c.expr(node.args[0]), "key"), c.fresh("value")
    kind = k.strip_optional(d.kind).args[1]
    c.emit(f"local {name} = {table}[{key}]")
    c.emit(f"{table}[{key}] = nil")
    if len(node.args) > 1:
        default = c.expr(node.args[1])
        if default.text != "nil":
            c.emit(f"if {name} == nil then {name} = {default} end")
        kind = k.join(kind, default.kind)
    return LuaExpr(name, kind=kind)


@method("dict", "update")
def _update(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    other = c.expr(node.args[0])
    if other.kind.name != "dict":
        raise refuse("update() with a value that may not be a dict", node)
    c.emit(str(c.call("merge", d, other)))
    refine_container(c, owner, other.kind)
    return _NIL


@method("dict", "copy")
def _dict_copy(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    start = c.call("Dict") if c.ordered else LuaExpr("{}", LITERAL)
    return c.call("merge", start, d, kind=ValueKind("dict", d.kind.args), new=True)


@method("dict", "clear")
@method("set", "clear")
def _clear_entries(c: Context, node: ast.Call, owner: ast.expr, d: LuaExpr) -> LuaExpr:
    c.emit(str(c.call("clear_entries", d)))
    return _NIL


# ----------------------------------------------------------------------------------------------- set


@method("set", "add")
def _add(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    item = c.expr(node.args[0])
    refine_container(c, owner, k.set_of(k.without_negative_bound(item.kind)))
    watch_key(c, item)
    c.emit(f"{s.with_precedence(PREFIX)}[{item}] = true")
    return _NIL


@method("set", "discard", "remove")
def _discard(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    check_arguments(node, most=1)
    c.emit(f"{s.with_precedence(PREFIX)}[{c.expr(node.args[0])}] = nil")
    return _NIL


@method("set", "update")
def _set_update(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    for items in c.exprs(node.args):
        refine_container(c, owner, k.set_of(k.item_of(items.kind)))
        c.emit(str(c.call("add_all", s, as_list(c, items))))
    return _NIL


@method("set", "union", "intersection", "difference", "symmetric_difference")
def _combine(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    if len(node.args) == 1 and isinstance(node.args[0], ast.Starred) and s.text in ("{}", "Set()"):
        rows = as_list(c, c.expr(node.args[0].value))
        kind = k.set_of(k.item_of(k.item_of(rows.kind)))
        return c.call("set_of", c.call("flatten_once", rows), kind=kind, new=True)
    check_arguments(node, most=1)
    assert isinstance(node.func, ast.Attribute)
    if not node.args:
        return c.call("union", s, "{}", kind=s.kind, new=True)
    other = c.expr(node.args[0])
    if other.kind.name != "set":
        items = as_list(c, other)
        other = c.call("set_of", items, kind=k.set_of(k.item_of(items.kind)))
    item = k.join(k.item_of(s.kind), k.item_of(other.kind))
    return c.call(node.func.attr, s, other, kind=k.set_of(item), new=True)


@method("set", "issubset", "issuperset", "isdisjoint")
def _relation(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    assert isinstance(node.func, ast.Attribute)
    other = c.expr(node.args[0])
    if other.kind.name != "set":
        other = c.call("set_of", as_list(c, other))
    if node.func.attr == "isdisjoint":
        return c.call("is_disjoint", s, other, kind=k.BOOL)
    small, large = (s, other) if node.func.attr == "issubset" else (other, s)
    return c.call("is_subset", small, large, kind=k.BOOL)


@method("set", "copy")
def _set_copy(c: Context, node: ast.Call, owner: ast.expr, s: LuaExpr) -> LuaExpr:
    return c.call("union", s, "{}", kind=s.kind, new=True)
