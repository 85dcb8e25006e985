"""Translate assignments, and refine the kinds of containers that a statement changes."""

import ast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.context import JuliaContext, call, statement
from glotsmith.teachers.offline.julia.iteration import Wish, as_vector, items_of
from glotsmith.teachers.offline.julia.operators import binary_operation
from glotsmith.teachers.offline.julia.subscripts import EMPTY, position, slice_expression
from glotsmith.teachers.offline.julia.syntax import CHOICE, PREFIX, Expr, is_simple
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import targets


@statement(ast.Assign)
def _assign(c: JuliaContext, node: ast.Assign) -> None:
    target = node.targets[0]
    if isinstance(node.value, ast.Lambda) and isinstance(target, ast.Name):
        return _assign_lambda(c, target, node.value)
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and len(node.targets) == 1:
        return _assign_tuple(c, target, node.value)
    _check_iterator(c, target, node.value)
    e = c.expr(node.value, _hint(c, target))
    if len(node.targets) > 1 and e.new and not isinstance(node.value, ast.Constant):
        first, *rest = node.targets
        assign(c, first, e)
        for other in rest:
            assign(c, other, c.expr(_as_load(first)))
        return
    for target in node.targets:
        assign(c, target, e)


def _check_iterator(c: JuliaContext, target: ast.expr, value: ast.expr) -> None:
    """Refuse an iterator that several places read: each item is read once in Python, and a vector has them always."""
    match value:
        case ast.GeneratorExp():
            pass
        case ast.Call(func=ast.Name(id="map" | "filter" | "zip" | "enumerate" | "reversed" as name)) if (
            c.owner(name) is None
        ):
            pass
        case _:
            return
    read = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} - set(targets(target))
    stored = [n for n in ast.walk(c.here.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    if any(n.id in read and n.lineno > value.lineno for n in stored):
        raise refuse("an iterator over values that change before it is read", value)
    names = [n for n in ast.walk(c.here.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    if isinstance(target, ast.Name) and sum(n.id == target.id for n in names) > 1:
        raise refuse("an iterator that is read in several places", value)


def _as_load(target: ast.expr) -> ast.expr:
    if not isinstance(target, ast.Name):
        raise refuse("this chained assignment", target)
    return ast.copy_location(ast.Name(target.id, ast.Load()), target)


def _assign_lambda(c: JuliaContext, target: ast.Name, node: ast.Lambda) -> None:
    assign(c, target, c.expr(node))


def _assign_tuple(c: JuliaContext, target: ast.Tuple, value: ast.Tuple) -> None:
    """Write ``a, b = x, y``, which Julia writes the same way."""
    if len(target.elts) != len(value.elts) or any(isinstance(e, ast.Starred) for e in (*target.elts, *value.elts)):
        return assign(c, target, c.expr(value))
    values = [c.expr(v, _hint(c, t)) for t, v in zip(target.elts, value.elts, strict=True)]
    if _reads_assigned(target):
        names = [c.fresh("value") for _ in values]
        c.emit(f"{', '.join(names)} = {', '.join(v.at(CHOICE) for v in values)}")
        for t, name, v in zip(target.elts, names, values, strict=True):
            assign(c, t, Expr(name, kind=v.kind))
        return
    places = [place(c, t) for t in target.elts]
    c.emit(f"{', '.join(places)} = {', '.join(v.at(CHOICE) for v in values)}")
    for t, v in zip(target.elts, values, strict=True):
        bind(c, t, v.kind)


def _reads_assigned(target: ast.Tuple) -> bool:
    """Whether an index of ``xs[i], i = …`` reads a variable that the same statement assigns."""
    assigned = set(targets(target))
    parts = [n for e in target.elts if not isinstance(e, ast.Name) for n in ast.walk(e) if isinstance(n, ast.Name)]
    return any(n.id in assigned and isinstance(n.ctx, ast.Load) for n in parts)


def _hint(c: JuliaContext, target: ast.expr) -> ValueKind:
    match target:
        case ast.Name(id=name):
            return c.joined_kind(name)
        case ast.Subscript(value=value) if not isinstance(target.slice, ast.Slice):
            kind = k.strip_optional(c.joined_kind(value.id) if isinstance(value, ast.Name) else c.expr(value).kind)
            return kind.args[-1] if kind.name in ("list", "dict") else k.BOT
        case _:
            return k.BOT


def place(c: JuliaContext, target: ast.expr) -> str:
    """Write the left side of an assignment."""
    match target:
        case ast.Name(id=name):
            c.here.shifted.discard(name)
            return c.variable(name)
        case ast.Tuple(elts=elts) | ast.List(elts=elts) if not any(isinstance(e, ast.Starred) for e in elts):
            return f"({', '.join(place(c, e) for e in elts)}{',' if len(elts) == 1 else ''})"
        case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice):
            return _element(c, c.expr(value), index)
        case _:
            raise refuse("this target of an assignment", target)


def _element(c: JuliaContext, base: Expr, index: ast.expr) -> str:
    at = c.expr(index)
    match k.strip_optional(base.kind).name:
        case "list":
            return f"{base.at(PREFIX)}[{position(base, at)}]"
        case "dict":
            return f"{base.at(PREFIX)}[{at}]"
        case "any" | "bot":
            if at.kind.name == "int":
                raise refuse("an assignment to a part of an unknown value", index)
            return f"{base.at(PREFIX)}[{at}]"
        case name:
            raise refuse(f"an assignment to a part of a {name}", index)


def bind(c: JuliaContext, target: ast.expr, kind: ValueKind) -> None:
    """Record the kinds that an assignment gives to its target."""
    match target:
        case ast.Name(id=name):
            c.bind(name, kind)
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            fixed = kind.name == "tuple" and not jk.is_vartuple(kind) and len(kind.args) == len(elts)
            for i, element in enumerate(elts):
                bind(c, element, kind.args[i] if fixed else jk.item_of(kind))
        case ast.Subscript(value=value, slice=index):
            refine_item(c, value, c.expr(index).kind, kind)
        case _:
            pass


def refine_item(c: JuliaContext, container: ast.expr, index: ValueKind, item: ValueKind) -> None:
    """Record that ``container[index]`` is an ``item``."""
    known = k.strip_optional(c.expr(container).kind)
    if known.name == "list":
        refine(c, container, k.list_of(jk.stored(item)))
    elif known.name == "dict":
        refine(c, container, ValueKind("dict", (jk.stored(index), jk.stored(item)), own=known.own))


def refine(c: JuliaContext, container: ast.expr, kind: ValueKind) -> None:
    """Record what a mutable value holds."""
    match container:
        case ast.Name(id=name):
            known = k.strip_optional(c.lookup(name))
            if known.name == kind.name:
                c.bind(name, jk.join(c.lookup(name), kind))
        case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice):
            refine_item(c, value, c.expr(index).kind, kind)
        case ast.Call(func=ast.Attribute(value=value, attr="setdefault"), args=[key, _]):
            refine_item(c, value, c.expr(key).kind, kind)
        case _:
            pass


def assign(c: JuliaContext, target: ast.expr, e: Expr) -> None:
    """Write an assignment."""
    if isinstance(target, ast.Tuple | ast.List) and k.strip_optional(e.kind).name in ("str", "dict", "set"):
        items = items_of(c, e, target, Wish())
        e = Expr(items.text, items.prec, k.list_of(items.item))
    match target:
        case ast.Tuple(elts=elts) | ast.List(elts=elts) if any(isinstance(t, ast.Starred) for t in elts):
            return _assign_starred(c, elts, e)
        case ast.Tuple() if _reads_assigned(target):
            raise refuse("an index that reads a variable of the same assignment", target)
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            e = _counted(c, e, len(elts), "==")
            c.emit(f"{', '.join(place(c, t) for t in elts)}{',' if len(elts) == 1 else ''} = {e}")
        case ast.Subscript(value=value, slice=ast.Slice() as part):
            return _assign_slice(c, value, part, e)
        case _:
            c.emit(f"{place(c, target)} = {e}")
    bind(c, target, e.kind)


def _counted(c: JuliaContext, e: Expr, count: int, sign: str) -> Expr:
    """Check the number of values that are unpacked if the program handles the error of another number."""
    if not c.catches or (e.kind.name == "tuple" and not jk.is_vartuple(e.kind)):
        return e
    if not is_simple(e):
        name = c.fresh("items")
        c.emit(f"{name} = {e}")
        e = Expr(name, kind=e.kind)
    c.emit(f'length({e}) {sign} {count} || throw(ArgumentError("wrong number of values to unpack"))')
    return e


def _assign_starred(c: JuliaContext, elts: list[ast.expr], e: Expr) -> None:
    at = next(i for i, t in enumerate(elts) if isinstance(t, ast.Starred))
    after = len(elts) - at - 1
    name = c.fresh("items")
    c.emit(f"{name} = {e}")
    _counted(c, Expr(name, kind=e.kind), len(elts) - 1, ">=")
    item = jk.item_of(e.kind)
    for i, target in enumerate(elts):
        if isinstance(target, ast.Starred):
            last = f"end - {after}" if after else "end"
            rest = f"{name}[{at + 1}:{last}]"
            text = rest if k.strip_optional(e.kind).name == "list" else f"collect({rest})"
            assign(c, target.value, Expr(text, PREFIX, k.list_of(item)))
        else:
            index = str(i + 1) if i < at else ("end" if i == len(elts) - 1 else f"end - {len(elts) - 1 - i}")
            assign(c, target, Expr(f"{name}[{index}]", PREFIX, item))


def _assign_slice(c: JuliaContext, container: ast.expr, part: ast.Slice, e: Expr) -> None:
    base = c.expr(container)
    if base.kind.name != "list":
        raise refuse("an assignment to a slice of an unknown value", container)
    where = slice_expression(c, base, part).text
    refine(c, container, k.list_of(jk.item_of(e.kind)))
    if not where.startswith(f"{base.at(PREFIX)}["):
        raise refuse("an assignment to this slice", container)
    if part.step is not None:
        c.emit(f"{where} = {e}")
        return
    bounds = where[len(base.at(PREFIX)) + 1 : -1].replace("end", f"length({base})")
    if bounds == ":":
        bounds = f"1:length({base})"
    first, colon, last = bounds.partition(":")
    if first != "1":  # Python adds the items at the end of a list that is too short
        bounds = f"min({first}, length({base}) + 1){colon}{last}"
    c.emit(f"splice!({base}, {bounds}, {e})")


@statement(ast.AnnAssign)
def _annotated(c: JuliaContext, node: ast.AnnAssign) -> None:
    if node.value is not None:
        e = c.expr(node.value, _hint(c, node.target))
        assign(c, node.target, e)


_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+=",
    ast.Sub: "-=",
    ast.Mult: "*=",
    ast.Div: "/=",
    ast.BitOr: "|=",
    ast.BitAnd: "&=",
    ast.BitXor: "⊻=",
    ast.LShift: "<<=",
    ast.RShift: ">>=",
    ast.Pow: "^=",
}


@statement(ast.AugAssign)
def _augmented(c: JuliaContext, node: ast.AugAssign) -> None:
    target = node.target
    loaded = _loaded(c, target)
    hint = loaded.kind if loaded.kind.name in ("list", "set", "dict") else k.BOT
    value = c.raw(node.value, hint)
    kind = k.strip_optional(loaded.kind)
    if kind.name in ("list", "set", "dict") and _mutate(c, node, loaded, value.as_string()):
        return
    result = binary_operation(c, node.op, loaded, value, node)
    left = place(c, target)
    sign = _SIGNS.get(type(node.op), "")
    head, tail = f"{loaded.text} {sign[:-1]} ", result.text
    if kind.name == "str" and isinstance(node.op, ast.Add):
        sign, head = "*=", f"{loaded.text} * "
    if sign and tail.startswith(head) and (isinstance(target, ast.Name) or left == loaded.text):
        c.emit(f"{left} {sign} {tail[len(head) :]}")
    else:
        c.emit(f"{left} = {result}")
    bind(c, target, result.kind)


def _loaded(c: JuliaContext, target: ast.expr) -> Expr:
    match target:
        case ast.Name(id=name):
            return c.expr(ast.copy_location(ast.Name(name, ast.Load()), target))
        case ast.Subscript(value=value, slice=index):
            base = c.expr(value)
            if base.kind.name == "dict" and base.kind.default in EMPTY:
                return call("get", base, c.expr(index), EMPTY[base.kind.default], kind=base.kind.args[1])
            return c.expr(ast.copy_location(ast.Subscript(value, index, ast.Load()), target))
        case _:
            raise refuse("this target of an assignment", target)


def _mutate(c: JuliaContext, node: ast.AugAssign, loaded: Expr, value: Expr) -> bool:
    """Write ``+=`` of a list, and ``|=`` of a set or dict, which change the value in place."""
    name = loaded.kind.name
    match name, node.op:
        case "list", ast.Add():
            items = as_vector(c, node.value) if value.kind.name not in ("list", "tuple") else value
            refine(c, _load(node.target), k.list_of(jk.stored(jk.item_of(items.kind))))
            match node.value:
                case ast.List(elts=[item]) if not isinstance(item, ast.Starred):
                    c.emit(f"push!({loaded}, {c.expr(item, jk.item_of(loaded.kind))})")
                case _:
                    c.emit(f"append!({loaded}, {items})")
        case "set", ast.BitOr():
            refine(c, _load(node.target), k.set_of(jk.item_of(value.kind)))
            c.emit(f"union!({loaded}, {value})")
        case "set", ast.BitAnd():
            c.emit(f"intersect!({loaded}, {value})")
        case "set", ast.Sub():
            c.emit(f"setdiff!({loaded}, {value})")
        case "dict", ast.BitOr():
            refine(c, _load(node.target), value.kind)
            c.emit(f"merge!({loaded}, {value})")
        case _:
            return False
    return True


def _load(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    assert isinstance(target, ast.Subscript)
    return ast.copy_location(ast.Subscript(target.value, target.slice, ast.Load()), target)
