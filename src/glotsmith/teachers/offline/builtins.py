"""Python's builtin functions."""

import ast
from collections.abc import Callable

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.context import Context
from glotsmith.teachers.offline.expressions import needs_order
from glotsmith.teachers.offline.functions import as_lambda, function_value
from glotsmith.teachers.offline.kinds import Kind
from glotsmith.teachers.offline.loops import as_list, generate, listed, range_head, set_filled
from glotsmith.teachers.offline.lua import ADD, AND, COMPARE, LITERAL, MUL, OR, PREFIX, UNARY, E, is_simple, quote
from glotsmith.teachers.offline.operators import apply, as_number
from glotsmith.teachers.offline.refusal import refuse
from glotsmith.teachers.offline.text import formatted, to_repr, to_text
from glotsmith.teachers.offline.truth import condition, condition_of

Maker = Callable[[Context, ast.Call], E]
BUILTINS: dict[str, Maker] = {}


def builtin(name: str) -> Callable[[Maker], Maker]:
    """Register the translator of one builtin."""

    def register(maker: Maker) -> Maker:
        BUILTINS[name] = maker
        return maker

    return register


def keyword(node: ast.Call, name: str) -> ast.expr | None:
    """Return a keyword argument."""
    return next((kw.value for kw in node.keywords if kw.arg == name), None)


def only(node: ast.Call, *names: str, most: int = 9) -> None:
    """Refuse keyword arguments other than these, starred ones, and more than ``most`` plain ones."""
    for kw in node.keywords:
        if kw.arg not in names:
            raise refuse(f"the keyword argument {kw.arg or '**'}", node)
    if len(node.args) > most or any(isinstance(a, ast.Starred) for a in node.args):
        raise refuse(f"a call of {ast.unparse(node.func)} with these arguments", node)


# -------------------------------------------------------------------------------------------- scalars


