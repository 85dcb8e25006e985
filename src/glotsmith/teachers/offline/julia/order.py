"""Decide whether the result of a loop depends on the order of its iteration."""

import ast

from glotsmith.teachers.offline.scopes import DeclarationPlan, iteration_order_matters, targets


def order_matters(loop: ast.For, plan: DeclarationPlan) -> bool:
    """Whether a loop does more than count, fill or change the entries of its keys, or search."""
    local = set(targets(loop.target)) | {name for s, name in plan.inline if any(s is inner for inner in loop.body)}
    return bool(loop.orelse) or not all(_is_independent(s, local, plan) for s in loop.body)


def _is_independent(node: ast.stmt, local: set[str], plan: DeclarationPlan) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in local
        case ast.Assign(targets=[ast.Subscript(value=container, slice=index)], value=value):
            return _depends(index, local) and (not _reads(value, container) or _is_sum(value))
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


def _reads(value: ast.expr, container: ast.expr) -> bool:
    """Whether a value reads the container that it is stored in."""
    names = {n.id for n in ast.walk(container) if isinstance(n, ast.Name)}
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(value))


def _is_sum(value: ast.expr) -> bool:
    """Whether a value is a sum or product of numbers, in which the order is irrelevant."""
    parts = list(ast.walk(value))
    lists = (ast.List, ast.Tuple, ast.ListComp, ast.JoinedStr)
    texts = any(isinstance(n, ast.Constant) and isinstance(n.value, str) and not n.value for n in parts)
    is_number = not texts and not any(isinstance(n, lists) for n in parts)
    return is_number and isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Mult | ast.Sub)


def _depends(index: ast.expr, local: set[str]) -> bool:
    return bool({n.id for n in ast.walk(index) if isinstance(n, ast.Name)} & local)
