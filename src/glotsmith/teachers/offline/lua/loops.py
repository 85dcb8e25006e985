"""Translate ``for`` loops and comprehensions over all Python iterables."""

import ast
from collections.abc import Callable, Sequence

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.context import Context, FunctionScope, expression
from glotsmith.teachers.offline.lua.expressions import needs_order
from glotsmith.teachers.offline.lua.syntax import ADD, PREFIX, UNARY, LuaExpr, plus
from glotsmith.teachers.offline.lua.truth import condition, narrow
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import DeclarationPlan, targets

WriteBody = Callable[[], None]


class LoopWriter:
    """The head of a Lua loop over one Python iterable, and the assignment of its target."""

    def __init__(self, c: Context, target: ast.expr, *, sensitive: bool, leaking: frozenset[str] = frozenset()) -> None:
        self.c = c
        self.target = target
        self.order_matters = sensitive  #: whether the body depends on the order of a dict or set
        self.leaking = leaking

    def run(self, source: ast.expr, body: WriteBody) -> None:
        """Write the loop over ``source`` around the lines that ``body`` writes."""
        called = source.func.id if isinstance(source, ast.Call) and isinstance(source.func, ast.Name) else ""
        if isinstance(source, ast.Call) and not source.keywords and self.c.owner(called) is None:
            special = {"range": self._range, "enumerate": self._enumerate, "zip": self._zip, "reversed": self._reversed}
            if called in special and special[called](source, body):
                return
        if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) and not source.args:
            method = source.func.attr
            if method in ("items", "keys", "values"):
                table = self.c.expr(source.func.value)
                if k.strip_optional(table.kind).name in ("dict", *k.UNKNOWN):
                    return self._pairs(table, method, body)
        self._general(self.c.expr(source), body)

    # --------------------------------------------------------------------------------------- variables

    def _variable(
        self, node: ast.expr, kind: ValueKind, base: str = "item"
    ) -> tuple[str, list[tuple[ast.expr, str, ValueKind]]]:
        """Return the name of the Lua loop variable for ``node``, and the target that the body must unpack first."""
        if isinstance(node, ast.Name) and node.id not in self.leaking:
            self.c.bind(node.id, kind)
            return self.c.variable(node.id), []
        if isinstance(node, ast.Name):
            base = f"{node.id}_value"
        name = self.c.fresh(base)
        return name, [(node, name, kind)]

    def _unpack(self, todo: Sequence[tuple[ast.expr, str, ValueKind]]) -> None:
        for node, name, kind in todo:
            unpack(self.c, node, LuaExpr(name, kind=kind), declare=True, leaking=self.leaking)

    def _loop(self, head: str, todo: Sequence[tuple[ast.expr, str, ValueKind]], body: WriteBody) -> None:
        with self.c.block(f"for {head} do"):
            self._unpack(todo)
            body()

    # ------------------------------------------------------------------------------------------- forms

    def _range(self, source: ast.Call, body: WriteBody) -> bool:
        head, kind = range_head(self.c, source)
        name, todo = self._variable(self.target, kind, "i")
        self._loop(f"{name} = {head}", todo, body)
        return True

    def _enumerate(self, source: ast.Call, body: WriteBody) -> bool:
        if not isinstance(self.target, ast.Tuple) or len(self.target.elts) != 2:
            return False
        items = self.c.expr(source.args[0])
        kind = k.strip_optional(items.kind)
        start = self.c.expr(source.args[1]) if len(source.args) > 1 else LuaExpr("0", kind=k.NAT)
        if kind.name == "str":
            items, kind = self.c.call("chars", items), k.list_of(k.STR)
        elif kind.name not in ("list", "tuple"):
            items, kind = as_list(self.c, items), k.list_of(k.item_of(kind))
        index, more = self._variable(self.target.elts[0], k.at_least(start.kind.low), "i")
        item, todo = self._variable(self.target.elts[1], k.item_of(kind))
        if start.text == "1":
            self._loop(f"{index}, {item} in ipairs({items})", [*more, *todo], body)
            return True
        table = self.c.temporary(items, "items")
        offset = 1 - int(start.text) if start.text.isdigit() else None
        at = (
            plus(LuaExpr(index, kind=k.NAT), offset)
            if offset is not None
            else f"{index} - {start.with_precedence(UNARY)} + 1"
        )
        last = plus(f"#{table}", -offset) if offset is not None else f"#{table} + {start.with_precedence(UNARY)} - 1"
        with self.c.block(f"for {index} = {start}, {last} do"):
            self.c.emit(f"local {item} = {table}[{at}]")
            self._unpack([*more, *todo])
            body()
        return True

    def _zip(self, source: ast.Call, body: WriteBody) -> bool:
        if not isinstance(self.target, ast.Tuple) or len(self.target.elts) != len(source.args):
            return False
        if any(isinstance(a, ast.Starred) for a in source.args):
            return False
        parts = self.c.exprs(source.args)
        tables = [LuaExpr(self.c.temporary(as_list(self.c, p), "items"), kind=p.kind) for p in parts]
        index = self.c.fresh("i")
        pairs = [self._variable(t, k.item_of(p.kind)) for t, p in zip(self.target.elts, parts, strict=True)]
        limit = ", ".join(f"#{t}" for t in tables)
        with self.c.block(f"for {index} = 1, {f'math.min({limit})' if len(tables) > 1 else limit} do"):
            values = ", ".join(f"{t}[{index}]" for t in tables)
            self.c.emit(f"local {', '.join(name for name, _ in pairs)} = {values}")
            self._unpack([x for _, todo in pairs for x in todo])
            body()
        return True

    def _reversed(self, source: ast.Call, body: WriteBody) -> bool:
        inner = source.args[0]
        items = self.c.expr(inner)
        if k.strip_optional(items.kind).name not in ("list", "tuple"):
            return False
        table, index = self.c.temporary(items, "items"), self.c.fresh("i")
        name, todo = self._variable(self.target, k.item_of(items.kind))
        with self.c.block(f"for {index} = #{table}, 1, -1 do"):
            self.c.emit(f"local {name} = {table}[{index}]")
            self._unpack(todo)
            body()
        return True

    def _pairs(self, table: LuaExpr, method: str, body: WriteBody) -> None:
        kind = k.strip_optional(table.kind)
        key, value = kind.args if kind.name == "dict" else (k.ANY, k.ANY)
        walk = self._entries_iterator(table)
        if method == "keys":
            name, todo = self._variable(self.target, key, "key")
            return self._loop(f"{name} in {walk}", todo, body)
        if method == "values":
            name, todo = self._variable(self.target, value)
            return self._loop(f"_, {name} in {walk}", todo, body)
        if isinstance(self.target, ast.Tuple) and len(self.target.elts) == 2:
            first, todo = self._variable(self.target.elts[0], key, "key")
            second, more = self._variable(self.target.elts[1], value)
            return self._loop(f"{first}, {second} in {walk}", [*todo, *more], body)
        return self._general(self.c.call("items", table, kind=k.list_of(k.tuple_of(key, value))), body)

    def _entries_iterator(self, table: LuaExpr) -> str:
        """Return the Lua iterator over a dict or set: in insertion order if the order is relevant and known."""
        if not self.order_matters:
            return f"pairs({table})"
        if table.kind.own and table.kind.name in ("dict", "set"):
            if table.kind.name == "dict" or not k.is_scalar(k.item_of(table.kind)):
                self.c.set_flag("ordered")
            if self.c.ordered:
                return f"pairs({table})"
        return f"{self.c.helper('sorted_pairs')}({table})"

    def _general(self, items: LuaExpr, body: WriteBody) -> None:
        kind = k.strip_optional(items.kind)
        base = "pair" if isinstance(self.target, ast.Tuple) else "item"
        if kind.name in ("dict", "set"):
            name, todo = self._variable(self.target, k.item_of(kind), base)
            return self._loop(f"{name} in {self._entries_iterator(items)}", todo, body)
        name, todo = self._variable(self.target, k.item_of(kind), base)
        match kind.name:
            case "list" | "tuple":
                head = f"_, {name} in ipairs({items})"
            case "str":
                head = f"{name} in {items.with_precedence(PREFIX)}:gmatch(utf8.charpattern)"
            case "iter":
                head = f"{name} in {items}"
            case "any" | "bot" | "function":
                head = f"{name} in {self.c.helper('iterate')}({items})"
            case _:
                raise refuse(f"iteration over {kind.name}", self.target)
        self._loop(head, todo, body)


