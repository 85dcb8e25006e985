"""Whether the order of iteration can show in the result of a loop."""

import ast

from glotsmith.teachers.offline.scopes import targets


def order_matters(loop: ast.For) -> bool:
    """Whether a loop's body does anything but count, collect into keys, and search."""
    local = set(targets(loop.target))
    return not all(_is_free(s, local) for s in loop.body) or bool(loop.orelse)


def _is_free(node: ast.stmt, local: set[str]) -> bool:
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
            return all(_is_free(s, local) for s in (*body, *orelse))
        case ast.For(body=body):
            return all(_is_free(s, local) for s in body)
        case _:
            return False
