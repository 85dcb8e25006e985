"""The writer ``doctest``: find the calls in the ``>>>`` examples of a docstring.

The expected values come from execution.
"""

import ast
import doctest
from collections.abc import Iterator, Sequence

from glotsmith.records import Function
from glotsmith.suites.parameters import SourceParameter, bind_arguments
from glotsmith.values import NotLiteral, Value, parse_value


def doctest_calls(function: Function, parameters: Sequence[SourceParameter]) -> list[tuple[Value, ...]]:
    """Return the arguments of each distinct call with literals, in the order of the examples.

    Calls inside other expressions count, and calls that do not fit the parameters do not. Names to which an earlier
    example assigns a literal (``>>> xs = [1, 2]``) are replaced with the literal.
    """
    found: list[tuple[Value, ...]] = []
    names: dict[str, ast.expr] = {}
    for tree in _parsed_examples(function.docstring):
        for call in _find_calls(tree, function.name):
            arguments = _bind_call(call, parameters, names)
            if arguments is not None and all(repr(arguments) != repr(a) for a in found):
                found.append(arguments)
        names |= _assigned_values(tree)
    return found


def _parsed_examples(docstring: str) -> Iterator[ast.Module]:
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return
    for example in examples:
        try:
            yield ast.parse(example.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue


def _find_calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=found) | ast.Attribute(attr=found)) if found == name:
                yield node
            case _:
                pass


def _bind_call(
    call: ast.Call, parameters: Sequence[SourceParameter], names: dict[str, ast.expr]
) -> tuple[Value, ...] | None:
    try:
        positional = [_literal_value(x, names) for x in call.args]
        keywords = {k.arg: _literal_value(k.value, names) for k in call.keywords if k.arg is not None}
    except (NotLiteral, SyntaxError, ValueError, RecursionError):
        return None
    if len(keywords) != len(call.keywords):
        return None
    return bind_arguments(parameters, positional, keywords)


class _InlineNames(ast.NodeTransformer):
    def __init__(self, names: dict[str, ast.expr]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._names.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Replace ``range(3)``, ``list(…)`` and similar calls of literals with their values."""
        self.generic_visit(node)
        return _as_list(node) or node


def _as_list(node: ast.Call) -> ast.expr | None:
    match node:
        case ast.Call(func=ast.Name(id="iter" | "list" | "tuple"), args=[ast.List() | ast.Tuple() as items]):
            return items
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[ast.List(elts=[_, *_]) as items]):
            return ast.Set(elts=items.elts)
        case ast.Call(func=ast.Name(id="range"), args=[*bounds], keywords=[]):
            numbers = [b.value for b in bounds if isinstance(b, ast.Constant) and isinstance(b.value, int)]
            if len(numbers) == len(bounds) and 0 < len(numbers) <= 3 and all(abs(n) <= 50 for n in numbers):
                try:
                    return ast.List(elts=[ast.Constant(n) for n in range(*numbers)], ctx=ast.Load())
                except ValueError:
                    return None
        case _:
            pass
    return None


def _literal_value(node: ast.expr, names: dict[str, ast.expr]) -> Value:
    copy = ast.parse(ast.unparse(node), mode="eval")
    return parse_value(ast.unparse(_InlineNames(names).visit(copy.body)))


def _assigned_values(tree: ast.Module) -> dict[str, ast.expr]:
    """Return name → assigned expression of an example. A value that is not a literal also hides an earlier literal."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
            case _:
                pass
    return found