def range_head(c: Context, source: ast.Call) -> tuple[str, ValueKind]:
    """Write ``first, last, step`` of a numeric ``for``, and the kind of its variable."""
    parts = c.exprs(source.args)
    start = parts[0] if len(parts) > 1 else LuaExpr("0", kind=k.NAT)
    stop = parts[1] if len(parts) > 1 else parts[0]
    step = parts[2].text if len(parts) > 2 else "1"
    if step == "1":
        return f"{start}, {plus(stop, -1)}", k.at_least(start.kind.low)
    if step.isdigit():
        return f"{start}, {plus(stop, -1)}, {step}", k.at_least(start.kind.low)
    if step.startswith("-") and step[1:].isdigit():
        low = None if stop.kind.low is None else stop.kind.low + 1
        return f"{start}, {plus(stop, 1)}, {step}", k.at_least(low)
    step = c.temporary(parts[2], "step")
    return f"{start}, {stop.with_precedence(ADD)} - ({step} > 0 and 1 or -1), {step}", k.INT


def unpack(
    c: Context, target: ast.expr, value: LuaExpr, *, declare: bool, leaking: frozenset[str] = frozenset()
) -> None:
    """Write the assignment of ``value`` to the parts of a target."""
    if isinstance(target, ast.Name):
        local = "local " if declare and target.id not in leaking else ""
        c.bind(target.id, value.kind)
        c.emit(f"{local}{c.variable(target.id)} = {value}")
        return
    if not isinstance(target, ast.Tuple | ast.List):
        raise refuse(f"the loop target {ast.unparse(target)}", target)
    nodes = target.elts
    if any(isinstance(n, ast.Starred) for n in nodes):
        raise refuse("a starred loop target", target)
    kind = k.strip_optional(value.kind)
    parts = kind.args if kind.name == "tuple" and len(kind.args) == len(nodes) else [k.item_of(kind)] * len(nodes)
    if all(isinstance(n, ast.Name) and (n.id not in leaking) == declare for n in nodes):
        for node, part in zip(nodes, parts, strict=True):
            c.bind(next(targets(node)), part)
        names = ", ".join(c.variable(next(targets(n))) for n in nodes)
        texts = f"table.unpack({value})" if kind.name != "str" else f"table.unpack({c.helper('chars')}({value}))"
        c.emit(f"{'local ' if declare else ''}{names} = {texts}")
        return
    table = c.temporary(value, "pair")
    for i, (node, part) in enumerate(zip(nodes, parts, strict=True), 1):
        unpack(c, node, LuaExpr(f"{table}[{i}]", kind=part), declare=declare, leaking=leaking)


