"""Decide whether the result of a loop depends on the order of its iteration."""

import ast

from glotsmith.teachers.offline.scopes import DeclarationPlan, iteration_order_matters, targets


def order_matters(loop: ast.For, plan: DeclarationPlan) -> bool:
    """Whether a loop does more than count, fill or change the entries of its keys, or search."""
    if not iteration_order_matters(loop):
        return False
    local = set(targets(loop.target)) | {name for s, name in plan.inline if any(s is inner for inner in loop.body)}
    return bool(loop.orelse) or not all(_is_independent(s, local, plan) for s in loop.body)


def _is_independent(node: ast.stmt, local: set[str], plan: DeclarationPlan) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in local
        case ast.AugAssign(target=ast.Subscript(slice=index)):
            return _depends(index, local)
        case ast.AugAssign(target=ast.Name(id=name)) if name in local:
            return True
        case ast.If(body=body, orelse=orelse):
            return all(_is_independent(s, local, plan) for s in (*body, *orelse))
        case ast.For():
            return not order_matters(node, plan) or all(_is_independent(s, local, plan) for s in node.body)
        case _:
            probe = ast.For(ast.Tuple([ast.Name(name) for name in local]), ast.Tuple([]), [node], [])
            return not iteration_order_matters(probe)


def _depends(index: ast.expr, local: set[str]) -> bool:
    return bool({n.id for n in ast.walk(index) if isinstance(n, ast.Name)} & local)
