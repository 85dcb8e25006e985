"""Translate names, literals, containers, conditional expressions, lambdas and comprehensions."""

import ast
from collections.abc import Callable, Sequence

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.closures import check_capture
from glotsmith.teachers.offline.julia.context import JuliaContext, Scope, call, expression
from glotsmith.teachers.offline.julia.functions import function_value, lambda_text
from glotsmith.teachers.offline.julia.iteration import comprehension_clauses
from glotsmith.teachers.offline.julia.modules import constant
from glotsmith.teachers.offline.julia.order import distinct_keys
from glotsmith.teachers.offline.julia.syntax import (
    ADD,
    ASSIGN,
    CHOICE,
    OR,
    PREFIX,
    Expr,
    number,
    quote,
    quote_char,
)
from glotsmith.teachers.offline.julia.truth import (
    condition,
    condition_of,
    narrow,
    restoring_kinds,
    translate_choice_parts,
    write_choice,
)
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse


@expression(ast.Constant)
def _constant(c: JuliaContext, node: ast.Constant) -> Expr:
    match node.value:
        case None:
            return Expr("nothing", kind=k.NONE)
        case bool() as value:
            return Expr("true" if value else "false", kind=k.BOOL)
        case int() as value:
            return Expr(number(value), kind=k.at_least(value))
        case float() as value:
            return Expr(number(value), kind=k.FLOAT)
        case str() as value:
            return Expr(quote(value), kind=k.STR)
        case _:
            raise refuse(f"the literal {ast.unparse(node)}", node)


def as_char(node: ast.expr, e: Expr) -> str | None:
    """Return the text of a string of one character as a ``Char``; None if its length is not known."""
    if e.kind == jk.CHAR:
        return e.text
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) == 1:
        return quote_char(node.value)
    return None


_FUNCTIONS = frozenset(
    ["abs", "bool", "chr", "float", "int", "len", "ord", "repr", "round", "sorted", "str", "sum"]
)  #: may be values


@expression(ast.Name)
def _name(c: JuliaContext, node: ast.Name) -> Expr:
    owner = c.owner(node.id)
    if owner is None:
        if node.id in c.imported:
            return constant(*c.imported[node.id], node)
        if node.id not in _FUNCTIONS:
            raise refuse(f"the name {node.id} used as a value", node)
        return function_value(c, node, [k.ANY])
    if node.id in owner.functions:
        return function_value(c, node, [])
    if node.id in owner.shifted:
        return Expr(f"{c.variable(node.id)} - 1", ADD, c.lookup(node.id))
    return Expr(c.variable(node.id), kind=c.lookup(node.id))


@expression(ast.Attribute)
def _attribute(c: JuliaContext, node: ast.Attribute) -> Expr:
    if isinstance(node.value, ast.Name) and c.owner(node.value.id) is None and node.value.id in c.modules:
        return constant(c.modules[node.value.id], node.attr, node)
    raise refuse(f"the attribute .{node.attr}", node)


def typed_prefix(c: JuliaContext, own: ValueKind, hint: ValueKind) -> str:
    """Return the type before ``[…]`` if the items are to have another type than Julia infers."""
    whole = jk.join(own, hint)
    if own.name == "bot" or whole.name == "any":
        return "Any" if own.name == "bot" and hint.name in k.UNKNOWN else jk.item_type(whole, ordered=c.ordered)
    wanted = jk.item_type(whole, ordered=c.ordered)
    return "" if wanted == jk.item_type(own, ordered=c.ordered) else wanted


def _hinted_item(hint: ValueKind, name: str) -> ValueKind:
    return hint.args[0] if hint.name == name else k.BOT


@expression(ast.List)
def _list(c: JuliaContext, node: ast.List) -> Expr:
    hint = _hinted_item(c.take_hint(), "list")
    parts, kind = _items(c, node.elts, hint)
    prefix = typed_prefix(c, kind, hint)
    return Expr(f"{prefix}[{', '.join(parts)}]", PREFIX, k.list_of(jk.join(kind, k.BOT)), new=True)