def as_list(c: Context, e: LuaExpr) -> LuaExpr:
    """Return a table of the items of any iterable, which may be an existing table."""
    kind = k.strip_optional(e.kind)
    match kind.name:
        case "list" | "tuple":
            return e
        case "str":
            return c.call("chars", e, kind=k.list_of(k.STR), new=True)
        case "dict" | "set" if c.order_is_irrelevant:
            return c.call("keys", e, kind=k.list_of(k.item_of(kind)), new=True)
        case "dict" | "set":
            if kind.own and (kind.name == "dict" or not k.is_scalar(k.item_of(kind))):
                c.set_flag("ordered")
            name = "keys" if c.ordered and kind.own else "sorted_keys"
            return c.call(name, e, kind=k.list_of(k.item_of(kind)), new=True)
        case "iter":
            return c.call("collect", e, kind=k.list_of(k.item_of(kind)), new=True)
        case _:
            return c.call("to_list", e, kind=k.list_of(k.BOT if kind.name == "bot" else k.ANY), new=True)


def as_unordered_list(c: Context, node: ast.expr) -> LuaExpr:
    """Return a table of the items of an iterable whose order cannot affect the result, as for ``sum``."""
    match node:
        case ast.Name() | ast.Call(func=ast.Attribute(value=ast.Name(), attr="keys" | "values" | "items"), args=[]):
            c.order_is_irrelevant = True
        case _:
            pass
    items = as_list(c, c.expr(node))
    c.order_is_irrelevant = False
    return items


# ------------------------------------------------------------------------------------- comprehensions


