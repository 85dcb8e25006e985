"""Find the lines that only lead to a ``raise``. No test can cover them, because a test needs a returned value."""

import ast
from collections.abc import Iterator, Sequence

from glotsmith.records import Function
from glotsmith.suites.parameters import body_lines, body_without_docstring, parse_definition

_EXITS = (ast.Return, ast.Yield, ast.YieldFrom, ast.Break, ast.Continue)


def raising_lines(function: Function) -> frozenset[int]:
    """Return the lines of ``function.program`` in blocks of the function that always raise.

    Blocks in a ``try`` are left out, because the exception may be caught there.
    """
    node = parse_definition(function)
    offset = body_lines(function)[0] - node.lineno
    return frozenset(line + offset for line in _raising_lines_of_block(body_without_docstring(node)))


def _raising_lines_of_block(block: Sequence[ast.stmt]) -> Iterator[int]:
    if _always_raises(block):
        for statement in block:
            yield from range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        return
    for statement in block:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Try):
            yield from _raising_lines_of_block(getattr(statement, "body", []))
        if not isinstance(statement, ast.Try):
            yield from _raising_lines_of_block(getattr(statement, "orelse", []))
        for handler in getattr(statement, "handlers", []):
            yield from _raising_lines_of_block(handler.body)


def _always_raises(block: Sequence[ast.stmt]) -> bool:
    if not block or any(isinstance(n, _EXITS) for s in block for n in ast.walk(s)):
        return False
    match block[-1]:
        case ast.Raise():
            return True
        case ast.If(body=body, orelse=orelse):
            return _always_raises(body) and _always_raises(orelse)
        case _:
            return False
