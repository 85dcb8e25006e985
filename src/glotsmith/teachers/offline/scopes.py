"""Decide where each Python variable is declared: scopes are functions in Python, and blocks in the targets."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

FunctionOrModule = ast.FunctionDef | ast.Module


@dataclass
class DeclarationPlan:
    """The declarations of one function."""

    before: dict[ast.stmt, list[str]] = field(default_factory=dict)  #: names that ``local`` declares before a statement
    inline: set[tuple[ast.stmt, str]] = field(default_factory=set)  #: statements that declare a name themselves
    leaking: dict[ast.For, set[str]] = field(default_factory=dict)  #: loop variables that are read after the loop


def targets(node: ast.expr) -> Iterator[str]:
    """Yield the plain names that an assignment target binds."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Tuple | ast.List):
        for item in node.elts:
            yield from targets(item)
    elif isinstance(node, ast.Starred):
        yield from targets(node.value)


def own_nodes(root: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of nested functions and comprehensions, except walruses."""
    stack = list(ast.iter_child_nodes(root))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            stack.extend(n for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
        elif not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            stack.extend(ast.iter_child_nodes(node))


def bound_names(function: FunctionOrModule) -> set[str]:
    """Return the names that are assigned in the scope of a function, without parameters."""
    names: set[str] = set()
    foreign: set[str] = set()
    for node in own_nodes(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.NamedExpr(target=ast.Name(id=name)) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.Nonlocal(names=outer) | ast.Global(names=outer):
                foreign.update(outer)
            case _:
                pass
    return names - foreign


def blocks_of(node: ast.stmt) -> list[list[ast.stmt]]:
    """Return the blocks of a compound statement."""
    found = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
    handlers = [h.body for h in getattr(node, "handlers", [])]
    return [b for b in (*found, *handlers) if b] if not isinstance(node, ast.FunctionDef | ast.ClassDef) else []


class _Planner:
    def __init__(self, function: FunctionOrModule) -> None:
        self.plan = DeclarationPlan()
        self.function = function
        self.owners: dict[str, set[ast.For]] = {}

    def run(self, names: set[str]) -> DeclarationPlan:
        self._visit(self.function.body, [])
        for name in sorted(names):
            self._place(name, self.function.body, must_define=False)
        return self.plan

    # The chain of (block, index) pairs is the path from the body of the function to the statement.
    def _visit(self, block: list[ast.stmt], chain: list[tuple[list[ast.stmt], int, ast.stmt]]) -> None:
        for index, statement in enumerate(block):
            here = [*chain, (block, index, statement)]
            if isinstance(statement, ast.For):
                self._own(statement, here)
            for inner in blocks_of(statement):
                self._visit(inner, here)

    def _own(self, loop: ast.For, chain: list[tuple[list[ast.stmt], int, ast.stmt]]) -> None:
        for name in targets(loop.target):
            if _read_later(name, loop, chain):
                self.plan.leaking.setdefault(loop, set()).add(name)
            else:
                self.owners.setdefault(name, set()).add(loop)

    def _mentions(self, node: ast.AST, name: str) -> bool:
        if isinstance(node, ast.For) and node in self.owners.get(name, ()):
            return any(self._mentions(part, name) for part in (node.iter, *node.orelse))
        if isinstance(node, ast.Name):
            return node.id == name
        if binds_inside(node, name):
            return self._mentions(outside_part(node), name)
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
        if isinstance(node, ast.ExceptHandler) and node.name == name:
            return True
        return any(self._mentions(child, name) for child in ast.iter_child_nodes(node))

    def _place(self, name: str, block: list[ast.stmt], *, must_define: bool) -> bool:
        users = [s for s in block if self._mentions(s, name)]
        if not users:
            return False
        first = users[0]
        if len(users) == 1 and self._descend(name, first, must_define=must_define):
            return True
        if _defines(first, name, self.plan):
            self.plan.inline.add((first, name))
            return True
        if must_define:
            return False
        self.plan.before.setdefault(first, []).append(name)
        return True

    def _descend(self, name: str, statement: ast.stmt, *, must_define: bool) -> bool:
        inside = [b for b in blocks_of(statement) if any(self._mentions(s, name) for s in b)]
        if len(inside) != 1:
            return False
        whole = sum(self._mentions(child, name) for child in ast.iter_child_nodes(statement))
        if whole != sum(self._mentions(s, name) for s in inside[0]) or isinstance(statement, ast.Try):
            return False
        return self._place(name, inside[0], must_define=must_define or isinstance(statement, ast.For | ast.While))


def _defines(statement: ast.stmt, name: str, plan: DeclarationPlan) -> bool:
    """Whether the statement can declare ``name`` by itself."""
    match statement:
        case ast.Assign(targets=[target], value=value):
            return name in set(targets(target)) and not _reads(value, name)
        case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
            return target == name and not _reads(value, name)
        case ast.FunctionDef(name=target):
            return target == name
        case _:
            return False


def binds_inside(node: ast.AST, name: str) -> bool:
    """Whether the node is a comprehension or lambda that declares ``name``."""
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return any(name in set(targets(g.target)) for g in node.generators)
    return isinstance(node, ast.Lambda) and any(a.arg == name for a in (*node.args.args, *node.args.kwonlyargs))


def outside_part(node: ast.AST) -> ast.AST:
    """Return what the outer scope evaluates: the first iterable of a comprehension, or the defaults of a lambda."""
    if isinstance(node, ast.Lambda):
        return ast.Tuple([*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)])
    assert isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
    return node.generators[0].iter


def uses(node: ast.AST, name: str) -> Iterator[ast.Name]:
    """Yield the occurrences of a variable, without variables of the same name in comprehensions and lambdas."""
    if isinstance(node, ast.Name) and node.id == name:
        yield node
    for child in (outside_part(node),) if binds_inside(node, name) else ast.iter_child_nodes(node):
        yield from uses(child, name)


def _reads(node: ast.AST, name: str) -> bool:
    return any(True for _ in uses(node, name))


def _loads(node: ast.AST, name: str) -> bool:
    return any(isinstance(use.ctx, ast.Load) for use in uses(node, name))


def _read_later(name: str, loop: ast.For, chain: list[tuple[list[ast.stmt], int, ast.stmt]]) -> bool:
    """Whether ``name`` may be read after ``loop`` before it is assigned again."""
    if any(_loads(s, name) for s in loop.orelse):
        return True
    for block, index, _ in reversed(chain):
        following = list(block[index + 1 :])
        around = next((s for s in _parents(chain, block) if isinstance(s, ast.For | ast.While)), None)
        if around is not None and block is around.body:
            following += block[: index + 1]
        outcome = _first_use(name, following, loop)
        if outcome is not None:
            return outcome
    return False


def _parents(chain: list[tuple[list[ast.stmt], int, ast.stmt]], block: list[ast.stmt]) -> Iterator[ast.stmt]:
    for i, (inner, _, _) in enumerate(chain):
        if inner is block and i:
            yield chain[i - 1][2]


def _first_use(name: str, statements: list[ast.stmt], loop: ast.For) -> bool | None:
    """Return True if ``name`` is read first, False if it is assigned first, None if neither."""
    for statement in statements:
        if isinstance(statement, ast.For) and name in set(targets(statement.target)):
            if statement is loop or not _loads(statement.iter, name):
                return False
        elif _loads(statement, name) or (isinstance(statement, ast.AugAssign) and _reads(statement.target, name)):
            simple = isinstance(statement, ast.Assign) and not _loads(statement.value, name)
            if not simple:
                return True
        if isinstance(statement, ast.Assign) and any(name in set(targets(t)) for t in statement.targets):
            return _loads(statement.value, name)
        if isinstance(statement, ast.Return | ast.Raise):
            return False
    return None


def plan_declarations(function: FunctionOrModule, names: set[str]) -> DeclarationPlan:
    """Decide where the ``names`` of a function are declared."""
    return _Planner(function).run(names)


def iteration_order_matters(loop: ast.For) -> bool:
    """Whether the result of a loop body depends on the order: it does more than count, fill keys, or search."""
    local = set(targets(loop.target))
    return not all(_is_order_independent(s, local) for s in loop.body) or bool(loop.orelse)


def _is_order_independent(node: ast.stmt, local: set[str]) -> bool:
    match node:
        case ast.Pass() | ast.Continue():
            return True
        case ast.Return(value=None | ast.Constant()):
            return True
        case ast.AugAssign(op=ast.Add() | ast.Mult() | ast.BitOr() | ast.Sub(), value=value):
            return not isinstance(value, ast.List | ast.ListComp | ast.JoinedStr | ast.Constant) or isinstance(
                getattr(value, "value", None), int
            )
        case ast.Assign(targets=[ast.Subscript(slice=index)]):
            return bool({n.id for n in ast.walk(index) if isinstance(n, ast.Name)} & local)
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="add" | "discard"))):
            return True
        case ast.If(body=body, orelse=orelse):
            return all(_is_order_independent(s, local) for s in (*body, *orelse))
        case ast.For(body=body):
            return all(_is_order_independent(s, local) for s in body)
        case _:
            return False