def write_generators(
    c: Context, node: ast.AST, generators: list[ast.comprehension], body: WriteBody, *, sensitive: bool = True
) -> None:
    """Write the nested loops of a comprehension around the lines that ``body`` writes."""
    names = frozenset(n for g in generators for n in targets(g.target))
    outer = c.scope
    first = generators[0]
    if any(g.is_async for g in generators):
        raise refuse("an async comprehension", node)

    def inside() -> None:
        open_loop(0)

    def open_loop(i: int) -> None:
        for test in generators[i].ifs:
            c.emit(f"if {condition(c, test)} then")
            narrow(c, test, holds=True)
            c.indent += 1
        if i + 1 < len(generators):
            loop = LoopWriter(c, generators[i + 1].target, sensitive=sensitive)
            loop.run(generators[i + 1].iter, lambda: open_loop(i + 1))
        else:
            body()
        for _ in generators[i].ifs:
            c.indent -= 1
            c.emit("end")

    # Python evaluates the first iterable outside; names of the targets are not yet bound there.
    scope = FunctionScope(node, outer, names, DeclarationPlan(), immediate=True)
    for name in names:
        c.learned_kinds.pop((node, name), None)
    c.scope = scope
    LoopWriter(c, first.target, sensitive=sensitive).run(first.iter, inside)
    c.scope = outer


def fill_list(c: Context, node: ast.ListComp | ast.GeneratorExp, into: str = "", *, sensitive: bool = True) -> LuaExpr:
    """Write a list comprehension as loops that fill a table, which is called ``into`` if it has a name."""
    name = into or c.fresh("result")
    if not into:
        c.emit(f"local {name} = {{}}")
    kinds: list[ValueKind] = []

    def body() -> None:
        item = c.expr(node.elt)
        if item.kind.name in ("none", "opt"):
            raise refuse("a list that may hold None", node)
        kinds.append(k.without_negative_bound(item.kind))
        text = f"({item})" if item.text.startswith("table.unpack(") or ":gsub(" in item.text else item.text
        c.emit(f"table.insert({name}, {text})")

    write_generators(c, node, node.generators, body, sensitive=sensitive)
    return LuaExpr(name, kind=k.list_of(k.join_all(tuple(kinds))), new=True)


@expression(ast.ListComp)
def _list_comprehension(c: Context, node: ast.ListComp) -> LuaExpr:
    return fill_list(c, node)


@expression(ast.GeneratorExp)
def _generator_expression(c: Context, node: ast.GeneratorExp) -> LuaExpr:
    return fill_list(c, node)


@expression(ast.SetComp)
def _set_comprehension(c: Context, node: ast.SetComp) -> LuaExpr:
    return fill_set(c, node)


def fill_set(c: Context, node: ast.SetComp | ast.GeneratorExp | ast.ListComp, into: str = "") -> LuaExpr:
    """Write a set comprehension."""
    name = into or c.fresh("seen")
    learned = c.learned_kinds.get((node, "item"), k.BOT)
    needs_order(c, k.set_of(learned))
    if not into:
        c.emit(f"local {name} = {c.call('Set') if c.ordered else '{}'}")

    def body() -> None:
        item = c.expr(node.elt)
        c.learn((node, "item"), item.kind)
        c.emit(f"{name}[{item}] = true")

    write_generators(c, node, node.generators, body, sensitive=False)
    return LuaExpr(name, kind=k.set_of(c.learned_kinds.get((node, "item"), k.BOT)), new=True)


@expression(ast.DictComp)
def _dict_comprehension(c: Context, node: ast.DictComp) -> LuaExpr:
    return fill_dict(c, node)


def fill_dict(c: Context, node: ast.DictComp, into: str = "") -> LuaExpr:
    """Write a dict comprehension."""
    name = into or c.fresh("result")
    needs_order(c, k.dict_of(c.learned_kinds.get((node, "key"), k.BOT), k.ANY))
    if not into:
        c.emit(f"local {name} = {c.call('Dict') if c.ordered else '{}'}")

    def body() -> None:
        key, value = c.expr(node.key), c.expr(node.value)
        if value.kind.name in ("none", "opt"):
            raise refuse("a dict that may hold None", node)
        c.learn((node, "key"), key.kind)
        c.learn((node, "value"), k.without_negative_bound(value.kind))
        c.emit(f"{name}[{key}] = {value}")

    write_generators(c, node, node.generators, body, sensitive=c.ordered)
    kind = k.dict_of(c.learned_kinds.get((node, "key"), k.BOT), c.learned_kinds.get((node, "value"), k.BOT))
    return LuaExpr(name, kind=kind, new=True)
