"""Decide where a Python variable needs ``local``: the bodies of loops and of ``try`` are scopes in Julia."""

import ast
from collections.abc import Iterator, Sequence

from glotsmith.teachers.offline.scopes import DeclarationPlan, blocks_of, own_nodes, plan_declarations, targets


def plan_locals(function: ast.FunctionDef, names: set[str]) -> DeclarationPlan:
    """Return the plan of a function, without the declarations that an assignment in the same Julia scope makes."""
    plan = plan_declarations(function, names)
    kept: dict[ast.stmt, list[str]] = {}
    for scope in _julia_scopes(function.body):
        here = set(_assigned(scope))
        for statement in _same_scope(scope):
            missing = [n for n in plan.before.get(statement, ()) if n not in here]
            if missing:
                kept[statement] = missing
    plan.before = kept
    return plan


def _same_scope(block: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a block that Julia executes in one scope: those inside ``if``, too."""
    for statement in block:
        yield statement
        if isinstance(statement, ast.If):
            yield from _same_scope(statement.body)
            yield from _same_scope(statement.orelse)


def _julia_scopes(block: Sequence[ast.stmt]) -> Iterator[Sequence[ast.stmt]]:
    yield block
    for statement in _same_scope(block):
        if isinstance(statement, ast.For | ast.While | ast.Try):
            for inner in blocks_of(statement):
                yield from _julia_scopes(inner)


def _assigned(block: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in _same_scope(block):
        match statement:
            case ast.Assign(targets=found):
                for target in found:
                    yield from targets(target)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target, value=ast.expr()):
                yield from targets(target)
            case ast.FunctionDef(name=name):
                yield name
            case _:
                pass
        heads = [statement.test] if isinstance(statement, ast.If | ast.While) else []
        simple = not isinstance(statement, ast.If | ast.While | ast.For | ast.Try | ast.FunctionDef)
        for root in [statement] if simple else heads:
            yield from (n.target.id for n in ast.walk(root) if isinstance(n, ast.NamedExpr))


def reassigned_names(function: ast.FunctionDef) -> frozenset[str]:
    """Return the names that a function or a function in it assigns, other than by the head of a loop."""
    heads: set[int] = set()
    for node in own_nodes(function):
        if isinstance(node, ast.For):
            heads |= {id(n) for n in ast.walk(node.target) if isinstance(n, ast.Name)}
    stored = {
        n.id
        for n in own_nodes(function)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and id(n) not in heads
    }
    foreign = {name for n in ast.walk(function) if isinstance(n, ast.Nonlocal) for name in n.names}
    leaking = {name for names in plan_declarations(function, set()).leaking.values() for name in names}
    return frozenset(stored | foreign | leaking)
