"""Translate functions of itertools, functools, collections, operator, copy, heapq and bisect."""

import ast
from collections.abc import Callable

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.builtins import check_arguments, keyword_value
from glotsmith.teachers.offline.lua.context import CallTranslator, Context
from glotsmith.teachers.offline.lua.functions import function_value
from glotsmith.teachers.offline.lua.loops import as_list
from glotsmith.teachers.offline.lua.operators import binary_operation
from glotsmith.teachers.offline.lua.syntax import LITERAL, LuaExpr
from glotsmith.teachers.offline.refusals import refuse

LIBRARY: dict[tuple[str, str], CallTranslator] = {}


def library(module: str, *names: str) -> Callable[[CallTranslator], CallTranslator]:
    """Register functions of a module."""

    def register(maker: CallTranslator) -> CallTranslator:
        for name in names:
            LIBRARY[module, name] = maker
        return maker

    return register


def _name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def _items(c: Context, node: ast.expr) -> LuaExpr:
    return as_list(c, c.expr(node))


def _rows(item: ValueKind) -> ValueKind:
    return k.list_of(k.list_of(item))


@library("itertools", "chain")
def _chain(c: Context, node: ast.Call) -> LuaExpr:
    if len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
        rows = _items(c, node.args[0].value)
        return c.call("flatten_once", rows, kind=k.list_of(k.item_of(k.item_of(rows.kind))), new=True)
    check_arguments(node)
    parts = [_items(c, a) for a in node.args]
    return c.call("concat", *parts, kind=k.list_of(k.join_all(tuple(k.item_of(p.kind) for p in parts))), new=True)


@library("itertools", "combinations", "permutations", "combinations_with_replacement")
def _choices(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "r", most=2)
    items = _items(c, node.args[0])
    size = node.args[1] if len(node.args) > 1 else keyword_value(node, "r")
    extra = [] if size is None else [c.expr(size)]
    name = _name(node).rpartition(".")[2]
    item = k.item_of(items.kind)
    count = int(extra[0].text) if extra and extra[0].text.isdigit() else 0
    kind = k.list_of(k.tuple_of(*[item] * count)) if count else _rows(item)
    return c.call(name, items, *extra, kind=kind, new=True)


@library("itertools", "product")
def _product(c: Context, node: ast.Call) -> LuaExpr:
    times = keyword_value(node, "repeat")
    if len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
        rows = _items(c, node.args[0].value)
        return c.call("product", rows, kind=_rows(k.item_of(k.item_of(rows.kind))), new=True)
    check_arguments(node, "repeat")
    parts = [_items(c, a) for a in node.args]
    item = k.join_all(tuple(k.item_of(p.kind) for p in parts))
    rows = LuaExpr(f"{{{', '.join(map(str, parts))}}}")
    if times is not None:
        rows = c.call("repeated", rows, c.expr(times))
        return c.call("product", rows, kind=_rows(item), new=True)
    return c.call("product", rows, kind=k.list_of(k.tuple_of(*(k.item_of(p.kind) for p in parts))), new=True)


@library("itertools", "accumulate")
def _accumulate(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "initial", "func", most=2)
    items = _items(c, node.args[0])
    item = k.item_of(items.kind)
    function = node.args[1] if len(node.args) > 1 else keyword_value(node, "func")
    made = LuaExpr("nil") if function is None else _two(c, function, item)
    initial = keyword_value(node, "initial")
    extra = [] if initial is None else [c.expr(initial)]
    return c.call(
        "accumulate", items, *([made, *extra] if extra or function is not None else []), kind=k.list_of(item), new=True
    )


_OPERATORS: dict[str, ast.operator] = {
    "add": ast.Add(),
    "sub": ast.Sub(),
    "mul": ast.Mult(),
    "truediv": ast.Div(),
    "floordiv": ast.FloorDiv(),
    "mod": ast.Mod(),
    "and_": ast.BitAnd(),
    "or_": ast.BitOr(),
    "xor": ast.BitXor(),
    "pow": ast.Pow(),
}


