"""Translate functions of the modules math, itertools, functools, collections, copy, bisect, heapq and operator."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.calls import BUILTINS, check_arguments, keyword_value, library
from glotsmith.teachers.offline.julia.context import JuliaContext, call
from glotsmith.teachers.offline.julia.expressions import dict_type
from glotsmith.teachers.offline.julia.functions import function_value
from glotsmith.teachers.offline.julia.iteration import as_vector, iterate
from glotsmith.teachers.offline.julia.operators import binary_operation
from glotsmith.teachers.offline.julia.syntax import PREFIX, Expr
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse

#: functions of ``math``: the Julia function (with a leading argument), and the kind of the result
_MATH: dict[str, tuple[str, ValueKind]] = {
    "sqrt": ("sqrt", k.FLOAT),
    "floor": ("floor Int64", k.INT),
    "ceil": ("ceil Int64", k.INT),
    "trunc": ("trunc Int64", k.INT),
    "fabs": ("abs", k.FLOAT),
    "exp": ("exp", k.FLOAT),
    "log2": ("log2", k.FLOAT),
    "log10": ("log10", k.FLOAT),
    "log1p": ("log1p", k.FLOAT),
    "sin": ("sin", k.FLOAT),
    "cos": ("cos", k.FLOAT),
    "tan": ("tan", k.FLOAT),
    "asin": ("asin", k.FLOAT),
    "acos": ("acos", k.FLOAT),
    "atan": ("atan", k.FLOAT),
    "atan2": ("atan", k.FLOAT),
    "sinh": ("sinh", k.FLOAT),
    "cosh": ("cosh", k.FLOAT),
    "tanh": ("tanh", k.FLOAT),
    "radians": ("deg2rad", k.FLOAT),
    "degrees": ("rad2deg", k.FLOAT),
    "hypot": ("hypot", k.FLOAT),
    "fmod": ("rem", k.FLOAT),
    "gcd": ("gcd", k.NAT),
    "lcm": ("lcm", k.NAT),
    "factorial": ("factorial", k.NAT),
    "comb": ("binomial", k.NAT),
    "isqrt": ("isqrt", k.NAT),
    "isnan": ("isnan", k.BOOL),
    "isinf": ("isinf", k.BOOL),
    "isfinite": ("isfinite", k.BOOL),
    "copysign": ("copysign", k.FLOAT),
}


@library("math", *_MATH)
def _math(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 3)
    assert isinstance(node.func, ast.Name | ast.Attribute)
    name = c.imported[node.func.id][1] if isinstance(node.func, ast.Name) else node.func.attr
    function, kind = _MATH[name]
    words = function.split()
    arguments = c.exprs(node.args)
    if words[-1] == "Int64" and arguments[0].kind.name == "int":
        return arguments[0]
    return call(words[0], *words[1:], *arguments, kind=kind)


@library("math", "log")
def _log(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    return call("log", *reversed(c.exprs(node.args)), kind=k.FLOAT)


@library("math", "pow")
def _pow(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    a, b = c.exprs(node.args)
    base = a if a.kind.name == "float" else Expr(f"Float64({a})", PREFIX, k.FLOAT)
    return binary_operation(c, ast.Pow(), base, b, node)


@library("math", "prod")
def _prod(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    made = as_vector(c, node.args[0]) if isinstance(node.args[0], ast.GeneratorExp) else None
    items = iterate(c, node.args[0]) if made is None else None
    text, item = (items.text, items.item) if items else (str(made), jk.item_of(made.kind if made else k.ANY))
    return call("prod", text, kind=ValueKind(item.name))


@library("math", "fsum")
def _fsum(c: JuliaContext, node: ast.Call) -> Expr:
    return BUILTINS["sum"](c, node)


@library("math", "isclose")
def _isclose(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2, "rel_tol", "abs_tol")
    relative, absolute = keyword_value(node, "rel_tol"), keyword_value(node, "abs_tol")
    options = [f"rtol = {c.expr(relative) if relative else '1e-9'}"]
    if absolute:
        options.append(f"atol = {c.expr(absolute)}")
    return call("isapprox", *c.exprs(node.args), *options, kind=k.BOOL)


# ----------------------------------------------------------------------------------------- itertools


@library("itertools", "chain")
def _chain(c: JuliaContext, node: ast.Call) -> Expr:
    parts: list[str] = []
    kind = k.BOT
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            rows = c.expr(argument.value)
            parts.append(f"{rows.at(PREFIX)}...")
            kind = jk.join(kind, jk.item_of(jk.item_of(rows.kind)))
        else:
            made = as_vector(c, argument)
            parts.append(made.text)
            kind = jk.join(kind, jk.item_of(made.kind))
    return call("vcat", *parts, kind=k.list_of(kind), new=True)


@library("itertools", "chain.from_iterable")
def _flatten(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    rows = as_vector(c, node.args[0])
    item = jk.item_of(jk.item_of(rows.kind))
    if jk.item_of(rows.kind).name == "str":
        raise refuse("chain.from_iterable of strings", node)
    return call("collect", f"Iterators.flatten({rows})", kind=k.list_of(item), new=True)


@library("itertools", "combinations", "permutations")
def _selections(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    assert isinstance(node.func, ast.Name | ast.Attribute)
    name = c.imported[node.func.id][1] if isinstance(node.func, ast.Name) else node.func.attr
    xs = as_vector(c, node.args[0])
    count = c.expr(node.args[1]) if len(node.args) > 1 else Expr(f"length({xs})")
    item = jk.item_of(xs.kind)
    kind = k.tuple_of(*[item] * int(count.text)) if count.text.isdigit() else jk.vartuple_of(item)
    return call(name, xs, count, kind=k.list_of(kind), new=True)


@library("itertools", "product")
def _product(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 9, "repeat")
    repeat = keyword_value(node, "repeat")
    vectors = [as_vector(c, a) for a in node.args]
    items = [jk.item_of(v.kind) for v in vectors]
    if repeat is None:
        return call("cartesian", f"[{', '.join(map(str, vectors))}]", kind=k.list_of(k.tuple_of(*items)), new=True)
    if len(vectors) != 1:
        raise refuse("product with repeat of several iterables", node)
    count = c.expr(repeat)
    return call("cartesian", f"fill({vectors[0]}, {count})", kind=k.list_of(jk.vartuple_of(items[0])), new=True)


@library("itertools", "accumulate")
def _accumulate(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    xs = as_vector(c, node.args[0])
    item = jk.item_of(xs.kind)
    if len(node.args) == 1:
        return call("cumsum", xs, kind=k.list_of(item), new=True)
    f = function_value(c, node.args[1], [item, item])
    return call("accumulate", f, xs, kind=k.list_of(item), new=True)


@library("itertools", "islice")
def _islice(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 4)
    bounds = [*node.args[1:], ast.Constant(None), ast.Constant(None)]
    lower, upper, step = bounds[:3] if len(node.args) > 2 else (ast.Constant(None), node.args[1], ast.Constant(None))

    def make() -> ast.AST:
        inner = ast.Call(ast.Name("list", ast.Load()), [node.args[0]], [])
        part = ast.Slice(lower, upper, None if isinstance(step, ast.Constant) and step.value is None else step)
        return ast.fix_missing_locations(ast.copy_location(ast.Subscript(inner, part, ast.Load()), node))

    made = c.node_once((node, "slice"), make)
    assert isinstance(made, ast.Subscript)
    return c.expr(made)


@library("itertools", "repeat")
def _repeat(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    e, count = c.exprs(node.args)
    return call("fill", e, count, kind=k.list_of(e.kind), new=True)


@library("itertools", "pairwise")
def _pairwise(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    xs = as_vector(c, node.args[0])
    item = jk.item_of(xs.kind)
    made = c.once(xs, lambda name: f"collect(zip({name}, {name}[2:end]))")
    return Expr(made.text, PREFIX, k.list_of(k.tuple_of(item, item)), new=True)


@library("itertools", "takewhile", "dropwhile")
def _while(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    assert isinstance(node.func, ast.Name | ast.Attribute)
    name = c.imported[node.func.id][1] if isinstance(node.func, ast.Name) else node.func.attr
    xs = as_vector(c, node.args[1])
    f = function_value(c, node.args[0], [jk.item_of(xs.kind)])
    return call("collect", f"Iterators.{name}({f}, {xs})", kind=xs.kind, new=True)


@library("itertools", "groupby")
def _groupby(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2, "key")
    xs = as_vector(c, node.args[0])
    item = jk.item_of(xs.kind)
    key = node.args[1] if len(node.args) > 1 else keyword_value(node, "key")
    f = Expr("identity", PREFIX, ValueKind("function", (item,))) if key is None else function_value(c, key, [item])
    result = f.kind.args[0] if f.kind.name == "function" else k.ANY
    return call("groups", f, xs, kind=k.list_of(k.tuple_of(result, k.list_of(item))), new=True)


@library("functools", "reduce")
def _reduce(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 3)
    xs = as_vector(c, node.args[1])
    start = c.expr(node.args[2]) if len(node.args) > 2 else None
    item = jk.item_of(xs.kind)
    first = start.kind if start else item
    f = function_value(c, node.args[0], [jk.join(first, c.known((node, "result"))), item])
    result = c.learn((node, "result"), jk.join(first, f.kind.args[0] if f.kind.name == "function" else k.ANY))
    return call("foldl", f, xs, *([f"init = {start}"] if start else []), kind=result)


# --------------------------------------------------------------------------------------- collections


@library("collections", "deque")
def _deque(c: JuliaContext, node: ast.Call) -> Expr:
    return BUILTINS["list"](c, node)


@library("collections", "OrderedDict")
def _ordered(c: JuliaContext, node: ast.Call) -> Expr:
    return BUILTINS["dict"](c, node)


@library("collections", "Counter")
def _counter(c: JuliaContext, node: ast.Call) -> Expr:
    hint = c.take_hint()
    check_arguments(node, 1)
    if not node.args:
        kind = k.dict_of(k.BOT, k.NAT, "count")
        return call(dict_type(c, k.dict_of(k.BOT, k.NAT), hint), kind=kind, new=True)
    with c.any_order() as order:
        items = iterate(c, node.args[0])
    item = jk.stored(items.item)
    known = jk.item_type(item, ordered=c.ordered)
    kind = ValueKind("dict", (item, k.NAT), default="count", own=not order.lost)
    return call("counter", items.text, *([known] if known != "Any" else []), kind=kind, new=True)


@library("collections", "defaultdict")
def _defaultdict(c: JuliaContext, node: ast.Call) -> Expr:
    hint = c.take_hint()
    check_arguments(node, 1)
    factory = node.args[0] if node.args else None
    if isinstance(factory, ast.Lambda):
        name = {"0": "int", "[]": "list", "{}": "dict", "0.0": "float", "''": "str"}.get(ast.unparse(factory.body), "")
    else:
        name = factory.id if isinstance(factory, ast.Name) else ""
    empty = {
        "int": k.NAT,
        "float": k.FLOAT,
        "str": k.STR,
        "bool": k.BOOL,
        "list": k.list_of(k.BOT),
        "set": k.set_of(k.BOT),
        "dict": k.dict_of(k.BOT, k.BOT),
    }
    if name not in empty:
        raise refuse("this defaultdict", node)
    kind = k.dict_of(k.BOT, empty[name])
    made = dict_type(c, kind, hint)
    return call(made, kind=k.dict_of(k.BOT, empty[name], name), new=True)


@library("dict", "fromkeys")
def _fromkeys(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    hint = c.take_hint()
    with c.any_order() as order:
        items = iterate(c, node.args[0])
    value = c.expr(node.args[1]) if len(node.args) > 1 else Expr("nothing", kind=k.NONE)
    kind = ValueKind("dict", (jk.stored(items.item), jk.stored(value.kind)), own=not order.lost)
    return call(dict_type(c, kind, hint), f"x => {value} for x in {items.text}", kind=kind, new=True)


@library("copy", "copy", "deepcopy")
def _copy(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 1)
    assert isinstance(node.func, ast.Name | ast.Attribute)
    e = c.expr(node.args[0])
    deep = (c.imported[node.func.id][1] if isinstance(node.func, ast.Name) else node.func.attr) == "deepcopy"
    if k.strip_optional(e.kind).name in ("list", "dict", "set") or deep:
        return call("deepcopy" if deep else "copy", e, kind=e.kind, new=True)
    return e


@library("bisect", "bisect_left", "bisect_right", "bisect")
def _bisect(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    assert isinstance(node.func, ast.Name | ast.Attribute)
    name = c.imported[node.func.id][1] if isinstance(node.func, ast.Name) else node.func.attr
    xs, x = c.exprs(node.args)
    if name == "bisect_left":
        return Expr(f"searchsortedfirst({xs}, {x}) - 1", 7, k.NAT)
    return call("searchsortedlast", xs, x, kind=k.NAT)


@library("heapq", "nlargest", "nsmallest")
def _largest(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    count, xs = c.expr(node.args[0]), as_vector(c, node.args[1])
    largest = "rev = true" if ast.unparse(node.func).endswith("nlargest") else ""
    options = f", {largest}" if largest else ""
    return Expr(f"sort({xs}{options})[1:min({count}, end)]", PREFIX, xs.kind, new=True)


_OPERATORS: dict[str, ast.operator] = {
    "add": ast.Add(),
    "sub": ast.Sub(),
    "mul": ast.Mult(),
    "truediv": ast.Div(),
    "floordiv": ast.FloorDiv(),
    "mod": ast.Mod(),
    "xor": ast.BitXor(),
    "or_": ast.BitOr(),
    "and_": ast.BitAnd(),
    "pow": ast.Pow(),
}


@library("operator", *_OPERATORS)
def _operator(c: JuliaContext, node: ast.Call) -> Expr:
    check_arguments(node, 2)
    assert isinstance(node.func, ast.Name | ast.Attribute)
    name = c.imported[node.func.id][1] if isinstance(node.func, ast.Name) else node.func.attr
    a, b = c.exprs(node.args)
    return binary_operation(c, _OPERATORS[name], a, b, node)
