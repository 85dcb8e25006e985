"""Decide whether the result of a loop or comprehension depends on the order of its iteration.

A key is a variable that has another value in each iteration: the key of a dict, the item of a set. An entry that a loop
stores under a key is not touched by its other iterations.
"""

import ast
from collections.abc import Callable, Iterator

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.scopes import DeclarationPlan, targets

Lookup = Callable[[ast.expr], ValueKind]  #: returns the kind of a variable, or of a part of a variable
_SUMS = (ast.Add, ast.Sub)
CHANGES = {
    *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove"),
    *("reverse", "setdefault", "sort", "update"),
}  #: methods that change a container
_NUMBERS = ("int", "float", "bool", "bot")


def keys_of(target: ast.expr, source: ast.expr) -> set[str]:
    """Return the keys among the variables of a loop over ``source``."""
    match source:
        case ast.Call(func=ast.Attribute(attr="items"), args=[]):
            first = target.elts[0] if isinstance(target, ast.Tuple) and len(target.elts) == 2 else target
            return {first.id} if isinstance(first, ast.Name) else set()
        case ast.Call(func=ast.Name(id="list" | "tuple" | "sorted"), args=[inner]):
            return keys_of(target, inner)
        case ast.Call(func=ast.Attribute(attr="keys"), args=[]) | ast.Call(func=ast.Name(id="set" | "frozenset")):
            pass
        case ast.Name() | ast.Subscript() | ast.Attribute() | ast.Set() | ast.SetComp() | ast.BinOp():
            pass
        case _:
            return set()
    return {target.id} if isinstance(target, ast.Name) else set()


def is_key(index: ast.expr, keys: set[str]) -> bool:
    """Whether an expression has another value in each iteration: a key, or a tuple that has a key."""
    match index:
        case ast.Name(id=name):
            return name in keys
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return is_key(inner, keys)
        case ast.Tuple(elts=elts):
            return any(is_key(e, keys) for e in elts)
        case _:
            return False


def distinct_keys(element: ast.expr, generators: list[ast.comprehension]) -> bool:
    """Whether each iteration of a comprehension makes another ``element``, so that none replaces another."""
    found = [keys_of(g.target, g.iter) for g in generators]
    if len(found) == 1:
        return is_key(element, found[0])
    parts = element.elts if isinstance(element, ast.Tuple) else [element]
    return all(any(is_key(e, keys) for e in parts) for keys in found)


def is_total(key: ast.expr, source: ast.expr) -> bool:
    """Whether the key function of a sort differs for all items of ``source``, so that there are no ties."""
    if not isinstance(key, ast.Lambda) or len(key.args.args) != 1:
        return False
    name = key.args.args[0].arg
    item: ast.expr = ast.Name(name, ast.Load())
    if not keys_of(item, source):
        return False
    parts = key.body.elts if isinstance(key.body, ast.Tuple) else [key.body]
    wanted = {name, f"-{name}"}
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) and source.func.attr == "items":
        wanted |= {f"{name}[0]", f"-{name}[0]"}
    return any(ast.unparse(p) in wanted for p in parts)


def order_matters(loop: ast.For, plan: DeclarationPlan, kind: Lookup) -> bool:
    """Whether a loop does more than sum, and fill or change the entries of its keys."""
    return bool(loop.orelse) or not _Loop(loop, plan, kind).is_independent()


