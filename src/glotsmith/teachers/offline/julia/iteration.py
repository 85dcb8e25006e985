"""Translate what loops and comprehensions iterate over: ranges, strings, dicts, ``enumerate``, ``zip``."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.context import JuliaContext, call
from glotsmith.teachers.offline.julia.syntax import ADD, AND, PREFIX, RANGE, Expr, plus
from glotsmith.teachers.offline.julia.truth import condition, narrow
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import targets


@dataclass(frozen=True)
class Items:
    """A Julia iterable: its text, and the kind of its items."""

    text: str
    item: ValueKind
    prec: int = PREFIX
    shifted: bool = False  #: whether the (first) variable is one more than in Python
    pairs: bool = False  #: whether the items are the pairs of a dict
    new: bool = False  #: whether the iterable is a new vector

    def at(self, prec: int) -> str:
        """Return the text, in parentheses if its precedence is lower than ``prec``."""
        return self.text if self.prec >= prec else f"({self.text})"


@dataclass(frozen=True)
class Wish:
    """Which forms of items the consumer accepts."""

    chars: bool = False  #: items, or parts of items, may be a ``Char``
    shift: bool = False  #: the (first) variable may be one more than in Python
    ranges: bool = False  #: whether a plain ``range(n)`` is to be shifted


def range_text(c: JuliaContext, node: ast.Call, *, shift: bool = False) -> Items:
    """Write ``range(…)``, with ``shift`` as the numbers that are one more."""
    arguments = c.exprs(node.args)
    start = arguments[0] if len(arguments) > 1 else Expr("0", kind=k.at_least(0))
    stop = arguments[1] if len(arguments) > 1 else arguments[0]
    step = arguments[2].text if len(arguments) > 2 else "1"
    up = not step.startswith("-")
    if len(arguments) > 2 and not step.lstrip("-").isdigit():
        text = f"{start.at(RANGE + 1)}:{arguments[2].at(RANGE + 1)}:{stop.at(ADD)} - sign({step})"
        return Items(text, k.NAT if _low(start) == 0 and _low(arguments[2]) else k.INT, RANGE)
    offset = int(shift)
    head = plus(start, offset) if offset else start.at(RANGE + 1)
    last = plus(stop, offset + (-1 if up else 1))
    middle = "" if step == "1" else f"{step}:"
    low = start.kind.low if up else (stop.kind.low + 1 if stop.kind.low is not None else None)
    return Items(f"{head}:{middle}{last}", k.at_least(low), RANGE, shifted=shift)


def _low(e: Expr) -> int | None:
    return e.kind.low


def iterate(c: JuliaContext, node: ast.expr, wish: Wish = Wish()) -> Items:
    """Translate an iterable."""
    if isinstance(node, ast.Call):
        maker = _MAKERS.get(_callee(c, node))
        if maker is not None:
            return maker(c, node, wish)
    return items_of(c, c.expr(node), node, wish)


def items_of(c: JuliaContext, e: Expr, node: ast.expr, wish: Wish) -> Items:
    """Return the items of a translated value."""
    kind = k.strip_optional(e.kind)
    match kind.name:
        case "str" if wish.chars:
            return Items(e.text, jk.CHAR, e.prec)
        case "str":
            return Items(f"string.(collect({e}))", k.STR, new=True)
        case "dict":
            c.need_order(kind, node)
            return Items(f"keys({e})", kind.args[0])
        case "set":
            c.need_order(kind, node)
            return Items(e.text, kind.args[0], e.prec)
        case "list" | "tuple" | "iter":
            return Items(e.text, jk.item_of(kind), e.prec, new=e.new and kind.name == "list")
        case "any" | "bot":
            return Items(f"items_of({e})", jk.item_of(kind))
        case _:
            raise refuse(f"an iteration over a value of type {kind.name}", node)


def _callee(c: JuliaContext, node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) if c.owner(name) is None and name not in c.imported:
            return name if not node.keywords or name == "enumerate" else ""
        case ast.Attribute(attr="items" | "keys" | "values" as name) if not node.args:
            return f".{name}"
        case _:
            return ""


Maker = Callable[[JuliaContext, ast.Call, Wish], Items]
_MAKERS: dict[str, Maker] = {}


def _maker(name: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        _MAKERS[name] = maker
        return maker

    return register


@_maker("range")
def _range(c: JuliaContext, node: ast.Call, wish: Wish) -> Items:
    return range_text(c, node, shift=wish.ranges and wish.shift and len(node.args) < 3)


@_maker("enumerate")
def _enumerate(c: JuliaContext, node: ast.Call, wish: Wish) -> Items:
    with c.any_order(irrelevant=False):
        inner = iterate(c, node.args[0], Wish(chars=wish.chars))
    first = node.args[1] if len(node.args) > 1 else next((w.value for w in node.keywords), None)
    start = Expr("0", kind=k.NAT) if first is None else c.expr(first)
    if start.text == "1":
        return Items(f"enumerate({inner.text})", k.tuple_of(k.at_least(1), inner.item))
    if start.text == "0" and wish.shift:
        return Items(f"enumerate({inner.text})", k.tuple_of(k.NAT, inner.item), shifted=True)
    return Items(f"zip(Iterators.countfrom({start}), {inner.text})", k.tuple_of(start.kind, inner.item))


@_maker("zip")
def _zip(c: JuliaContext, node: ast.Call, wish: Wish) -> Items:
    parts: list[str] = []
    kinds: list[ValueKind] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            rows = c.expr(argument.value)
            if jk.item_of(rows.kind).name == "iter":
                raise refuse("zip of an iterator", node)
            return Items(f"zip({rows.at(PREFIX)}...)", jk.vartuple_of(jk.item_of(jk.item_of(rows.kind))))
        with c.any_order(irrelevant=False):
            inner = iterate(c, argument, Wish(chars=wish.chars))
        if _is_iterator(c, argument, inner):
            raise refuse("zip of an iterator", node)
        parts.append(inner.text)
        kinds.append(inner.item)
    return Items(f"zip({', '.join(parts)})", k.tuple_of(*kinds))


def _is_iterator(c: JuliaContext, node: ast.expr, items: Items) -> bool:
    """Whether an iterable is the result of ``iter``, of which each reader takes items away from the others."""
    named = isinstance(node, ast.Name) and c.lookup(node.id).name == "iter"
    return named or items.text.startswith("Iterators.Stateful(")


@_maker("reversed")
def _reversed(c: JuliaContext, node: ast.Call, wish: Wish) -> Items:
    argument = node.args[0]
    if isinstance(argument, ast.Call) and _callee(c, argument) == "range":
        inner = range_text(c, argument, shift=wish.ranges and wish.shift and len(argument.args) < 3)
        return Items(f"reverse({inner.text})", inner.item, shifted=inner.shifted)
    inner = iterate(c, argument, Wish(chars=wish.chars))
    text = inner.text
    if inner.text.startswith(("zip(", "enumerate(", "keys(", "values(")):
        text = f"collect({inner.text})"
    return Items(f"reverse({text})", inner.item, new=True)


def _dict_view(c: JuliaContext, node: ast.Call) -> Expr | None:
    assert isinstance(node.func, ast.Attribute)
    e = c.expr(node.func.value)
    if k.strip_optional(e.kind).name == "dict":
        c.need_order(e.kind, node)
        return e
    if k.strip_optional(e.kind).name in k.UNKNOWN:
        if not c.order.irrelevant:
            raise refuse("an iteration over a dict of unknown origin", node)
        return Expr(e.text, e.prec, k.dict_of(k.ANY, k.ANY))
    return None


@_maker(".items")
def _items(c: JuliaContext, node: ast.Call, wish: Wish) -> Items:
    e = _dict_view(c, node)
    if e is None:
        raise refuse("the method .items()", node)
    return Items(e.text, k.tuple_of(*k.strip_optional(e.kind).args), e.prec, pairs=True)


@_maker(".keys")
def _keys(c: JuliaContext, node: ast.Call, wish: Wish) -> Items:
    e = _dict_view(c, node)
    if e is None:
        raise refuse("the method .keys()", node)
    return Items(f"keys({e})", k.strip_optional(e.kind).args[0])


@_maker(".values")
def _values(c: JuliaContext, node: ast.Call, wish: Wish) -> Items:
    e = _dict_view(c, node)
    if e is None:
        raise refuse("the method .values()", node)
    return Items(f"values({e})", k.strip_optional(e.kind).args[1])


# ------------------------------------------------------------------------------------------ targets


def bind_target(c: JuliaContext, target: ast.expr, kind: ValueKind, *, shifted: bool = False) -> str:
    """Bind the variables of a loop, and return the target."""
    match target:
        case ast.Name(id=name):
            (c.here.shifted.add if shifted else c.here.shifted.discard)(name)
            c.bind(name, kind)
            return c.variable(name)
        case ast.Tuple(elts=elts) | ast.List(elts=elts) if not any(isinstance(e, ast.Starred) for e in elts):
            fixed = kind.name == "tuple" and not jk.is_vartuple(kind) and len(kind.args) == len(elts)
            kinds = kind.args if fixed else [jk.item_of(kind)] * len(elts)
            pairs = enumerate(zip(elts, kinds, strict=False))
            parts = [bind_target(c, e, p, shifted=shifted and not i) for i, (e, p) in pairs]
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        case _:
            raise refuse("the target of this loop", target)


def wish_for(c: JuliaContext, target: ast.expr, uses: Sequence[ast.AST]) -> Wish:
    """Decide which forms of items a loop with this target and these ``uses`` accepts."""
    scope = c.here
    names = set(targets(target))
    free = not names & scope.reassigned
    simple = isinstance(target, ast.Name)
    first = target if simple else target.elts[0] if isinstance(target, ast.Tuple) and target.elts else None
    indexes = others = 0
    if isinstance(first, ast.Name):
        indexes, others = _count_uses(first.id, uses)
    return Wish(chars=free, shift=free and isinstance(first, ast.Name), ranges=simple and indexes > others)


def _count_uses(name: str, uses: Sequence[ast.AST]) -> tuple[int, int]:
    """Count the uses of a variable as an index, and its other uses."""
    indexes = total = 0
    for root in uses:
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and node.id == name:
                total += 1
            if isinstance(node, ast.Subscript) and _is_offset(node.slice, name):
                indexes += 1
    return indexes, total - indexes


def _is_offset(node: ast.expr, name: str) -> bool:
    match node:
        case ast.Name(id=found):
            return found == name
        case ast.BinOp(left=ast.Name(id=found), op=ast.Add() | ast.Sub(), right=ast.Constant(value=int())):
            return found == name
        case _:
            return False


def comprehension_clauses(c: JuliaContext, generators: Sequence[ast.comprehension]) -> str:
    """Write ``for x in xs if test`` of a comprehension whose scope is current."""
    parts: list[str] = []
    for i, generator in enumerate(generators):
        names = frozenset(targets(generator.target))
        if i:
            items = _clause_items(c, generator, c.here.node)
        else:
            scope = c.here
            c.scope = scope.parent
            items = _clause_items(c, generator, scope.node)
            c.scope = scope
        c.here.names |= names
        target = bind_target(c, generator.target, items.item, shifted=items.shifted)
        parts.append(f"for {target} in {items.text}")
        tests: list[str] = []
        for test in generator.ifs:
            with c.any_order(irrelevant=False):
                tests.append(condition(c, test).at(AND))
            narrow(c, test, holds=True)
        if tests:
            parts.append(f"if {' && '.join(tests)}")
    return " ".join(parts)


def _clause_items(c: JuliaContext, generator: ast.comprehension, node: ast.AST) -> Items:
    wish = wish_for(c, generator.target, [node])
    return materialised(iterate(c, generator.iter, replace(wish, chars=True, shift=True)), generator.target)


def materialised(items: Items, target: ast.expr) -> Items:
    """Return items of which none is a tuple with a ``Char`` or a pair of a dict that the target does not unpack."""
    if not isinstance(target, ast.Name) or items.item.name != "tuple":
        return items
    kinds = items.item.args
    if not jk.is_vartuple(items.item) and (any(part == jk.CHAR for part in kinds) or items.shifted or items.pairs):
        names = [f"x{i}" for i in range(1, len(kinds) + 1)]
        parts = [f"string({n})" if p == jk.CHAR else n for n, p in zip(names, kinds, strict=True)]
        if items.shifted:
            parts[0] = f"{names[0]} - 1"
        made = f"(({', '.join(parts)}) for ({', '.join(names)}) in {items.text})"
        return Items(made, jk.stored(items.item))
    return items


def as_vector(c: JuliaContext, node: ast.expr) -> Expr:
    """Translate an iterable to a new vector."""
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return c.expr(node)
    items = iterate(c, node)
    if items.prec == RANGE or items.text.startswith(("zip(", "enumerate(", "keys(", "values(")):
        return call("collect", items.text, kind=k.list_of(jk.stored(items.item)), new=True)
    if isinstance(node, ast.Call) and _callee(c, node) == ".items":
        text = f"[(x, y) for (x, y) in {items.text}]"
        return Expr(text, PREFIX, k.list_of(jk.stored(items.item)), new=True)
    if items.new and items.prec == PREFIX:
        return Expr(items.text, items.prec, k.list_of(items.item), new=True)
    return call("collect", items.text, kind=k.list_of(items.item), new=True)