def _two(c: Context, node: ast.expr, item: ValueKind, first: ValueKind | None = None) -> LuaExpr:
    """Write a function of two arguments, such as one of ``operator``."""
    from glotsmith.teachers.offline.lua.modules import resolve

    named = resolve(c, node)
    if named is not None and named[0] == "operator" and named[1] in _OPERATORS:
        body = binary_operation(
            c, _OPERATORS[named[1]], LuaExpr("a", kind=first or item), LuaExpr("b", kind=item), node
        )
        return LuaExpr(f"function(a, b) return {body} end", LITERAL, ValueKind("function", (body.kind,)))
    return function_value(c, node, [first or item, item])


for _operator in _OPERATORS:

    def _apply_operator(c: Context, node: ast.Call) -> LuaExpr:
        check_arguments(node, most=2)
        left, right = c.exprs(node.args)
        return binary_operation(c, _OPERATORS[_name(node).rpartition(".")[2]], left, right, node)

    LIBRARY["operator", _operator] = _apply_operator


@library("functools", "reduce")
def _reduce(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=3)
    items = _items(c, node.args[1])
    item = k.item_of(items.kind)
    extra = [c.expr(a) for a in node.args[2:]]
    start = k.join(extra[0].kind if extra else item, c.learned_kinds.get((node, "result"), k.BOT))
    function = _two(c, node.args[0], item, start)
    result = function.kind.args[0] if function.kind.args else k.ANY
    c.learn((node, "result"), k.join(start, result))
    return c.call("reduce", function, items, *extra, kind=k.join(start, result))


@library("itertools", "repeat")
def _repeat(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=2)
    if len(node.args) != 2:
        raise refuse("itertools.repeat without an end", node)
    value, times = c.exprs(node.args)
    return c.call("repeated", f"{{{value}}}", times, kind=k.list_of(value.kind), new=True)


@library("itertools", "islice")
def _islice(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=4)
    source = c.expr(node.args[0])
    bounds = c.exprs(node.args[1:])
    item = k.item_of(source.kind)
    if source.kind.name == "iter":
        if len(bounds) != 1:
            raise refuse("islice of an iterator with a start", node)
        return c.call("take", source, bounds[0], kind=k.list_of(item), new=True)
    if len(bounds) == 1:
        bounds = [LuaExpr("0"), *bounds]
    while bounds[-1].text == "nil":
        bounds.pop()
    return c.call("slice", as_list(c, source), *bounds, kind=k.list_of(item), new=True)


@library("itertools", "takewhile", "dropwhile")
def _while(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=2)
    items = _items(c, node.args[1])
    test = function_value(c, node.args[0], [k.item_of(items.kind)])
    if test.kind.name == "function" and test.kind.args[0].name not in ("bool", "any", "bot"):
        raise refuse(f"{_name(node)} with a predicate that does not return a bool", node)
    name = "take_while" if _name(node).endswith("takewhile") else "drop_while"
    return c.call(name, test, items, kind=k.list_of(k.item_of(items.kind)), new=True)


@library("itertools", "groupby")
def _groupby(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "key", most=2)
    items = _items(c, node.args[0])
    item = k.item_of(items.kind)
    key = node.args[1] if len(node.args) > 1 else keyword_value(node, "key")
    made = None if key is None else function_value(c, key, [item])
    kind = item if made is None else made.kind.args[0] if made.kind.args else k.ANY
    pairs = k.list_of(k.tuple_of(kind, k.list_of(item)))
    return c.call("group_by", items, *([] if made is None else [made]), kind=pairs, new=True)


@library("itertools", "zip_longest")
def _zip_longest(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "fillvalue")
    fill = keyword_value(node, "fillvalue")
    if fill is None:
        raise refuse("zip_longest that fills with None", node)
    value, parts = c.expr(fill), [_items(c, a) for a in node.args]
    kinds = tuple(k.join(k.item_of(p.kind), value.kind) for p in parts)
    return c.call("zip_longest", value, *parts, kind=k.list_of(k.tuple_of(*kinds)), new=True)


@library("itertools", "pairwise")
def _pairwise(c: Context, node: ast.Call) -> LuaExpr:
    items = _items(c, node.args[0])
    item = k.item_of(items.kind)
    return c.call("pairwise", items, kind=k.list_of(k.tuple_of(item, item)), new=True)


@library("itertools", "count")
def _count_up(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "start", "step", most=2)
    return c.call("count_up", *c.exprs(node.args), kind=k.iter_of(k.INT))


