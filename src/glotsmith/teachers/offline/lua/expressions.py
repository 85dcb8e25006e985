"""Translate names, literals, containers, subscripts, conditional expressions, lambdas and f-strings."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.context import Context, expression
from glotsmith.teachers.offline.lua.functions import as_lambda, lambda_text
from glotsmith.teachers.offline.lua.modules import constant
from glotsmith.teachers.offline.lua.syntax import (
    ADD,
    AND,
    COMPARE,
    CONCAT,
    LITERAL,
    OR,
    PREFIX,
    RESERVED,
    LuaExpr,
    number,
    plus,
    quote,
)
from glotsmith.teachers.offline.lua.text import format_value, to_text
from glotsmith.teachers.offline.lua.truth import condition, truth
from glotsmith.teachers.offline.refusals import refuse


@expression(ast.Constant)
def _constant(c: Context, node: ast.Constant) -> LuaExpr:
    match node.value:
        case None:
            return LuaExpr("nil", LITERAL, k.NONE)
        case bool() as value:
            return LuaExpr("true" if value else "false", LITERAL, k.BOOL)
        case int() as value:
            return LuaExpr(number(value), LITERAL, k.at_least(value))
        case float() as value:
            return LuaExpr(number(value), LITERAL, k.FLOAT)
        case str() as value:
            return LuaExpr(quote(value), LITERAL, k.STR)
        case _:
            raise refuse(f"the literal {ast.unparse(node)}", node)


_VALUES = "abs bool chr float int len max min ord repr round sorted str sum"
_FUNCTIONS = frozenset(_VALUES.split())  # builtins that may be passed as values


@expression(ast.Name)
def _name(c: Context, node: ast.Name) -> LuaExpr:
    owner = c.owner(node.id)
    if owner is None:
        made = as_lambda(c, node, 1) if node.id in _FUNCTIONS else None
        if made is not None:
            return lambda_text(c, made, [k.ANY])
        if node.id in c.imported:
            return constant(c, *c.imported[node.id], node)
        raise refuse(f"the name {node.id} used as a value", node)
    if node.id in owner.functions:
        function = owner.functions[node.id]
        for i in range(len(function.args.args)):
            c.learn((function, i), k.ANY)
        return LuaExpr(
            c.variable(node.id), kind=ValueKind("function", (c.learned_kinds.get((function, "returns"), k.ANY),))
        )
    return LuaExpr(c.variable(node.id), kind=c.lookup(node.id))


@expression(ast.Attribute)
def _attribute(c: Context, node: ast.Attribute) -> LuaExpr:
    if isinstance(node.value, ast.Name) and c.owner(node.value.id) is None and node.value.id in c.modules:
        return constant(c, c.modules[node.value.id], node.attr, node)
    raise refuse(f"the attribute .{node.attr}", node)


def items_text(c: Context, nodes: list[ast.expr]) -> tuple[str, ValueKind]:
    """Return the items of a list, and the kind that includes the kinds of all items."""
    parts = c.exprs(nodes)
    if any(part.kind.name in ("none", "opt") for part in parts):
        raise refuse("a list or tuple that holds None", nodes[0])
    last = parts[-1].with_precedence(LITERAL) if parts and parts[-1].text.endswith(")") and _many(parts[-1]) else None
    texts = [p.text for p in parts[:-1]] + ([last or parts[-1].text] if parts else [])
    return ", ".join(texts), k.join_all(tuple(k.without_negative_bound(p.kind) for p in parts))


def _many(e: LuaExpr) -> bool:
    return e.text.startswith("table.unpack(")


@expression(ast.List)
def _list(c: Context, node: ast.List) -> LuaExpr:
    if any(isinstance(item, ast.Starred) for item in node.elts):
        return _spread(c, node.elts)
    text, item = items_text(c, node.elts)
    return LuaExpr(f"{{{text}}}", LITERAL, k.list_of(item), new=True)


@expression(ast.Tuple)
def _tuple(c: Context, node: ast.Tuple) -> LuaExpr:
    if any(isinstance(item, ast.Starred) for item in node.elts):
        return _spread(c, node.elts)
    parts = c.exprs(node.elts)
    for part in parts[:-1]:
        if part.kind.name in ("none", "opt"):
            raise refuse("a tuple that holds None", node)
    return LuaExpr(
        f"{{{', '.join(map(str, parts))}}}",
        LITERAL,
        k.tuple_of(*(k.without_negative_bound(p.kind) for p in parts)),
        new=True,
    )


def _spread(c: Context, nodes: list[ast.expr]) -> LuaExpr:
    groups: list[str] = []
    kinds: list[ValueKind] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            part = c.expr(ast.copy_location(ast.Call(ast.Name("list"), [node.value], []), node))
            kinds.append(k.item_of(part.kind))
            groups.append(part.text)
        else:
            part = c.expr(node)
            kinds.append(part.kind)
            groups.append(f"{{{part.text}}}")
    return c.call("concat", *groups, kind=k.list_of(k.join_all(tuple(kinds))), new=True)


@expression(ast.Dict)
def _dict(c: Context, node: ast.Dict) -> LuaExpr:
    if None in node.keys:
        return _merged(c, node)
    keys, values = c.exprs([key for key in node.keys if key is not None]), c.exprs(node.values)
    if any(v.kind.name in ("none", "opt") for v in values):
        raise refuse("a dict that holds None", node)
    kind = k.dict_of(
        k.join_all(tuple(key.kind for key in keys)), k.join_all(tuple(k.without_negative_bound(v.kind) for v in values))
    )
    if needs_order(c, kind):
        pairs = ", ".join(f"{{{key}, {value}}}" for key, value in zip(keys, values, strict=True))
        return c.call("Dict", f"{{{pairs}}}" if pairs else "", kind=kind, new=True)
    entries = (f"{_key(key, node_)} = {value}" for key, value, node_ in zip(keys, values, node.keys, strict=True))
    return LuaExpr(f"{{{', '.join(entries)}}}", LITERAL, kind, new=True)


def _key(e: LuaExpr, node: ast.expr | None) -> str:
    word = node.value if isinstance(node, ast.Constant) else None
    if isinstance(word, str) and word.isidentifier() and word.isascii() and word not in RESERVED:
        return word
    return f"[{e}]"


def _merged(c: Context, node: ast.Dict) -> LuaExpr:
    parts: list[LuaExpr] = []
    for key, value in zip(node.keys, node.values, strict=True):
        parts.append(c.expr(value if key is None else ast.copy_location(ast.Dict([key], [value]), node)))
    kind = k.join_all(tuple(p.kind for p in parts))
    needs_order(c, kind)
    start = c.call("Dict") if c.ordered else LuaExpr("{}", LITERAL)
    return c.call("merge", start, *parts, kind=ValueKind("dict", kind.args), new=True)


@expression(ast.Set)
def _set(c: Context, node: ast.Set) -> LuaExpr:
    text, item = items_text(c, node.elts)
    kind = k.set_of(item)
    needs_order(c, kind)
    return c.call("set_of", f"{{{text}}}", kind=kind, new=True)


def needs_order(c: Context, kind: ValueKind) -> bool:
    """Whether dicts are ordered maps in this program. Keys that are tables require ordered maps, too."""
    key = kind.args[0] if kind.args else k.ANY
    if not k.is_scalar(key) and key.name != "bot":
        c.set_flag("ordered")
    return c.ordered


def watch_key(c: Context, index: LuaExpr) -> None:
    """Require ordered maps if a table is a key."""
    if k.strip_optional(index.kind).name in ("tuple", "list"):
        c.set_flag("ordered")


@expression(ast.Subscript)
def _subscript(c: Context, node: ast.Subscript) -> LuaExpr:
    base = c.expr(node.value)
    if isinstance(node.slice, ast.Slice):
        return slice_expression(c, base, node.slice)
    kind = k.strip_optional(base.kind)
    index = c.expr(node.slice)
    watch_key(c, index)
    match kind.name:
        case "str":
            return _char(c, base, index)
        case "list" | "tuple":
            if c.current_scope.catching:
                return c.call("item_at", base, index, kind=_part(kind, node.slice))
            return LuaExpr(f"{_prefix(c, base, index)}", kind=_part(kind, node.slice))
        case "dict" if kind.default:
            return subscript_with_default(c, base, index, kind)
        case "dict":
            if c.current_scope.catching:
                return c.call("entry", base, index, kind=kind.args[1])
            return LuaExpr(f"{base.with_precedence(PREFIX)}[{index}]", kind=kind.args[1])
        case _:
            return c.call("get", base, index, kind=k.BOT if kind.name == "bot" else k.ANY)


_EMPTY = {"int": "0", "float": "0.0", "str": '""', "bool": "false", "list": "{}", "dict": "{}", "set": "{}"}


def subscript_with_default(c: Context, base: LuaExpr, index: LuaExpr, kind: ValueKind) -> LuaExpr:
    """Write ``base[index]`` where a missing key gives an empty value: a Counter, a defaultdict."""
    if kind.default in ("int", "float", "str", "bool"):
        return LuaExpr(f"({base.with_precedence(PREFIX)}[{index}] or {_EMPTY[kind.default]})", kind=kind.args[1])
    table, key = c.temporary(base, "entries"), c.temporary(index, "key")
    empty = _EMPTY[kind.default]
    if c.ordered and kind.default != "list":
        empty = str(c.call("Dict" if kind.default == "dict" else "Set"))
    with c.block(f"if {table}[{key}] == nil then"):
        c.emit(f"{table}[{key}] = {empty}")
    return LuaExpr(f"{table}[{key}]", kind=kind.args[1])


def _part(kind: ValueKind, index: ast.expr) -> ValueKind:
    try:
        position = ast.literal_eval(index)
    except ValueError:
        return k.item_of(kind)
    if kind.name == "tuple" and isinstance(position, int) and -len(kind.args) <= position < len(kind.args):
        return kind.args[position]
    return k.item_of(kind)


def _prefix(c: Context, base: LuaExpr, index: LuaExpr) -> str:
    text = base.with_precedence(PREFIX)
    if index.kind.name != "int" or index.kind.low is None or index.kind.low < 0:
        text = c.temporary(text, "items")
    return f"{text}[{lua_index(c, text, index)}]"


def lua_index(c: Context, table: str, index: LuaExpr) -> str:
    """Write the Lua index (from 1) for a Python index (from 0, or negative from the end)."""
    text = index.text
    if text.startswith("-") and text[1:].isdigit():
        return plus(f"#{table}", 1 - int(text[1:])) if text != "-0" else "1"
    if index.kind.name == "int" and index.kind.low is not None and index.kind.low >= 0:
        return plus(index, 1)
    return f"{c.helper('position')}({table}, {index})"


def _char(c: Context, base: LuaExpr, index: LuaExpr) -> LuaExpr:
    return c.call("char_at", base, index, kind=k.STR)


def slice_expression(c: Context, base: LuaExpr, part: ast.Slice) -> LuaExpr:
    """Write ``base[lower:upper:step]``."""
    kind = k.strip_optional(base.kind)
    step = None if part.step is None else c.expr(part.step)
    if step is not None and step.text == "-1" and part.lower is None and part.upper is None:
        name = {"str": "reverse", "list": "reversed", "tuple": "reversed"}.get(kind.name)
        if name:
            return c.call(name, base, kind=_slice_kind(kind), new=True)
    bounds = ["nil" if x is None else c.expr(x).text for x in (part.lower, part.upper)]
    if step is not None:
        bounds.append(step.text)
    while bounds and bounds[-1] == "nil":
        bounds.pop()
    if kind.name in ("list", "tuple"):
        return _list_slice(c, base, bounds, kind, part)
    name = {"str": "substring"}.get(kind.name, "slice_any")
    return c.call(name, base, *bounds, kind=kind if kind.name in ("str", "bot") else k.ANY)


def _list_slice(c: Context, base: LuaExpr, bounds: list[str], kind: ValueKind, part: ast.Slice) -> LuaExpr:
    if len(bounds) <= 1 and (not bounds or bounds[0].isdigit()) and base.prec == PREFIX:
        table = c.temporary(base, "items")
        start = int(bounds[0]) + 1 if bounds else 1
        text = f"table.move({table}, {start}, #{table}, 1, {{}})"
        return LuaExpr(text, kind=_cut(kind, part) or _slice_kind(kind), new=True)
    return c.call("slice", base, *bounds, kind=_cut(kind, part) or _slice_kind(kind), new=True)


def _slice_kind(kind: ValueKind) -> ValueKind:
    return kind if kind.name in ("list", "str") else k.list_of(k.item_of(kind))


def _cut(kind: ValueKind, part: ast.Slice) -> ValueKind | None:
    """Return the kind of a constant slice of a tuple."""
    try:
        bounds = [None if x is None else ast.literal_eval(x) for x in (part.lower, part.upper, part.step)]
    except ValueError:
        return None
    return k.tuple_of(*kind.args[slice(*bounds)]) if kind.name == "tuple" else None


@expression(ast.IfExp)
def _if_expression(c: Context, node: ast.IfExp) -> LuaExpr:
    test = condition(c, node.test)
    (yes, before_yes), (no, before_no) = c.try_expr(node.body), c.try_expr(node.orelse)
    kind = k.join(yes.kind, no.kind)
    if yes.text == "true" and no.text == "false":
        return LuaExpr(test.text, test.prec, k.BOOL)
    if not before_yes and not before_no and truth(c, yes) is True:
        return LuaExpr(
            f"{test.with_precedence(AND)} and {yes.with_precedence(COMPARE)} or {no.with_precedence(AND)}", OR, kind
        )
    name = c.fresh("value")
    c.emit(f"local {name}")
    assign_by_condition(c, test, node, name)
    return LuaExpr(name, kind=kind)


def assign_by_condition(c: Context, test: LuaExpr, node: ast.IfExp, name: str) -> None:
    """Write the if statement that assigns one of two values to ``name``."""
    with c.block(f"if {test} then", ""):
        c.emit(f"{name} = {c.expr(node.body)}")
    with c.block("else"):
        c.emit(f"{name} = {c.expr(node.orelse)}")


@expression(ast.Lambda)
def _lambda(c: Context, node: ast.Lambda) -> LuaExpr:
    return lambda_text(c, node, [k.ANY] * len(node.args.args))


@expression(ast.NamedExpr)
def _walrus(c: Context, node: ast.NamedExpr) -> LuaExpr:
    value = c.expr(node.value)
    c.bind(node.target.id, value.kind)
    c.emit(f"{c.variable(node.target.id)} = {value}")
    return LuaExpr(c.variable(node.target.id), kind=value.kind)


@expression(ast.Yield)
def _yield(c: Context, node: ast.Yield) -> LuaExpr:
    value = LuaExpr("nil", LITERAL, k.NONE) if node.value is None else c.expr(node.value)
    c.learn((c.current_scope.node, "yields"), value.kind)
    return LuaExpr(f"coroutine.yield({value})")


@expression(ast.JoinedStr)
def _joined(c: Context, node: ast.JoinedStr) -> LuaExpr:
    parts: list[LuaExpr] = []
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            parts.append(_field(c, value))
        else:
            parts.append(c.expr(value))
    if not parts:
        return LuaExpr('""', LITERAL, k.STR)
    if len(parts) == 1:
        return parts[0]
    return LuaExpr(" .. ".join(p.with_precedence(ADD if p.prec != CONCAT else CONCAT) for p in parts), CONCAT, k.STR)


def _field(c: Context, node: ast.FormattedValue) -> LuaExpr:
    value = c.expr(node.value)
    if node.conversion == ord("r"):
        return c.call("repr", value, kind=k.STR)
    spec = "" if node.format_spec is None else "".join(_literal_part(p) for p in node.format_spec.values)  # type: ignore[attr-defined]
    return format_value(c, value, spec, node) if spec else to_text(c, value, node)


def _literal_part(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise refuse("a format that is computed", node)