def _items(c: JuliaContext, nodes: Sequence[ast.expr], hint: ValueKind = k.BOT) -> tuple[list[str], ValueKind]:
    """Return the items of a list or tuple, and the join of their kinds."""
    parts: list[str] = []
    kind = k.BOT
    for node in nodes:
        if isinstance(node, ast.Starred):
            e = c.expr(ast.copy_location(ast.Call(ast.Name("list"), [node.value], []), node))
            parts.append(f"{e.at(PREFIX)}...")
            kind = jk.join(kind, jk.item_of(e.kind))
        else:
            e = c.expr(node, hint)
            parts.append(e.at(CHOICE))
            kind = jk.join(kind, jk.stored(e.kind))
    return parts, kind


@expression(ast.Tuple)
def _tuple(c: JuliaContext, node: ast.Tuple) -> Expr:
    hint = c.take_hint()
    if any(isinstance(item, ast.Starred) for item in node.elts):
        parts, kind = _items(c, node.elts)
        return Expr(f"({', '.join(parts)},)", PREFIX, jk.vartuple_of(kind), new=True)
    hints = hint.args if hint.name == "tuple" and len(hint.args) == len(node.elts) else (k.BOT,) * len(node.elts)
    items = [c.expr(n, h) for n, h in zip(node.elts, hints, strict=True)]
    text = ", ".join(e.at(CHOICE) for e in items) + ("," if len(items) == 1 else "")
    return Expr(f"({text})", PREFIX, k.tuple_of(*(jk.stored(e.kind) for e in items)), new=True)


@expression(ast.Dict)
def _dict(c: JuliaContext, node: ast.Dict) -> Expr:
    hint = c.take_hint()
    key_hint, value_hint = hint.args if hint.name == "dict" else (k.BOT, k.BOT)
    if None in node.keys:
        return _merged(c, node, hint)
    entries: list[str] = []
    keys, values = k.BOT, k.BOT
    for key, value in zip(node.keys, node.values, strict=True):
        assert key is not None
        a, b = c.expr(key, key_hint), c.expr(value, value_hint)
        entries.append(f"{a.at(CHOICE)} => {b.at(CHOICE)}")
        keys, values = jk.join(keys, jk.stored(a.kind)), jk.join(values, jk.stored(b.kind))
    kind = k.dict_of(keys, values)
    return Expr(f"{dict_type(c, kind, hint)}({', '.join(entries)})", PREFIX, kind, new=True)


def dict_type(c: JuliaContext, own: ValueKind, hint: ValueKind) -> str:
    """Return the constructor of a dict of the program."""
    whole = jk.join(own, hint) if hint.name == "dict" else own
    if own.args[0].name == "bot" or c.ordered or jk.julia_type(whole) != jk.julia_type(own) or "any" in _names(own):
        return jk.julia_type(ValueKind("dict", tuple(map(jk.stored, whole.args))), ordered=c.ordered)
    return "Dict"


def _names(kind: ValueKind) -> set[str]:
    return {part.name for part in kind.args}


def _merged(c: JuliaContext, node: ast.Dict, hint: ValueKind) -> Expr:
    parts: list[Expr] = []
    for key, value in zip(node.keys, node.values, strict=True):
        part = value if key is None else ast.copy_location(ast.Dict([key], [value]), node)
        parts.append(c.expr(part, hint))
    kind = jk.join_all(*(p.kind for p in parts))
    if c.ordered:
        raise refuse("a merge of dicts whose order matters", node)
    return call("merge", *parts, kind=ValueKind("dict", kind.args or (k.ANY, k.ANY), own=kind.own), new=True)


@expression(ast.Set)
def _set(c: JuliaContext, node: ast.Set) -> Expr:
    hint = _hinted_item(c.take_hint(), "set")
    parts, kind = _items(c, node.elts, hint)
    prefix = typed_prefix(c, kind, hint)
    return Expr(f"Set({prefix}[{', '.join(parts)}])", PREFIX, k.set_of(kind), new=True)


@expression(ast.IfExp)
def _if_expression(c: JuliaContext, node: ast.IfExp) -> Expr:
    return write_choice(*translate_choice_parts(c, node.test, node.body, node.orelse))


@expression(ast.BoolOp)
def _bool_operation(c: JuliaContext, node: ast.BoolOp) -> Expr:
    """Write ``x or y``, whose value is that of an operand."""
    hint = c.take_hint()
    if all(c.raw(value).kind.name == "bool" for value in node.values):
        return condition(c, node)
    *before, last = node.values
    result = c.expr(last, hint)
    for value in reversed(before):
        result = _either(c, value, result, holds=isinstance(node.op, ast.And))
    return result