@library("collections", "deque")
def _deque(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    if not node.args:
        return LuaExpr("{}", LITERAL, k.list_of(k.BOT), new=True)
    items = _items(c, node.args[0])
    return c.call("slice", items, kind=k.list_of(k.item_of(items.kind)), new=True)


@library("collections", "OrderedDict")
def _ordered_dict(c: Context, node: ast.Call) -> LuaExpr:
    from glotsmith.teachers.offline.lua.builtins import BUILTINS

    return BUILTINS["dict"](c, node)


@library("collections", "Counter")
def _counter(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    items = _items(c, node.args[0]) if node.args else LuaExpr("{}", LITERAL, k.list_of(k.BOT))
    item = k.item_of(items.kind)
    if not k.is_scalar(item) and item.name != "bot":
        c.set_flag("ordered")
    return c.call("counter", items, kind=k.dict_of(item, k.NAT, "int"), new=True)


@library("collections", "defaultdict")
def _default_dict(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=1)
    factory = node.args[0] if node.args else None
    values = {"int": k.NAT, "float": k.FLOAT, "str": k.STR, "bool": k.BOOL}
    values |= {"list": k.list_of(k.BOT), "set": k.set_of(k.BOT), "dict": k.dict_of(k.BOT, k.BOT)}
    name = factory.id if isinstance(factory, ast.Name) else ""
    if isinstance(factory, ast.Lambda) and isinstance(factory.body, ast.Constant) and factory.body.value in (0, ""):
        name = type(factory.body.value).__name__
    if name not in values:
        raise refuse("this defaultdict", node)
    start = c.call("Dict") if c.ordered else LuaExpr("{}", LITERAL)
    return LuaExpr(start.text, start.prec, k.dict_of(k.BOT, values[name], name), new=True)


@library("copy", "copy")
def _copy(c: Context, node: ast.Call) -> LuaExpr:
    e = c.expr(node.args[0])
    if e.kind.name == "list":
        return c.call("slice", e, kind=e.kind, new=True)
    if k.is_scalar(e.kind):
        return e
    raise refuse("copy.copy of this", node)


@library("copy", "deepcopy")
def _deep_copy(c: Context, node: ast.Call) -> LuaExpr:
    e = c.expr(node.args[0])
    return c.call("deep_copy", e, kind=e.kind, new=True)


@library("bisect", "bisect_left", "bisect_right", "bisect")
def _bisect(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, most=2)
    name = "bisect_left" if _name(node).endswith("left") else "bisect_right"
    return c.call(name, *c.exprs(node.args), kind=k.NAT)


@library("heapq", "heapify", "heappush", "heappop")
def _heap(c: Context, node: ast.Call) -> LuaExpr:
    from glotsmith.teachers.offline.lua.assignment import refine_container

    check_arguments(node, most=2)
    parts = c.exprs(node.args)
    name = _name(node).rpartition(".")[2]
    if name == "heappush":
        refine_container(c, node.args[0], k.list_of(parts[1].kind))
    called = c.call(name, *parts, kind=k.item_of(parts[0].kind) if name == "heappop" else k.NONE)
    return called


@library("heapq", "nlargest", "nsmallest")
def _n_extreme(c: Context, node: ast.Call) -> LuaExpr:
    check_arguments(node, "key", most=2)
    items = _items(c, node.args[1])
    key = keyword_value(node, "key")
    made = "nil" if key is None else str(function_value(c, key, [k.item_of(items.kind)]))
    name = c.call("sorted", items, made, "true" if "nlargest" in _name(node) else "false")
    return c.call("slice", name, "0", c.expr(node.args[0]), kind=k.list_of(k.item_of(items.kind)), new=True)


@library("operator", "itemgetter")
def _itemgetter(c: Context, node: ast.Call) -> LuaExpr:
    return function_value(c, node, [k.ANY])


def _from_iterable(c: Context, node: ast.Call) -> LuaExpr:
    rows = _items(c, node.args[0])
    return c.call("flatten_once", rows, kind=k.list_of(k.item_of(k.item_of(rows.kind))), new=True)


LIBRARY["itertools", "chain.from_iterable"] = _from_iterable
