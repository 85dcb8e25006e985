"""Translate builtins that make or read whole containers."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.calls import builtin, check_arguments, keyword_value
from glotsmith.teachers.offline.julia.context import JuliaContext, call
from glotsmith.teachers.offline.julia.expressions import dict_type, typed_prefix, vector
from glotsmith.teachers.offline.julia.functions import function_value
from glotsmith.teachers.offline.julia.iteration import Items, as_vector, iterate
from glotsmith.teachers.offline.julia.operators import binary_operation
from glotsmith.teachers.offline.julia.order import distinct_keys, is_total
from glotsmith.teachers.offline.julia.syntax import CHOICE, PREFIX, RANGE, Expr
from glotsmith.teachers.offline.julia.truth import condition, condition_of
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse


@builtin("list")
def _list(c: JuliaContext, node: ast.Call) -> Expr:
    hint = c.take_hint()
    check_arguments(node, 1)
    if not node.args:
        return c.expr(ast.copy_location(ast.List([], ast.Load()), node), hint)
    return as_vector(c, node.args[0])


@builtin("tuple")
def _tuple(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    if not node.args:
        return Expr("()", PREFIX, k.tuple_of())
    made = as_vector(c, node.args[0])
    return call("Tuple", made, kind=jk.vartuple_of(jk.item_of(made.kind)))


@builtin("set", "frozenset")
def _set(c: JuliaContext, node: ast.Call) -> Expr:
    hint = c.take_hint()
    check_arguments(node, 1)
    if not node.args:
        item = hint.args[0] if hint.name == "set" else k.BOT
        return Expr(f"Set{{{jk.item_type(item, ordered=c.ordered)}}}()", PREFIX, k.set_of(k.BOT), new=True)
    with c.any_order():
        if isinstance(node.args[0], ast.GeneratorExp):
            made = vector(c, node.args[0])
            return call("Set", made, kind=k.set_of(jk.item_of(made.kind)), new=True)
        items = iterate(c, node.args[0])
    item = jk.stored(items.item)
    wanted = hint.args[0] if hint.name == "set" else k.BOT
    prefix = typed_prefix(c, item, wanted) if item.name != "bot" else ""
    return call(f"Set{{{prefix}}}" if prefix else "Set", items.text, kind=k.set_of(item), new=True)


@builtin("dict")
def _dict(c: JuliaContext, node: ast.Call) -> Expr:
    hint = c.take_hint()
    if len(node.args) > 1 or any(w.arg is None for w in node.keywords):
        raise refuse("these arguments of dict", node)
    if not node.args:
        keys: list[ast.expr | None] = [ast.Constant(w.arg) for w in node.keywords]
        made = ast.fix_missing_locations(ast.copy_location(ast.Dict(keys, [w.value for w in node.keywords]), node))
        return c.expr(made, hint)
    if node.keywords:
        raise refuse("these arguments of dict", node)
    argument = node.args[0]
    if isinstance(argument, ast.GeneratorExp | ast.ListComp):
        pair_node = argument.elt
        key = pair_node.elts[0] if isinstance(pair_node, ast.Tuple) and pair_node.elts else pair_node
        with c.any_order(irrelevant=distinct_keys(key, argument.generators)) as order:
            made = vector(c, argument)
        item = jk.item_of(made.kind)
    else:
        e = None if isinstance(argument, ast.Call) else c.expr(argument)
        if e is not None and k.strip_optional(e.kind).name == "dict":
            return call("copy", e, kind=ValueKind("dict", e.kind.args, own=e.kind.own), new=True)
        direct = isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute)
        with c.any_order(irrelevant=direct and ast.unparse(argument).endswith(".items()")) as order:
            items = iterate(c, argument)
        made, item = Expr(items.text, items.prec), jk.stored(items.item)
    if item.name == "dict":
        return call("copy", made, kind=item, new=True)
    pair = item.args if item.name == "tuple" and len(item.args) == 2 else (jk.item_of(item),) * 2
    kind = ValueKind("dict", pair, own=not order.lost)
    return call(dict_type(c, kind, hint), made, kind=kind, new=True)


@builtin("range")
def _range(c: JuliaContext, node: ast.Call) -> Expr:
    items = iterate(c, node)
    return Expr(items.text, items.prec, k.list_of(items.item))


@builtin("enumerate", "zip", "reversed")
def _iterator(c: JuliaContext, node: ast.Call) -> Expr:
    items = iterate(c, node)
    if items.text.startswith(("zip(", "enumerate(")):
        return call("collect", items.text, kind=k.list_of(items.item), new=True)
    return Expr(items.text, items.prec, k.list_of(items.item), new=True)


@builtin("map")
def _map(c: JuliaContext, node: ast.Call) -> Expr:
    function, *sources = node.args
    check_arguments(node, 9)
    if len(sources) == 1:
        return c.expr(_comprehension(c, node, function, sources[0], test=False))
    items = [iterate(c, s) for s in sources]
    f = function_value(c, function, [i.item for i in items])
    item = f.kind.args[0] if f.kind.name == "function" else k.ANY
    return call("map", f, *(i.text for i in items), kind=k.list_of(jk.stored(item)), new=True)


@builtin("filter")
def _filter(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    return c.expr(_comprehension(c, node, node.args[0], node.args[1], test=True))


def _comprehension(c: JuliaContext, node: ast.Call, function: ast.expr, source: ast.expr, *, test: bool) -> ast.expr:
    """Return ``map`` or ``filter`` as a comprehension."""

    def make() -> ast.AST:
        names = ("x", "item", *(f"item{i}" for i in range(2, 99)))
        name = next(n for n in names if n not in c.identifiers)
        value: ast.expr = ast.Name(name, ast.Load())
        if isinstance(function, ast.Lambda) and len(function.args.args) == 1 and not function.args.defaults:
            name = function.args.args[0].arg
            value, applied = ast.Name(name, ast.Load()), function.body
        elif isinstance(function, ast.Constant):
            applied = value
        elif (
            isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "str"
        ):
            applied = ast.Call(ast.Attribute(value, function.attr, ast.Load()), [], [])
        else:
            applied = ast.Call(function, [value], [])
        clause = ast.comprehension(ast.Name(name, ast.Store()), source, [applied] if test else [], 0)
        made = ast.ListComp(value if test else applied, [clause])
        return ast.fix_missing_locations(ast.copy_location(made, node))

    made = c.node_once((node, "comprehension"), make)
    assert isinstance(made, ast.ListComp)
    return made


@builtin("next")
def _next(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    source = node.args[0]
    match source:
        case ast.Call(func=ast.Name(id="iter"), args=[inner]) if c.owner("iter") is None:
            source = inner
        case ast.GeneratorExp():
            pass
        case _:
            return _next_of_iterator(c, node)
    items = _read_once(c, source)
    if len(node.args) == 1:
        return call("first", items.text, kind=jk.stored(items.item))
    default = c.expr(node.args[1])
    return call("first_or", items.text, default, kind=jk.join(jk.stored(items.item), default.kind))


def _next_of_iterator(c: JuliaContext, node: ast.Call) -> Expr:
    iterator = c.expr(node.args[0])
    if iterator.kind.name != "iter":
        raise refuse("next of a value that is not an iterator", node)
    item = jk.item_of(iterator.kind)
    if len(node.args) == 1:
        return call("popfirst!", iterator, kind=item)
    default = c.expr(node.args[1])
    text = f"isempty({iterator}) ? {default.at(CHOICE)} : popfirst!({iterator})"
    return Expr(text, CHOICE, jk.join(item, default.kind))


@builtin("iter")
def _iter(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    items = iterate(c, node.args[0])
    if items.text.startswith("items_of("):
        raise refuse("an iterator over an unknown value", node)
    if items.item.name == "tuple" and items.pairs:
        raise refuse("an iterator over the items of a dict", node)
    if items.text.startswith("Iterators.Stateful("):
        return Expr(items.text, PREFIX, ValueKind("iter", (items.item,)))
    return call("Iterators.Stateful", items.text, kind=ValueKind("iter", (jk.stored(items.item),)))


def _read_once(c: JuliaContext, node: ast.expr) -> Items:
    """Translate an iterable that a function reads once, as a generator in parentheses if it is one."""
    if isinstance(node, ast.GeneratorExp):
        made = vector(c, node)
        if made.text.startswith("["):
            return Items(f"({made.text[1:-1]})", jk.item_of(made.kind))
        return Items(made.text, jk.item_of(made.kind))
    return iterate(c, node)


# ----------------------------------------------------------------------------------------- reductions


@builtin("sum")
def _sum(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2, "start")
    argument = node.args[0]
    start = node.args[1] if len(node.args) > 1 else keyword_value(node, "start")
    with c.any_order():
        if start is None and isinstance(argument, ast.GeneratorExp | ast.ListComp):
            counted = _count(c, argument)
            if counted is not None:
                return counted
        items = _summed(c, argument)
    if start is not None:
        return _sum_from(c, items, c.expr(start, items.item), node)
    match items.item.name:
        case "bool":
            return call("count", items.text, kind=k.NAT)
        case "int" | "float":
            low = 0 if (items.item.low or -1) >= 0 or items.item.low == 0 else None
            kind = k.FLOAT if items.item.name == "float" else k.at_least(low)
            return call("sum", items.text, kind=kind)
        case "str" | "list" | "none":
            raise refuse("sum of values that are not numbers", node)
        case _:
            return call("reduce", "+", items.text, "init = 0", kind=k.ANY)


def _summed(c: JuliaContext, argument: ast.expr) -> Items:
    if isinstance(argument, ast.GeneratorExp):
        made = vector(c, argument)
        return Items(made.text, jk.item_of(made.kind))
    return iterate(c, argument)


def _count(c: JuliaContext, node: ast.GeneratorExp | ast.ListComp) -> Expr | None:
    """Write ``sum(1 for x in xs if test)`` as ``count(test for x in xs)``; None for another sum."""
    last = node.generators[-1]
    if isinstance(node.elt, ast.Constant) and node.elt.value == 1 and last.ifs:

        def make() -> ast.AST:
            test = last.ifs[0] if len(last.ifs) == 1 else ast.BoolOp(ast.And(), list(last.ifs))
            clause = ast.comprehension(last.target, last.iter, [], 0)
            return ast.copy_location(ast.GeneratorExp(test, [*node.generators[:-1], clause]), node)

        made = c.node_once((node, "count"), make)
        assert isinstance(made, ast.GeneratorExp)
        return call("count", _tests(c, made), kind=k.NAT)
    return None


def _tests(c: JuliaContext, node: ast.GeneratorExp | ast.ListComp) -> str:
    """Write a generator of conditions, without parentheses."""
    from glotsmith.teachers.offline.julia.expressions import comprehend

    element, clauses = comprehend(c, node, lambda: condition(c, node.elt))
    return f"{element.at(CHOICE)} {clauses}"


def _sum_from(c: JuliaContext, items: Items, start: Expr, node: ast.Call) -> Expr:
    if start.kind.name == "list":
        return call("reduce", "vcat", items.text, f"init = {start}", kind=jk.join(start.kind, items.item))
    if start.kind.name not in ("int", "float", *k.UNKNOWN):
        raise refuse("sum from a value that is not a number", node)
    kind = binary_operation(c, ast.Add(), start, Expr("x", kind=items.item), node).kind
    return call("reduce", "+", items.text, f"init = {start}", kind=kind)


@builtin("any", "all")
def _quantified(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    assert isinstance(node.func, ast.Name)
    argument = node.args[0]
    with c.any_order():
        if isinstance(argument, ast.GeneratorExp | ast.ListComp):
            return call(node.func.id, _tests(c, argument), kind=k.BOOL)
        items = iterate(c, argument)
    if items.item.name == "bool":
        return call(node.func.id, items.text, kind=k.BOOL)
    test = condition_of(c, Expr("x", kind=items.item))
    return call(node.func.id, f"{test} for x in {items.text}", kind=k.BOOL)


@builtin("max", "min")
def _extreme(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 99, "key", "default")
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    key, default = keyword_value(node, "key"), keyword_value(node, "default")
    if len(node.args) > 1:
        return _extreme_of_arguments(c, node, name, key)
    with c.any_order(irrelevant=key is None or is_total(key, node.args[0])):
        items = _read_once(c, node.args[0]) if key is None else _as_items(as_vector(c, node.args[0]))
    if key is not None:
        f = function_value(c, key, [items.item])
        if default is not None:
            raise refuse("max or min with key and default", node)
        return call(f"{name}_by", f, items.text, kind=items.item)
    text = items.text[1:-1] if items.text.startswith("(") and " for " in items.text else items.text
    found = call(f"{name}imum", text, kind=jk.stored(items.item))
    if default is None:
        return found
    other = c.expr(default)
    if items.text.startswith("("):
        items = Items(f"[{items.text[1:-1]}]", items.item)
    made = c.once(Expr(items.text, items.prec), lambda n: f"isempty({n}) ? {other.at(CHOICE)} : {name}imum({n})")
    return Expr(made.text, made.prec or CHOICE, jk.join(jk.stored(items.item), other.kind))


def _as_items(e: Expr) -> Items:
    return Items(e.text, jk.item_of(e.kind), e.prec)


def _extreme_of_arguments(c: JuliaContext, node: ast.Call, name: str, key: ast.expr | None) -> Expr:
    parts = c.exprs(node.args)
    kind = jk.join_all(*(p.kind for p in parts))
    if kind.name == "int":
        lows = [p.kind.low for p in parts if p.kind.low is not None]
        if name == "max" and lows:
            kind = k.at_least(max(lows))
    if key is not None:
        f = function_value(c, key, [kind])
        return call(f"{name}_by", f, f"[{', '.join(map(str, parts))}]", kind=kind)
    if {p.kind.name for p in parts} & {"opt", "none", "list", "dict"}:
        raise refuse(f"{name} of these values", node)
    return call(name, *parts, kind=kind)


def sort_options(c: JuliaContext, node: ast.Call, item: ValueKind) -> list[str]:
    """Return the options ``by`` and ``rev`` of a sort, and a stable algorithm for numbers."""
    options: list[str] = []
    key, reverse = keyword_value(node, "key"), keyword_value(node, "reverse")
    if key is not None and not (isinstance(key, ast.Constant) and key.value is None):
        options.append(f"by = {function_value(c, key, [item])}")
        if item.name in ("int", "float", "bool"):
            options.append("alg = MergeSort")
    if reverse is not None and not (isinstance(reverse, ast.Constant) and not reverse.value):
        options.append(f"rev = {condition(c, reverse)}")
    return options


@builtin("sorted")
def _sorted(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1, "key", "reverse")
    key = keyword_value(node, "key")
    with c.any_order(irrelevant=key is None or is_total(key, node.args[0])):
        e = _sortable(c, node.args[0])
    item = jk.item_of(e.kind)
    return call("sort", e, *sort_options(c, node, item), kind=k.list_of(item), new=True)


def _sortable(c: JuliaContext, node: ast.expr) -> Expr:
    """Translate an iterable as a vector or range, which ``sort`` does not change."""
    if not isinstance(node, ast.GeneratorExp | ast.ListComp | ast.Call):
        e = c.expr(node)
        if k.strip_optional(e.kind).name == "list":
            return e
    items = None if isinstance(node, ast.GeneratorExp | ast.ListComp) else iterate(c, node)
    if items is not None and items.prec == RANGE:
        return Expr(items.text, items.prec, k.list_of(items.item))
    return as_vector(c, node)