@builtin("len")
def _len(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    e = c.expr(node.args[0])
    match k.strip_optional(e.kind).name:
        case "str":
            return E(f"utf8.len({e})", kind=k.NAT)
        case "list" | "tuple":
            return E(f"#{e.at(UNARY + 1)}" if not e.text.startswith("{") else f"#{e}", UNARY, k.NAT)
        case "dict" | "set":
            return c.call("count_entries", e, kind=k.NAT)
        case "iter":
            raise refuse("len() of an iterator", node)
        case _:
            return c.call("len", e, kind=k.NAT)


@builtin("abs")
def _abs(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    e = as_number(c.expr(node.args[0]))
    kind = k.NAT if e.kind.name == "int" else e.kind
    return E(f"math.abs({e})", kind=kind)


@builtin("int")
def _int(c: Context, node: ast.Call) -> E:
    only(node, "base", most=2)
    if not node.args:
        return E("0", LITERAL, k.NAT)
    e = c.expr(node.args[0])
    base = node.args[1] if len(node.args) > 1 else keyword(node, "base")
    if base is not None:
        return c.call("parse_int", e, c.expr(base), kind=k.INT)
    match e.kind.name:
        case "int":
            return e
        case "bool":
            return as_number(e)
        case "float":
            return c.call("truncate", e, kind=k.INT)
        case "str":
            return c.call("parse_int", e, kind=k.INT)
        case _:
            return c.call("int", e, kind=k.INT)


@builtin("float")
def _float(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    if not node.args:
        return E("0.0", LITERAL, k.FLOAT)
    text = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
    if isinstance(text, str) and text.strip().lower() in _FLOATS:
        return _FLOATS[text.strip().lower()]
    e = as_number(c.expr(node.args[0]))
    if k.is_number(e.kind):
        return E(f"{e.at(ADD)} + 0.0", ADD, k.FLOAT)
    return c.call("parse_float", e, kind=k.FLOAT)


_FLOATS = {
    "inf": E("math.huge", kind=k.FLOAT),
    "infinity": E("math.huge", kind=k.FLOAT),
    "+inf": E("math.huge", kind=k.FLOAT),
    "-inf": E("-math.huge", UNARY, k.FLOAT),
    "nan": E("(0 / 0)", kind=k.FLOAT),
}


@builtin("str")
def _str(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    return to_text(c, c.expr(node.args[0]), node) if node.args else E('""', LITERAL, k.STR)


@builtin("repr")
def _repr(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    return to_repr(c, c.expr(node.args[0]), node)


@builtin("bool")
def _bool(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    return condition(c, node.args[0]) if node.args else E("false", LITERAL, k.BOOL)


@builtin("ord")
def _ord(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    return E(f"utf8.codepoint({c.expr(node.args[0])})", kind=k.NAT)


@builtin("chr")
def _chr(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    return E(f"utf8.char({c.expr(node.args[0])})", kind=k.STR)


@builtin("round")
def _round(c: Context, node: ast.Call) -> E:
    only(node, "ndigits", most=2)
    e = as_number(c.expr(node.args[0]))
    digits = node.args[1] if len(node.args) > 1 else keyword(node, "ndigits")
    if digits is None:
        return e if e.kind.name == "int" else c.call("round", e, kind=k.INT)
    return c.call("round", e, c.expr(digits), kind=k.FLOAT if e.kind.name != "int" else e.kind)


@builtin("divmod")
def _divmod(c: Context, node: ast.Call) -> E:
    only(node, most=2)
    a, b = (E(c.temporary(as_number(e)), kind=as_number(e).kind) for e in c.exprs(node.args))
    quotient, rest = apply(c, ast.FloorDiv(), a, b, node), apply(c, ast.Mod(), a, b, node)
    return E(f"{{{quotient}, {rest}}}", LITERAL, k.tuple_of(quotient.kind, rest.kind), new=True)


@builtin("pow")
def _pow(c: Context, node: ast.Call) -> E:
    only(node, most=3)
    parts = c.exprs(node.args)
    if len(parts) == 3:
        return c.call("power_modulo", *parts, kind=k.INT)
    return apply(c, ast.Pow(), parts[0], parts[1], node)


def _base(name: str, prefix: str, digits: int) -> None:
    def maker(c: Context, node: ast.Call) -> E:
        only(node, most=1)
        return c.call("to_base", c.expr(node.args[0]), str(digits), quote(prefix), kind=k.STR)

    BUILTINS[name] = maker


_base("bin", "0b", 2)
_base("oct", "0o", 8)
_base("hex", "0x", 16)


@builtin("format")
def _format(c: Context, node: ast.Call) -> E:
    only(node, most=2)
    spec = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else ""
    e = c.expr(node.args[0])
    return formatted(c, e, spec, node) if isinstance(spec, str) and spec else to_text(c, e, node)


_LUA_TYPES = {
    "str": 'type({0}) == "string"',
    "bool": 'type({0}) == "boolean"',
    "int": 'math.type({0}) == "integer"',
    "float": 'math.type({0}) == "float"',
    "list": 'type({0}) == "table"',
    "tuple": 'type({0}) == "table"',
    "dict": 'type({0}) == "table"',
    "set": 'type({0}) == "table"',
}


@builtin("isinstance")
def _isinstance(c: Context, node: ast.Call) -> E:
    only(node, most=2)
    types = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
    names = [t.id if isinstance(t, ast.Name) else ast.unparse(t) for t in types]
    e = c.expr(node.args[0])
    if e.kind.name in (*_LUA_TYPES, "none") and e.kind.name != "float":
        known = e.kind.name in names or (e.kind.name == "bool" and "int" in names)
        return E("true" if known else "false", LITERAL, k.BOOL)
    text = c.temporary(e)
    tests = [_LUA_TYPES[n].format(text) for n in names if n in _LUA_TYPES]
    if len(tests) != len(names) or (e.kind.name not in ("float", "opt") and {"list", "tuple", "dict"} & set(names)):
        raise refuse(f"isinstance of {', '.join(names)}", node)
    return E(" or ".join(dict.fromkeys(tests)), OR if len(tests) > 1 else COMPARE, k.BOOL)


@builtin("callable")
def _callable(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    return E(f'type({c.expr(node.args[0])}) == "function"', COMPARE, k.BOOL)


# ------------------------------------------------------------------------------------------ reductions


@builtin("sum")
def _sum(c: Context, node: ast.Call) -> E:
    only(node, "start", most=2)
    start_node = node.args[1] if len(node.args) > 1 else keyword(node, "start")
    start = E("0", LITERAL, k.NAT) if start_node is None else c.expr(start_node)
    source = node.args[0]
    if start.kind.name in ("list", "tuple"):
        items = as_list(c, c.expr(source))
        kind = k.join(start.kind, k.item_of(items.kind))
        return c.call("concat", start, f"table.unpack({items})", kind=kind, new=True)
    if isinstance(source, ast.GeneratorExp | ast.ListComp):
        return _sum_loop(c, source, start)
    items = as_list(c, c.expr(source))
    if k.item_of(items.kind).name in ("bool", "any", "bot"):
        return c.call("sum_any", items, start, kind=k.BOT if k.item_of(items.kind) == k.BOT else k.ANY)
    kind = k.join(start.kind, k.item_of(items.kind))
    return c.call("sum", items, *([] if start.text == "0" else [start]), kind=kind)


def _sum_loop(c: Context, source: ast.GeneratorExp | ast.ListComp, start: E) -> E:
    total = c.fresh("total")
    c.emit(f"local {total} = {start}")

    def body() -> None:
        before = k.join(start.kind, c.facts.get((source, "total"), k.BOT))
        if isinstance(source.elt, ast.Compare | ast.BoolOp | ast.UnaryOp) and c.try_expr(source.elt)[0].kind == k.BOOL:
            with c.block(f"if {condition(c, source.elt)} then"):
                c.emit(f"{total} = {total} + 1")
            c.learn((source, "total"), k.NAT)
            return
        result = apply(c, ast.Add(), E(total, kind=before), c.expr(source.elt), source)
        c.emit(f"{total} = {result}")
        c.learn((source, "total"), result.kind)

    generate(c, source, source.generators, body, sensitive=False)
    return E(total, kind=k.join(start.kind, c.facts.get((source, "total"), k.BOT)))


def _quantifier(name: str, *, found: bool) -> None:
    def maker(c: Context, node: ast.Call) -> E:
        only(node, most=1)
        source = node.args[0]
        made = source
        if not isinstance(source, ast.GeneratorExp | ast.ListComp):
            made = _desugared(c, node, source)
        assert isinstance(made, ast.GeneratorExp | ast.ListComp)
        result = c.fresh("found" if found else "holds")
        c.emit(f"local {result} = {'false' if found else 'true'}")

        def body() -> None:
            with c.block(f"if {condition(c, made.elt, negate=not found)} then"):
                c.emit(f"{result} = {'true' if found else 'false'}")
                c.emit("break")

        outer = c.lines
        generate(c, made, made.generators, body, sensitive=False)
        if len(made.generators) > 1:
            _break_out(outer, result, len(made.generators), found)
        return E(result, kind=k.BOOL)

    BUILTINS[name] = maker


def _break_out(lines: list[str], result: str, loops: int, found: bool) -> None:
    """After each inner loop, leave the outer one too."""
    at = max(i for i, line in enumerate(lines) if line.strip() == "break") + 1
    closed = 0
    while closed < loops - 1 and at < len(lines):
        if lines[at].strip() == "end":
            opener = next(
                line
                for line in reversed(lines[:at])
                if len(line) - len(line.lstrip()) == len(lines[at]) - len(lines[at].lstrip()) and line.strip() != "end"
            )
            if opener.strip().startswith("for "):
                pad = lines[at][: len(lines[at]) - 3]
                lines.insert(at + 1, f"{pad}if {'' if found else 'not '}{result} then break end")
                closed += 1
        at += 1


def _desugared(c: Context, node: ast.Call, source: ast.expr) -> ast.AST:
    def make() -> ast.AST:
        name = "x"
        generator = ast.comprehension(ast.Name(name, ast.Store()), source, [], 0)
        made = ast.GeneratorExp(ast.Name(name, ast.Load()), [generator])
        return ast.fix_missing_locations(ast.copy_location(made, node))

    return c.once((node, "generator"), make)


_quantifier("any", found=True)
_quantifier("all", found=False)


def _extreme(name: str) -> None:
    def maker(c: Context, node: ast.Call) -> E:
        only(node, "key", "default")
        key, default = keyword(node, "key"), keyword(node, "default")
        if len(node.args) > 1 and key is None:
            return _of_several(c, name, c.exprs(node.args))
        items = (
            as_list(c, c.expr(node.args[0]))
            if len(node.args) == 1
            else E(f"{{{', '.join(map(str, c.exprs(node.args)))}}}", LITERAL, k.list_of(k.ANY))
        )
        item = k.item_of(items.kind)
        if key is None and default is None and k.is_number(item) and is_simple(items.text):
            return E(f"math.{name}(table.unpack({items}))", kind=item)
        extra = [] if key is None else [function_value(c, key, [item])]
        kind = item
        if default is not None:
            value = c.expr(default)
            extra = [*(extra or [E("nil")]), value]
            kind = k.join(item, value.kind)
        return c.call(name, items, *extra, kind=kind)

    BUILTINS[name] = maker


def _of_several(c: Context, name: str, parts: list[E]) -> E:
    kind = k.join_all(tuple(p.kind for p in parts))
    if all(k.is_number(p.kind) for p in parts):
        if kind.name == "int":
            lows = [p.kind.low for p in parts if p.kind.low is not None]
            low = (max(lows) if lows else None) if name == "max" else (min(lows) if len(lows) == len(parts) else None)
            kind = k.at_least(low)
        return E(f"math.{name}({', '.join(map(str, parts))})", kind=kind)
    return c.call(name, f"{{{', '.join(map(str, parts))}}}", kind=kind)


_extreme("min")
_extreme("max")


@builtin("sorted")
def _sorted(c: Context, node: ast.Call) -> E:
    only(node, "key", "reverse", most=1)
    items = as_list(c, c.expr(node.args[0]))
    extra = sort_options(c, node, k.item_of(items.kind))
    return c.call("sorted", items, *extra, kind=k.list_of(k.item_of(items.kind)), new=True)


def sort_options(c: Context, node: ast.Call, item: Kind) -> list[E]:
    """Write the arguments ``key`` and ``reverse`` of a sort."""
    key, reverse = keyword(node, "key"), keyword(node, "reverse")
    made = E("nil") if key is None else function_value(c, key, [item])
    if reverse is None:
        return [] if key is None else [made]
    return [made, condition_of(c, c.expr(reverse))]


# ------------------------------------------------------------------------------------------ containers


@builtin("list")
def _list(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    if not node.args:
        return E("{}", LITERAL, k.list_of(k.BOT), new=True)
    e = c.expr(node.args[0])
    items = as_list(c, e)
    kind = k.list_of(k.item_of(items.kind))
    if items.new:
        return E(items.text, items.prec, kind, new=True)
    return (
        E(f"table.move({items}, 1, #{items.at(PREFIX)}, 1, {{}})", kind=kind, new=True)
        if is_simple(items.text)
        else c.call("slice", items, kind=kind, new=True)
    )


@builtin("tuple")
def _tuple(c: Context, node: ast.Call) -> E:
    made = _list(c, node)
    return E("{}", LITERAL, k.tuple_of(), new=True) if not node.args else made


@builtin("set")
@builtin("frozenset")
def _set(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    if not node.args:
        return (
            E("{}", LITERAL, k.set_of(k.BOT), new=True)
            if not c.ordered
            else c.call("Set", kind=k.set_of(k.BOT), new=True)
        )
    source = node.args[0]
    if isinstance(source, ast.GeneratorExp | ast.ListComp):
        return set_filled(c, source)
    items = as_list(c, c.expr(source))
    kind = k.set_of(k.item_of(items.kind))
    needs_order(c, kind)
    return c.call("set_of", items, kind=kind, new=True)


@builtin("dict")
def _dict(c: Context, node: ast.Call) -> E:
    start = c.call("Dict") if c.ordered else E("{}", LITERAL)
    if not node.args and not node.keywords:
        return E(start.text, start.prec, k.dict_of(k.BOT, k.BOT), new=True)
    if node.keywords:
        values = [c.expr(kw.value) for kw in node.keywords]
        if node.args or c.ordered or any(kw.arg is None for kw in node.keywords):
            raise refuse("dict() with keywords", node)
        text = ", ".join(f"[{quote(kw.arg or '')}] = {v}" for kw, v in zip(node.keywords, values, strict=True))
        return E(f"{{{text}}}", LITERAL, k.dict_of(k.STR, k.join_all(tuple(v.kind for v in values))), new=True)
    e = c.expr(node.args[0])
    if e.kind.name == "dict":
        return c.call("merge", start, e, kind=Kind("dict", e.kind.args), new=True)
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
def _range(c: Context, node: ast.Call) -> E:
    head, kind = range_head(c, node)
    return c.call("range", head, kind=k.list_of(kind), new=True)


@builtin("enumerate")
def _enumerate(c: Context, node: ast.Call) -> E:
    only(node, "start", most=2)
    items = as_list(c, c.expr(node.args[0]))
    start = node.args[1] if len(node.args) > 1 else keyword(node, "start")
    extra = [] if start is None else [c.expr(start)]
    return c.call("enumerate", items, *extra, kind=k.list_of(k.tuple_of(k.NAT, k.item_of(items.kind))), new=True)


@builtin("zip")
def _zip(c: Context, node: ast.Call) -> E:
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
def _reversed(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    items = as_list(c, c.expr(node.args[0]))
    return c.call("reversed", items, kind=k.list_of(k.item_of(items.kind)), new=True)


def _mapped(c: Context, node: ast.Call, *, filtering: bool) -> E:
    """Write ``map(f, xs)`` or ``filter(f, xs)`` as the comprehension that it is."""
    only(node)
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

    made = c.once((node, "comprehension"), make)
    assert isinstance(made, ast.ListComp)
    return listed(c, made)


def _comprehension(
    node: ast.AST, names: list[ast.expr], item: ast.expr, applied: ast.expr, sources: list[ast.expr], filtering: bool
) -> ast.AST:
    target = names[0] if len(sources) == 1 else ast.Tuple(names, ast.Store())
    source = sources[0] if len(sources) == 1 else ast.Call(ast.Name("zip", ast.Load()), sources, [])
    generator = ast.comprehension(target, source, [applied] if filtering else [], 0)
    made = ast.ListComp(item if filtering else applied, [generator])
    return ast.fix_missing_locations(ast.copy_location(made, node))


@builtin("map")
def _map(c: Context, node: ast.Call) -> E:
    return _mapped(c, node, filtering=False)


@builtin("filter")
def _filter(c: Context, node: ast.Call) -> E:
    return _mapped(c, node, filtering=True)


@builtin("iter")
def _iter(c: Context, node: ast.Call) -> E:
    only(node, most=1)
    e = c.expr(node.args[0])
    if e.kind.name == "iter":
        return e
    items = as_list(c, e)
    return c.call("iter", items, kind=k.iter_of(k.item_of(items.kind)))


@builtin("next")
def _next(c: Context, node: ast.Call) -> E:
    only(node, most=2)
    source = node.args[0]
    e = c.expr(source)
    item = k.item_of(e.kind)
    if isinstance(source, ast.GeneratorExp) or (e.new and e.kind.name == "list"):
        value = E(f"{e}[1]", kind=item)
    elif e.kind.name == "iter":
        value = E(f"{e.at(PREFIX)}()", kind=item)
    else:
        raise refuse("next() of what may be no iterator", node)
    if len(node.args) == 1:
        if c.here.catching:
            return c.call("present", value, kind=item)
        return value
    default = c.expr(node.args[1])
    if default.text == "nil":
        return E(value.text, kind=k.optional(item))
    name = c.fresh("value")
    c.emit(f"local {name} = {value}")
    c.emit(f"if {name} == nil then {name} = {default} end")
    return E(name, kind=k.join(item, default.kind))


__all__ = ["AND", "BUILTINS", "MUL", "builtin", "keyword", "only", "sort_options"]
