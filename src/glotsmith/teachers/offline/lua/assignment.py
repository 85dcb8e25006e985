"""Translate assignments and ``del``."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.context import Context, statement
from glotsmith.teachers.offline.lua.expressions import (
    assign_by_condition,
    lua_index,
    needs_order,
    subscript_with_default,
    watch_key,
)
from glotsmith.teachers.offline.lua.loops import as_list, fill_dict, fill_list, fill_set, unpack
from glotsmith.teachers.offline.lua.operators import binary_operation
from glotsmith.teachers.offline.lua.syntax import PREFIX, LuaExpr
from glotsmith.teachers.offline.lua.truth import condition, truth
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import targets, uses

# ----------------------------------------------------------------------------------------- assignment


@statement(ast.Assign)
def _assign(c: Context, node: ast.Assign) -> None:
    if len(node.targets) > 1:
        value = c.expr(node.value)
        shared = LuaExpr(c.temporary(value), value.prec if value.text == c.temporary(value) else PREFIX, value.kind)
        for target in node.targets:
            assign_to(c, node, target, shared)
        return
    target = node.targets[0]
    if isinstance(target, ast.Tuple | ast.List):
        return _assign_tuple(c, node, target)
    if isinstance(target, ast.Name) and _assign_filled(c, node, target):
        return
    if isinstance(target, ast.Name) and isinstance(node.value, ast.IfExp) and _assign_choice(c, node, target):
        return
    assign_to(c, node, target, _iterator(c, target, node.value, c.expr(node.value)))


_LAZY = frozenset({"map", "filter", "zip", "enumerate", "reversed", "groupby", "islice", "chain", "accumulate"})


def _iterator(c: Context, target: ast.expr, node: ast.expr, value: LuaExpr) -> LuaExpr:
    """Prevent a second use of a value that Python consumes once, if its variable is used more than once."""
    if value.kind.name != "list" or not isinstance(target, ast.Name):
        return value
    called = node.func if isinstance(node, ast.Call) else None
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    if not isinstance(node, ast.GeneratorExp) and (name not in _LAZY or c.owner(name) is not None):
        return value
    if sum(isinstance(use.ctx, ast.Load) for use in uses(c.current_scope.node, target.id)) < 2:
        return value
    return c.call("iter", value, kind=k.iter_of(k.item_of(value.kind)))


def _local(c: Context, node: ast.stmt, name: str) -> str:
    return "local " if (node, name) in c.current_scope.plan.inline else ""


def _assign_filled(c: Context, node: ast.Assign, target: ast.Name) -> bool:
    """Write a comprehension as loops that fill the variable directly, if it does not read the variable."""
    value = node.value
    if not isinstance(value, ast.ListComp | ast.DictComp | ast.SetComp):
        return False
    if any(isinstance(n, ast.Name) and n.id == target.id for n in ast.walk(value)):
        return False
    name = c.variable(target.id)
    empty = "{}"
    if c.ordered and not isinstance(value, ast.ListComp):
        empty = str(c.call("Dict" if isinstance(value, ast.DictComp) else "Set"))
    c.emit(f"{_local(c, node, target.id)}{name} = {empty}")
    if isinstance(value, ast.ListComp):
        result = fill_list(c, value, name)
    elif isinstance(value, ast.DictComp):
        result = fill_dict(c, value, name)
    else:
        result = fill_set(c, value, name)
    c.bind(target.id, result.kind)
    return True


def _assign_choice(c: Context, node: ast.Assign, target: ast.Name) -> bool:
    assert isinstance(node.value, ast.IfExp)
    value = node.value
    (yes, before_yes), (no, before_no) = c.try_expr(value.body), c.try_expr(value.orelse)
    if not before_yes and not before_no and (truth(c, yes) is True or (yes.text, no.text) == ("true", "false")):
        return False
    if any(isinstance(n, ast.Name) and n.id == target.id for n in ast.walk(value.test)) and before_yes + before_no:
        return False
    test = condition(c, value.test)
    if _local(c, node, target.id):
        c.emit(f"local {c.variable(target.id)}")
    assign_by_condition(c, test, value, c.variable(target.id))
    c.bind(target.id, k.join(yes.kind, no.kind))
    return True


def assign_to(c: Context, node: ast.stmt, target: ast.expr, value: LuaExpr) -> None:
    """Write the assignment of one value to one target."""
    match target:
        case ast.Name(id=name):
            text, kind = _created(c, node, name, value)
            c.emit(f"{_local(c, node, name)}{c.variable(name)} = {text}")
            c.bind(name, kind)
        case ast.Subscript():
            _assign_item(c, target, value)
        case ast.Tuple() | ast.List():
            unpack(c, target, value, declare=False)
        case _:
            raise refuse(f"assignment to {ast.unparse(target)}", target)


def _created(c: Context, node: ast.stmt, name: str, value: LuaExpr) -> tuple[str, ValueKind]:
    """Make ``d = {}`` an ordered map if the later contents of the variable require one."""
    if (
        value.kind.name in ("dict", "set")
        and value.new
        and value.kind.args
        and c.joined_kind(name).name == value.kind.name
    ):
        needs_order(c, c.joined_kind(name))
    return value.text, value.kind


def _assign_item(c: Context, target: ast.Subscript, value: LuaExpr) -> None:
    base = c.expr(target.value)
    if value.kind.name in ("none", "opt") and k.strip_optional(base.kind).name in ("list", "dict"):
        raise refuse("storing None in a list or dict", target)
    if isinstance(target.slice, ast.Slice):
        return _assign_slice(c, base, target.slice, value)
    index = c.expr(target.slice)
    c.emit(f"{assignable(c, base, index, target)} = {value}")
    if k.strip_optional(base.kind).name in ("dict", *k.UNKNOWN):
        refine_container(c, target.value, k.dict_of(index.kind, k.without_negative_bound(value.kind)))
    else:
        refine_container(c, target.value, k.list_of(k.without_negative_bound(value.kind)))


def _assign_slice(c: Context, base: LuaExpr, part: ast.Slice, value: LuaExpr) -> None:
    bounds = ["nil" if x is None else str(c.expr(x)) for x in (part.lower, part.upper, part.step)]
    c.emit(f"{c.helper('set_slice')}({base}, {as_list(c, value)}, {', '.join(bounds)})")


def assignable(c: Context, base: LuaExpr, index: LuaExpr, node: ast.AST) -> str:
    """Write ``base[index]`` as the target of an assignment."""
    watch_key(c, index)
    match k.strip_optional(base.kind).name:
        case "list":
            text = base.with_precedence(PREFIX)
            if index.kind.low is None or index.kind.low < 0 or index.kind.name != "int":
                text = c.temporary(text, "items")
            return f"{text}[{lua_index(c, text, index)}]"
        case "dict":
            return f"{base.with_precedence(PREFIX)}[{index}]"
        case "any" | "bot":
            if index.kind.name == "str":
                return f"{base.with_precedence(PREFIX)}[{index}]"
            text = c.temporary(base.with_precedence(PREFIX), "items")
            return f"{text}[{c.helper('slot')}({text}, {index})]"
        case name:
            raise refuse(f"item assignment to a {name}", node)


def refine_container(c: Context, node: ast.expr, kind: ValueKind) -> None:
    """Record that the table of ``node`` may also have values of ``kind``."""
    if isinstance(node, ast.Name):
        old = c.lookup(node.id)
        if old.name in ("opt", *k.UNKNOWN) and old.name != "opt":
            return
        known = k.strip_optional(old)
        c.bind(node.id, k.join(old, ValueKind(kind.name, kind.args, default=known.default, own=known.own)))
    elif isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        with c.capture():
            base, index = c.expr(node.value), c.expr(node.slice)
        outer = k.strip_optional(base.kind).name
        if outer == "dict":
            refine_container(c, node.value, k.dict_of(index.kind, kind))
        elif outer == "list":
            refine_container(c, node.value, k.list_of(kind))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setdefault":
        refine_container(c, node.func.value, k.dict_of(c.try_expr(node.args[0])[0].kind, kind))


def _assign_tuple(c: Context, node: ast.Assign, target: ast.Tuple | ast.List) -> None:
    names = list(targets(target))
    if any(isinstance(t, ast.Starred) for t in target.elts):
        return _assign_starred(c, node, target)
    inline = [n for n in names if (node, n) in c.current_scope.plan.inline]
    plain = len(names) == len(target.elts) and all(isinstance(t, ast.Name) for t in target.elts)
    local = bool(inline) and len(set(inline)) == len(names) and plain
    if inline and not local:
        c.emit(f"local {', '.join(map(c.variable, dict.fromkeys(inline)))}")
    value = node.value
    if isinstance(value, ast.Tuple | ast.List) and _is_parallel(target, value):
        return _assign_parallel(c, target, c.exprs(value.elts), local=local)
    e = c.expr(value)
    if not plain:
        return _assign_parts(c, node, target, e)
    unpack(c, target, e if k.strip_optional(e.kind).name in ("list", "tuple", "str") else as_list(c, e), declare=local)


def _is_parallel(target: ast.Tuple | ast.List, value: ast.Tuple | ast.List) -> bool:
    nested = any(isinstance(t, ast.Tuple | ast.List) for t in target.elts)
    starred = any(isinstance(v, ast.Starred) for v in value.elts)
    return len(value.elts) == len(target.elts) and not nested and not starred


def _assign_parallel(c: Context, target: ast.Tuple | ast.List, values: list[LuaExpr], *, local: bool) -> None:
    places: list[str] = []
    for t in target.elts:
        if isinstance(t, ast.Subscript) and not isinstance(t.slice, ast.Slice):
            places.append(assignable(c, c.expr(t.value), c.expr(t.slice), t))
        elif isinstance(t, ast.Name):
            places.append(c.variable(t.id))
        else:
            raise refuse(f"assignment to {ast.unparse(t)}", t)
    c.emit(f"{'local ' if local else ''}{', '.join(places)} = {', '.join(map(str, values))}")
    for t, value in zip(target.elts, values, strict=True):
        if isinstance(t, ast.Name):
            c.bind(t.id, value.kind)


def _assign_parts(c: Context, node: ast.Assign, target: ast.Tuple | ast.List, e: LuaExpr) -> None:
    table = c.temporary(e, "parts")
    kind = k.strip_optional(e.kind)
    exact = kind.name == "tuple" and len(kind.args) == len(target.elts)
    for i, t in enumerate(target.elts):
        part = kind.args[i] if exact else k.item_of(kind)
        assign_to(c, ast.Pass(), t, LuaExpr(f"{table}[{i + 1}]", kind=part))


def _assign_starred(c: Context, node: ast.Assign, target: ast.Tuple | ast.List) -> None:
    names = list(targets(target))
    if len(names) != len(target.elts):
        raise refuse("a nested starred target", node)
    items = as_list(c, c.expr(node.value))
    table, item = c.temporary(items, "items"), k.item_of(items.kind)
    star = next(i for i, t in enumerate(target.elts) if isinstance(t, ast.Starred))
    after = len(names) - star - 1
    for i, name in enumerate(names):
        where = f"{table}[{i + 1}]" if i < star else f"{table}[#{table} - {len(names) - i - 1}]"
        if i == star:
            where = f"table.move({table}, {star + 1}, #{table}{f' - {after}' if after else ''}, 1, {{}})"
        assign_to(c, node, ast.Name(name, ast.Store()), LuaExpr(where, kind=k.list_of(item) if i == star else item))


@statement(ast.AnnAssign)
def _annotated(c: Context, node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign_to(c, node, node.target, c.expr(node.value))


@statement(ast.AugAssign)
def _augmented(c: Context, node: ast.AugAssign) -> None:
    value = c.expr(node.value)
    if isinstance(node.target, ast.Subscript):
        return _augmented_item(c, node, node.target, value)
    if not isinstance(node.target, ast.Name):
        raise refuse(f"assignment to {ast.unparse(node.target)}", node)
    name = c.variable(node.target.id)
    kind = c.lookup(node.target.id)
    if kind.name == "list" and isinstance(node.op, ast.Add):
        items = as_list(c, value)
        c.emit(f"{c.helper('extend')}({name}, {items})")
        return refine_container(c, node.target, k.list_of(k.item_of(items.kind)))
    if kind.name in ("set", "dict") and isinstance(node.op, ast.BitOr):
        c.emit(f"{c.helper('merge')}({name}, {value})")
        return refine_container(c, node.target, value.kind)
    result = binary_operation(c, node.op, LuaExpr(name, kind=kind), value, node)
    c.emit(f"{name} = {result}")
    c.bind(node.target.id, result.kind)


def _augmented_item(c: Context, node: ast.AugAssign, target: ast.Subscript, value: LuaExpr) -> None:
    if isinstance(target.slice, ast.Slice):
        raise refuse("augmented assignment to a slice", node)
    base, index = c.expr(target.value), c.expr(target.slice)
    base = LuaExpr(c.temporary(base, "items"), kind=base.kind)
    kind = k.item_of(base.kind) if k.strip_optional(base.kind).name != "dict" else k.strip_optional(base.kind).args[1]
    spot = assignable(c, base, index, target)
    held = LuaExpr(spot, kind=kind)
    if k.strip_optional(base.kind).default:
        held = subscript_with_default(c, base, index, k.strip_optional(base.kind))
    if kind.name == "list" and isinstance(node.op, ast.Add):
        items = as_list(c, value)
        c.emit(f"{c.helper('extend')}({spot}, {items})")
        return refine_container(c, target, k.list_of(k.item_of(items.kind)))
    result = binary_operation(c, node.op, held, value, node)
    c.emit(f"{spot} = {result}")
    refine_container(
        c, target.value, k.dict_of(index.kind, result.kind) if base.kind.name == "dict" else k.list_of(result.kind)
    )


@statement(ast.Delete)
def _delete(c: Context, node: ast.Delete) -> None:
    for target in node.targets:
        match target:
            case ast.Name(id=name):
                c.emit(f"{c.variable(name)} = nil")
            case ast.Subscript(slice=ast.Slice() as part):
                base = c.expr(target.value)
                bounds = ["nil" if x is None else str(c.expr(x)) for x in (part.lower, part.upper, part.step)]
                c.emit(f"{c.helper('set_slice')}({base}, {{}}, {', '.join(bounds)})")
            case ast.Subscript():
                base, index = c.expr(target.value), c.expr(target.slice)
                if k.strip_optional(base.kind).name == "list":
                    table = c.temporary(base, "items")
                    c.emit(f"table.remove({table}, {lua_index(c, table, index)})")
                else:
                    c.emit(f"{base.with_precedence(PREFIX)}[{index}] = nil")
            case _:
                raise refuse(f"del {ast.unparse(target)}", node)