def filled_by(loop: ast.For) -> set[str]:
    """Return the variables whose entries a loop may add: their order becomes that of the loop."""
    return {root for node in ast.walk(loop) for root in _stored(node)} | {
        root for node in ast.walk(loop) for root in _called(node)
    }


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _stored(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        yield _root(node)


def _called(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
        yield _root(node.func)


class _Loop:
    def __init__(self, loop: ast.For, plan: DeclarationPlan, kind: Lookup) -> None:
        self.loop, self.kind = loop, kind
        inside = {id(n) for s in loop.body for n in ast.walk(s)}
        inner = {n for s in loop.body for f in ast.walk(s) if isinstance(f, ast.For) for n in targets(f.target)}
        self.local = set(targets(loop.target)) | inner | {n for s, n in plan.inline if id(s) in inside}
        bound = {
            n.id for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        self.keys = keys_of(loop.target, loop.iter) - bound
        self.own = {n for n in self.local if self._is_fresh(n)}
        self.changed = (bound | filled_by(loop)) - self.local
        self.keyed = {n for n in self.changed if n not in bound and self._is_keyed(n)}
        self.exits: set[str] = set()
        self.signs: dict[str, set[str]] = {}

    def is_independent(self) -> bool:
        if not all(self._statement(s, inner=False) for s in self.loop.body):
            return False
        effects = self.changed - self.local
        return (not self.exits or (len(self.exits) == 1 and not effects)) and all(
            len(found) == 1 for found in self.signs.values()
        )

    # ------------------------------------------------------------------------------------------ reading

    def _is_fresh(self, name: str) -> bool:
        """Whether a local variable never is another name of a value that several iterations share."""
        values = [
            n.value
            for s in self.loop.body
            for n in ast.walk(s)
            if isinstance(n, ast.Assign) and any(name in set(targets(t)) for t in n.targets)
        ]
        shared = (ast.Name, ast.Subscript, ast.Attribute, ast.IfExp, ast.BoolOp, ast.Call)
        return all(not isinstance(v, shared) or self._has_key(v) or _makes(v) for v in values)

    def _has_key(self, node: ast.expr) -> bool:
        """Whether an expression refers to the entry of a key, or to a part of it."""
        match node:
            case ast.Subscript(value=value, slice=index):
                return is_key(index, self.keys) or self._has_key(value)
            case ast.Call(func=ast.Attribute(value=value, attr="get" | "setdefault"), args=[index, *_]):
                return is_key(index, self.keys) or self._has_key(value)
            case _:
                return False

    def _is_keyed(self, name: str) -> bool:
        """Whether the loop changes only the entries of its keys in a container."""
        for s in self.loop.body:
            for n in ast.walk(s):
                if isinstance(n, ast.Subscript) and name in _stored(n) and not self._has_key(n):
                    return False
                if isinstance(n, ast.Call) and name in _called(n):
                    assert isinstance(n.func, ast.Attribute)
                    if not self._has_key(n.func.value) and not self._has_key(n):
                        return False
        return True

    def _clean(self, node: ast.AST | None) -> bool:
        """Whether an expression reads nothing that other iterations change, and changes nothing itself."""
        match node:
            case None:
                return True
            case ast.Name(id=name):
                return name not in self.changed
            case ast.Lambda() | ast.NamedExpr() | ast.Yield() | ast.YieldFrom() | ast.Await():
                return False
            case ast.Compare(left=index, ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=name)]) if (
                name in self.keyed
            ):
                return is_key(index, self.keys)
            case ast.Call(func=ast.Name(id="next" | "print" | "input")):
                return False
            case ast.Call(func=ast.Attribute(attr="setdefault")) if self._has_key(node):
                return all(self._clean(a) for a in node.args)
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in CHANGES:
                return _root(value) in self.own and all(self._clean(a) for a in node.args)
            case ast.Subscript() | ast.Call(func=ast.Attribute(attr="get")) if (
                self._has_key(node) and _root(node) in self.keyed
            ):
                return all(self._clean(n) for n in ast.walk(node) if isinstance(n, ast.Name) and n.id != _root(node))
            case _:
                return all(self._clean(child) for child in ast.iter_child_nodes(node))

    # --------------------------------------------------------------------------------------- statements

    def _statement(self, node: ast.stmt, *, inner: bool) -> bool:
        match node:
            case ast.Pass() | ast.Continue() | ast.Expr(value=ast.Constant()):
                return True
            case ast.Break():
                return inner
            case ast.Return(value=None | ast.Constant()) | ast.Raise():
                self.exits.add(ast.dump(node))
                return True
            case ast.Assert(test=test):
                return self._clean(test)
            case ast.Assign(targets=[target], value=value):
                return self._assignment(target, value)
            case ast.AugAssign(target=target, op=op, value=value):
                return self._clean(value) and self._augmented(target, op, value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=value, attr=attr), args=args, keywords=[])) if (
                attr in CHANGES
            ):
                return all(map(self._clean, args)) and self._change(value, attr)
            case ast.If():
                return self._count(node) or (
                    self._clean(node.test) and all(self._statement(s, inner=inner) for s in (*node.body, *node.orelse))
                )
            case ast.For(iter=source, body=body, orelse=orelse):
                return self._clean(source) and all(self._statement(s, inner=True) for s in (*body, *orelse))
            case ast.While(test=test, body=body, orelse=[]):
                return self._clean(test) and all(self._statement(s, inner=True) for s in body)
            case _:
                return False

    def _assignment(self, target: ast.expr, value: ast.expr) -> bool:
        match target:
            case ast.Name() | ast.Tuple() | ast.List():
                return set(targets(target)) <= self.local and self._clean(value)
            case ast.Subscript(slice=index) if self._has_key(target) or _root(target) in self.own:
                return self._clean(index) and self._clean(value)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                if not self._clean(index):
                    return False
                if isinstance(value, ast.Constant):
                    return self._sign(name, f"= {value.value!r}")
                return self._is_sum(target, value) and self._sign(name, "+")
            case _:
                return False

    def _is_sum(self, target: ast.Subscript, value: ast.expr) -> bool:
        """Whether a value is ``d[i] + …`` or ``d.get(i, 0) + …`` for the target ``d[i]``."""
        if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
            return False
        owner, index = ast.unparse(target.value), ast.unparse(target.slice)
        old = {f"{owner}[{index}]", f"{owner}.get({index}, 0)", f"{owner}.get({index}, 0.0)"}
        for first, second in ((value.left, value.right), (value.right, value.left)):
            if ast.unparse(first) in old and self._clean(second):
                return ".get(" in ast.unparse(first) or self._is_number(target)
        return False

    def _is_number(self, node: ast.expr) -> bool:
        return k.strip_optional(self.kind(node)).name in _NUMBERS

    def _sign(self, name: str, sign: str) -> bool:
        self.signs.setdefault(name, set()).add(sign)
        return True

    def _augmented(self, target: ast.expr, op: ast.operator, value: ast.expr) -> bool:
        if isinstance(target, ast.Name) and target.id in self.local:
            return target.id in self.own or self._is_number(target)
        if isinstance(target, ast.Subscript):
            if not self._clean(target.slice):
                return False
            if self._has_key(target) or _root(target) in self.own:
                return True
        kind = k.strip_optional(self.kind(target)).name
        number = kind in _NUMBERS or (kind == "any" and _is_literal_number(value))
        if isinstance(op, (*_SUMS, ast.Mult)):
            return number and self._sign(_root(target), "+" if isinstance(op, _SUMS) else "*")
        if isinstance(op, ast.BitOr | ast.BitAnd | ast.BitXor):
            return kind in ("int", "bool", "set", "bot") and self._sign(_root(target), type(op).__name__)
        return False

    def _change(self, container: ast.expr, method: str) -> bool:
        if self._has_key(container) or _root(container) in self.own:
            return True
        if not isinstance(container, ast.Name) or method not in ("add", "discard", "update"):
            return False
        return self.kind(container).name in ("set", "bot", "any") and self._sign(container.id, method)

    def _count(self, node: ast.If) -> bool:
        """Whether an ``if`` counts: ``if i in d: d[i] += n``, ``else: d[i] = n``."""
        match node.test:
            case ast.Compare(left=index, ops=[ast.In() | ast.NotIn() as op], comparators=[ast.Name(id=name)]):
                pass
            case _:
                return False
        new, old = (node.body, node.orelse) if isinstance(op, ast.NotIn) else (node.orelse, node.body)
        match new, old:
            case (
                [ast.Assign(targets=[ast.Subscript() as first], value=start)],
                [ast.AugAssign(target=ast.Subscript() as second, op=ast.Add(), value=step)],
            ):
                same = ast.unparse(start) == ast.unparse(step)
            case [ast.Assign(targets=[ast.Subscript() as first], value=ast.Constant(value=0) as start)], []:
                same, second = True, first
            case _:
                return False
        places = {ast.unparse(first), ast.unparse(second), f"{name}[{ast.unparse(index)}]"}
        if not same or len(places) > 1 or not self._clean(index) or not self._clean(start):
            return False
        return (self._is_number(first) or _is_literal_number(start)) and self._sign(name, "+")


def _is_literal_number(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float)


def _makes(value: ast.expr) -> bool:
    """Whether a call makes a new value, or a number or string."""
    match value:
        case ast.Call(func=ast.Name(id=name)):
            return name in {
                "list",
                "set",
                "dict",
                "sorted",
                "len",
                "sum",
                "int",
                "str",
                "float",
                "abs",
                "round",
                "tuple",
            }
        case ast.Call(func=ast.Attribute(attr=name)):
            return name not in ("get", "setdefault", "pop")
        case _:
            return False