def _either(c: JuliaContext, value: ast.expr, other: Expr, *, holds: bool) -> Expr:
    first = c.expr(value)
    kind = jk.join(first.kind if holds else k.strip_optional(first.kind), other.kind)
    if first.kind.name == "bool" and other.kind.name == "bool":
        return Expr(f"{first.at(OR + 1)} {'&&' if holds else '||'} {other.at(OR + 1)}", OR, k.BOOL)

    def write(name: str) -> str:
        test = condition_of(c, Expr(name, kind=first.kind)).at(CHOICE + 1)
        yes, no = (other.at(CHOICE), name) if holds else (name, other.at(CHOICE))
        return f"{test} ? {yes} : {no}"

    made = c.once(first, write)
    return Expr(made.text, made.prec or CHOICE, kind)


@expression(ast.NamedExpr)
def _walrus(c: JuliaContext, node: ast.NamedExpr) -> Expr:
    if c.here.immediate:
        raise refuse("an assignment inside a comprehension or lambda", node)
    e = c.expr(node.value)
    c.bind(node.target.id, e.kind)
    return Expr(f"({c.variable(node.target.id)} = {e.at(ASSIGN)})", PREFIX, e.kind)


@expression(ast.Lambda)
def _lambda(c: JuliaContext, node: ast.Lambda) -> Expr:
    check_capture(c, node)
    return lambda_text(c, node, [k.ANY] * len(node.args.args))


# ---------------------------------------------------------------------------------- comprehensions


def comprehend(
    c: JuliaContext, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, write: Callable[[], Expr]
) -> tuple[Expr, str]:
    """Translate a comprehension; return its element, and its clauses. ``write`` translates the element."""
    hint = c.take_hint()
    outer = c.here
    scope = Scope(node, outer, frozenset(), immediate=True)
    scope.env = {}
    c.scope = scope
    with restoring_kinds(c):
        clauses = comprehension_clauses(c, node.generators)
        for generator in node.generators:
            for test in generator.ifs:
                narrow(c, test, holds=True)
        c.hint = hint
        with c.any_order(irrelevant=False):
            element = write()
    c.scope = outer
    return element, clauses


def vector(c: JuliaContext, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, *, bare: bool = False) -> Expr:
    """Write a comprehension as a vector, or, ``bare``, as a generator without parentheses."""
    hint = c.take_hint()
    item_hint = hint.args[0] if hint.args and hint.name in ("list", "set") else k.BOT
    element, clauses = comprehend(c, node, lambda: (c.raw if bare else c.expr)(node.elt, item_hint))
    item = jk.stored(element.kind) if not bare else element.kind
    text = f"{element.at(CHOICE)} {clauses}"
    if bare:
        return Expr(text, 0, k.list_of(item))
    return Expr(f"{typed_prefix(c, item, item_hint)}[{text}]", PREFIX, k.list_of(item), new=True)


@expression(ast.ListComp)
def _list_comprehension(c: JuliaContext, node: ast.ListComp) -> Expr:
    return vector(c, node)


@expression(ast.GeneratorExp)
def _generator(c: JuliaContext, node: ast.GeneratorExp) -> Expr:
    return vector(c, node)


@expression(ast.SetComp)
def _set_comprehension(c: JuliaContext, node: ast.SetComp) -> Expr:
    with c.any_order():
        made = vector(c, node)
    return call("Set", made, kind=k.set_of(made.kind.args[0]), new=True)


@expression(ast.DictComp)
def _dict_comprehension(c: JuliaContext, node: ast.DictComp) -> Expr:
    hint = c.take_hint()
    key_hint, value_hint = hint.args if hint.name == "dict" else (k.BOT, k.BOT)
    pair: list[Expr] = []

    def write() -> Expr:
        pair.extend((c.expr(node.key, key_hint), c.expr(node.value, value_hint)))
        return pair[0]

    with c.any_order(irrelevant=distinct_keys(node.key, node.generators)) as order:
        _, clauses = comprehend(c, node, write)
    key, value = pair
    kind = ValueKind("dict", (jk.stored(key.kind), jk.stored(value.kind)), own=not order.lost)
    text = f"{key.at(CHOICE)} => {value.at(CHOICE)} {clauses}"
    return Expr(f"{dict_type(c, kind, hint)}({text})", PREFIX, kind, new=True)
