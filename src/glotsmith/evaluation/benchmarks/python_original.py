"""Problems with a Python original: from its text and its calls to a ``Problem`` that any language can be posed."""

import ast
import inspect
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from glotsmith.evaluation.benchmarks.base import Posable, Unusable, Wanted
from glotsmith.evaluation.benchmarks.canonical import expected
from glotsmith.records import Function, Origin, Problem, Suite, content_hash
from glotsmith.values import Call, NotLiteral, Value, parse_test, render_test, signature_of


def function_of(program: str, name: str, origin: Origin, docstring: str = "") -> Function:
    """Return the top-level function ``name`` of a program; all else of the program is its helpers.

    Args:
        program: the whole original.
        name: the function that is asked for.
        origin: where it was found.
        docstring: the task in words, for an original that has none of its own.

    Raises:
        Unusable: the program does not parse, or has no such function.

    """
    tree = parse(program)
    nodes = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    if not nodes:
        raise Unusable(f"the original defines no function {name!r}")
    node, lines = nodes[-1], program.splitlines()
    code = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    helpers = "\n".join(lines[: node.lineno - 1] + lines[node.end_lineno :]).strip()
    own = next((t for n in node.body if (t := text_of(n))), "") if not docstring else ast.get_docstring(node) or ""
    if docstring and not own:
        node.body.insert(0, ast.Expr(ast.Constant(f"\n    {docstring.strip()}\n    ")))
        code = ast.unparse(ast.fix_missing_locations(node))
    return Function(
        id=content_hash(code, helpers), name=name, code=code, docstring=own or docstring, helpers=helpers, origin=origin
    )


def text_of(node: ast.stmt) -> str:
    """Return the text that a statement is, as a docstring is one; some stand below an import."""
    match node:
        case ast.Expr(value=ast.Constant(value=str() as text)):
            return inspect.cleandoc(text)
        case _:
            return ""


def parse(program: str) -> ast.Module:
    """Parse a benchmark's Python.

    Raises:
        Unusable: it does not parse.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in docstrings
            return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise Unusable(f"the original does not parse: {error}") from None


def parameters_of(function: Function) -> list[str]:
    """Return the names of a function's positional parameters."""
    node = next(n for n in parse(function.code).body if isinstance(n, ast.FunctionDef))
    return [p.arg for p in (*node.args.posonlyargs, *node.args.args)]


async def suite_of(wanted: Wanted, function: Function, asserts: Sequence[ast.stmt]) -> "Calls":
    """Return a function's calls; values that are no literals come of running the original.

    Raises:
        Unchecked: the machine failed to run it.

    """
    found = calls_of(asserts, function.name)
    if not found.open or wanted.sandbox is None:
        return found
    rest = await expected(wanted.sandbox, function.program, function.name, found.open)
    return found._replace(calls=[*found.calls, *rest])


def posable(
    name: str, function: Function, calls: Sequence[Call], *, tolerance: float = 1e-6, oracle: str = ""
) -> Posable:
    """Return the problem with those calls as its suite, equal ones once.

    Raises:
        Unusable: there is no call, or one passes another number of arguments than the function takes.

    """
    if not calls:
        raise Unusable("no test of it is a call over literals")
    tests = tuple(dict.fromkeys(map(render_test, calls)))
    names = parameters_of(function)[: len(calls[0].arguments)]  # the others have defaults
    try:
        signature = signature_of(function.name, names, calls)
    except NotLiteral as error:
        raise Unusable(str(error)) from None
    suite = Suite(
        signature=str(signature),
        tests=tests,
        line_coverage=0.0,
        branch_coverage=0.0,
        mutation_score=0.0,
        mutants=0,
        writers={"benchmark": len(tests)},
    )
    problem = Problem(id=function.id, function=function, suite=suite)
    return Posable(name=name, problem=problem, tolerance=tolerance, oracle=oracle)


class Calls(NamedTuple):
    """What the asserts of a benchmark come to."""

    calls: list[Call]
    open: list[tuple[Value, ...]]  #: arguments whose expected value is no literal: running the original tells it
    oracle: str = ""  #: the oracle that the tests ask for, if any
    tolerance: float = 1e-6  #: relative: the widest that they allow


def calls_of(asserts: Sequence[ast.stmt], name: str) -> Calls:
    """Return the calls that statements make of ``name`` (or of ``candidate``).

    ``assert abs(f(x) - v) < eps`` and ``math.isclose(f(x), v, rel_tol=eps)`` are ``f(x) == v`` within eps,
    ``assert set(f(x)) == set(v)`` asks for the same elements in any order; what is no call over literals is left out.
    """
    found = Calls([], [])
    for statement in asserts:
        if isinstance(statement, ast.Assert):
            plain = _plain(statement.test)
            test = _Renamed(name).visit(plain.test)
            try:
                found.calls.append(parse_test(ast.unparse(ast.Assert(test))))
                found = found._replace(
                    oracle=plain.oracle or found.oracle, tolerance=max(plain.tolerance, found.tolerance)
                )
            except NotLiteral:
                found.open.extend(_arguments(test, name))
    return found._replace(calls=[c for c in found.calls if c.function == name])


def _arguments(test: ast.expr, name: str) -> list[tuple[Value, ...]]:
    """Return the arguments of the first call of ``name`` in a test, if they are literals."""
    for node in ast.walk(test):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            try:
                return [parse_test(f"assert {ast.unparse(node)}").arguments]
            except NotLiteral:
                return []
    return []


class _Renamed(ast.NodeTransformer):
    """Calls of ``candidate`` become calls of the function."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._name) if node.id == "candidate" else node


class _Plain(NamedTuple):
    """A test as a plain comparison, and what its wrapping stands for."""

    test: ast.expr
    oracle: str = ""
    tolerance: float = 0.0


def _plain(test: ast.expr) -> _Plain:
    match test:
        case ast.Compare(
            left=ast.Call(
                func=ast.Name(id="abs") | ast.Attribute(attr="fabs"),
                args=[ast.BinOp(left=left, op=ast.Sub(), right=right)],
            ),
            ops=[ast.Lt() | ast.LtE()],
            comparators=[ast.Constant(value=float() | int() as within)],
        ):
            return _Plain(_equal(left, right), f"close:{within}")
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="set"), args=[left]),
            ops=[ast.Eq()],
            comparators=[ast.Call(func=ast.Name(id="set"), args=[right])],
        ):
            return _Plain(_equal(left, right), "same_set")
        case ast.Call(func=ast.Attribute(attr="isclose"), args=[left, right], keywords=keywords):
            within = {k.arg: k.value.value for k in keywords if isinstance(k.value, ast.Constant)}
            absolute, relative = within.get("abs_tol"), within.get("rel_tol")
            return _Plain(
                _equal(left, right),
                f"close:{absolute}" if isinstance(absolute, float) else "",
                relative if isinstance(relative, float) else 0.0,
            )
        case _:
            return _Plain(test)


def _equal(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [ast.Eq()], [right])
