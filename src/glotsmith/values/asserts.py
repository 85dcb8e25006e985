"""Parse and render tests: Python asserts over literals.

A test is one call of the function and a condition on its result. ``assert f(x) == v`` names the expected value. Any
other condition is a ``Check``, which ``evaluate_expression`` evaluates. Other asserts are refused with a message that
quotes them.
"""

import ast
import copy
from collections.abc import Iterable, Iterator

import msgspec

from glotsmith.values import check_expressions
from glotsmith.values.check_expressions import RESULT
from glotsmith.values.check_functions import FUNCTIONS, EvaluationLimitExceeded
from glotsmith.values.evaluate_expression import evaluate_expression
from glotsmith.values.literals import literal, value_of_node
from glotsmith.values.types import NotLiteral, Value, type_of

_QUOTED_CHARS = 80  #: largest number of characters of a test in a message


class Check(msgspec.Struct, frozen=True):
    """A condition on a result other than equality with one value."""

    text: str  #: a Python expression over the name ``returned``, true for a right result


class Call(msgspec.Struct, frozen=True):
    """One test: a function's name, the arguments, and the expected value or a check of the result."""

    function: str
    arguments: tuple[Value, ...]
    expected: Value | Check


def expected_values(calls: Iterable[Call]) -> list[Value]:
    """Return the expected values of the calls whose tests name one."""
    return [call.expected for call in calls if not isinstance(call.expected, Check)]


def parse_test(text: str, name: str = "") -> Call:
    """Parse an assert about a call of ``name``; without a name, about the only function that is not in ``FUNCTIONS``.

    A message after a comma is ignored. The test may contain the same call several times.

    Raises:
        NotLiteral: The text is not an assert of a supported form.

    """
    try:
        match ast.parse(text.strip()).body:
            case [ast.Assert(test=test)]:
                return parse_assertion(test, name)
            case _:
                raise NotLiteral("not one assert")
    except NotLiteral as error:
        quoted = " ".join(text.split())[:_QUOTED_CHARS]
        raise NotLiteral(f"{error}: {quoted}") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiteral(f"not Python over literals: {text[:_QUOTED_CHARS]}") from error


def parse_assertion(test: ast.expr, name: str = "") -> Call:
    """Return the call that an asserted expression tests. Raises the errors of ``parse_test``."""
    if not name or not find_calls(test, name):
        name = _tested_function(test)
    found = find_calls(test, name)
    if not found:
        raise NotLiteral("the test calls no function")
    arguments = [_literal_arguments(call) for call in found]
    if len({literal(a) for a in arguments}) > 1:
        raise NotLiteral(f"the test calls {name} with different arguments; write a test for each call")
    match test:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]) if len(found) == 1:
            other = right if left is found[0] else left if right is found[0] else None
            if other is not None and (value := constant_value(other)) is not _UNKNOWN:
                return Call(name, arguments[0], value)
        case _:
            pass
    condition = _CallsToResult(name).visit(copy.deepcopy(test))
    check_expressions.require_supported(condition)
    for part in find_constants(condition):
        _evaluate_constant(part)
    return Call(name, arguments[0], Check(ast.unparse(condition)))


def _tested_function(test: ast.expr) -> str:
    """Return the only called function that is not built in, or the outermost called function; "" for no call."""
    called = [n for n in ast.walk(test) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    names = [n.func.id for n in called if isinstance(n.func, ast.Name)]
    own = list(dict.fromkeys(name for name in names if name not in FUNCTIONS))
    if len(own) > 1:
        raise NotLiteral(f"the test calls several functions: {', '.join(own)}")
    outermost = [name for call, name in zip(called, names, strict=True) if _literal_or_unknown(call) is _UNKNOWN]
    return next(iter((*own, *outermost)), "")


def find_calls(node: ast.AST, name: str) -> list[ast.Call]:
    """Return the calls of a function in an expression."""
    return [n for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name]


def _literal_arguments(node: ast.Call) -> tuple[Value, ...]:
    values = [constant_value(x) for x in node.args]
    if node.keywords or any(value is _UNKNOWN for value in values):
        raise NotLiteral("not a plain call with positional literals")
    return tuple(values)


_UNKNOWN = object()


def _literal_or_unknown(node: ast.expr) -> Value:
    try:
        return value_of_node(node)
    except (NotLiteral, ValueError):
        return _UNKNOWN


def constant_value(node: ast.expr) -> Value:
    """Return the value of a literal or of an expression over literals; ``_UNKNOWN`` for other expressions."""
    value = _literal_or_unknown(node)
    if value is not _UNKNOWN:
        return value
    try:
        check_expressions.require_supported(node, frozenset())
        value = _evaluate_constant(node)
        return value_of_node(ast.parse(literal(value), mode="eval").body) if type_of(value) else _UNKNOWN
    except (NotLiteral, ValueError):
        return _UNKNOWN


def _evaluate_constant(node: ast.expr) -> Value:
    """Return the value of a checked expression over literals.

    Raises:
        NotLiteral: The evaluation raises an error, or needs too many steps.

    """
    try:
        return evaluate_expression(node)
    except (EvaluationLimitExceeded, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        raise NotLiteral(f"{ast.unparse(node)[:_QUOTED_CHARS]} has no value ({type(error).__name__})") from error


def find_constants(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the largest parts of a check that do not depend on the result and are not literals."""
    if check_expressions.is_constant(node):
        if _literal_or_unknown(node) is _UNKNOWN:
            yield node
        return
    parts = (
        [*node.args, *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    )
    for part in parts:
        if isinstance(part, ast.BinOp | ast.Call | ast.Subscript | ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield from find_constants(part)


class _CallsToResult(ast.NodeTransformer):
    """Replaces calls of the function with the name of its result."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id == self._name:
            return ast.Name(RESULT)
        self.generic_visit(node)
        return node


class _ResultToCall(ast.NodeTransformer):
    """Replaces the name of the result with a call."""

    def __init__(self, call: ast.expr) -> None:
        self._call = call

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._call if node.id == RESULT else node


def render_test(call: Call) -> str:
    """Return a call as an assert that ``parse_test`` can parse."""
    text = f"{call.function}({', '.join(map(literal, call.arguments))})"
    if not isinstance(call.expected, Check):
        return f"assert {text} == {literal(call.expected)}"
    condition = ast.parse(call.expected.text, mode="eval").body
    return f"assert {ast.unparse(_ResultToCall(ast.parse(text, mode='eval').body).visit(condition))}"
