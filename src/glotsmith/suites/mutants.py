"""Make mutants of a function, each with one small change. A suite that most of them pass is weak.

The operators are the usual ones of mutation testing (relational, arithmetic and logical operators, constants, statement
deletion), and two for Python: slice bounds, and the value of a return.
"""

import ast
from collections.abc import Callable, Iterator
from itertools import islice

from glotsmith.records import Function, content_hash
from glotsmith.suites.parameters import parse_definition, parse_definition_again

MAX_MUTANTS = 20  #: default number of mutants

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip

Change = Callable[[], object]  #: changes a node in place; it replaces an operator, because all trees share them


def make_mutants(function: Function, count: int = MAX_MUTANTS) -> list[str]:
    """Return the code of up to ``count`` mutants, which differ from the function and from each other.

    The selection depends only on the id of the function, and is spread evenly over its body.
    """
    original = ast.unparse(parse_definition(function))
    found: dict[str, None] = {}
    indices = range(sum(1 for _ in _changes(parse_definition(function))))
    for index in sorted(indices, key=lambda index: content_hash(function.id, str(index))):
        if len(found) == count:
            break
        tree = parse_definition_again(function)
        change = next(islice(_changes(tree), index, None))
        change()
        text = ast.unparse(ast.fix_missing_locations(tree))
        if text != original:
            found[text] = None
    return list(found)


def _changes(tree: ast.FunctionDef) -> Iterator[Change]:
    """Yield all changes of a tree, in an order that depends only on the tree."""
    body = tree.body[1:] if ast.get_docstring(tree, clean=False) is not None else tree.body
    for statement in body:
        for node in ast.walk(statement):
            yield from _expression_changes(node)
            yield from _statement_changes(node)
    yield from _removals(tree, tree.body[len(tree.body) - len(body) :])


def _expression_changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in _COMPARISONS:
            yield lambda: node.ops.__setitem__(0, _COMPARISONS[type(op)]())
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _OPERATORS:
            yield lambda: setattr(node, "op", _OPERATORS[type(op)]())
        case ast.BoolOp(op=op):
            yield lambda: setattr(node, "op", ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.Constant(value=value):
            for other in _changed_constants(value):
                yield lambda other=other: setattr(node, "value", other)
        case ast.UnaryOp(op=ast.Not()):
            yield lambda: setattr(node, "operand", ast.UnaryOp(op=ast.Not(), operand=node.operand))
        case ast.UnaryOp(op=ast.USub()):
            yield lambda: setattr(node, "op", ast.UAdd())
        case ast.Slice():
            yield from _slice_changes(node)
        case _:
            pass


def _changed_constants(value: object) -> list[object]:
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1, value - 1]
        case str():
            return [value + "x"] if value else ["x"]
        case _:
            return []


def _slice_changes(node: ast.Slice) -> Iterator[Change]:
    for name in ("lower", "upper"):
        bound = getattr(node, name)
        if bound is not None:
            yield lambda name=name: setattr(node, name, None)
    if node.step is not None:
        yield lambda: setattr(node, "step", None)


def _statement_changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.If() | ast.While() | ast.IfExp():
            yield lambda: setattr(node, "test", ast.UnaryOp(op=ast.Not(), operand=node.test))
        case ast.Return(value=ast.expr()):
            yield lambda: setattr(node, "value", ast.Constant(None))
        case _:
            pass


def _removals(parent: ast.AST, body: list[ast.stmt]) -> Iterator[Change]:
    """Yield the removal of each assignment, expression, ``break`` and ``continue``, in all blocks."""
    for statement in body:
        match statement:
            case ast.Assign() | ast.AugAssign() | ast.Expr():
                yield lambda old=statement: _replace(parent, old, ast.Pass())
            case ast.Break():
                yield lambda old=statement: _replace(parent, old, ast.Continue())
            case ast.Continue():
                yield lambda old=statement: _replace(parent, old, ast.Break())
            case _:
                pass
        for block in ("body", "orelse", "finalbody"):
            yield from _removals(statement, getattr(statement, block, []))


def _replace(parent: ast.AST, old: ast.stmt, new: ast.stmt) -> None:
    for block in ("body", "orelse", "finalbody"):
        statements: list[ast.stmt] = getattr(parent, block, [])
        for index, statement in enumerate(statements):
            if statement is old:
                statements[index] = new
