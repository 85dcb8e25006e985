"""Make a ``Problem``, which can be posed in any language, from the code of a Python original and its calls."""

import ast
import inspect
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import msgspec

from glotsmith.counts import counted
from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, PythonProblem, UnusableProblem
from glotsmith.evaluation.benchmarks.canonical import run_original
from glotsmith.records import Function, Origin, Problem, Suite, content_hash
from glotsmith.sandbox.base import Sandbox
from glotsmith.values import Call, Check, NotLiteral, Value, check_expressions, infer_signature, literal, render_test
from glotsmith.values.asserts import find_calls, parse_assertion


def function_of(program: str, name: str, origin: Origin, docstring: str = "") -> Function:
    """Return the top-level function ``name`` of a program; the rest of the program becomes its helpers.

    Args:
        program: The whole original.
        name: The name of the function.
        origin: The origin of the program.
        docstring: The task in words, if the original has no docstring.

    Raises:
        UnusableProblem: The program does not parse, or has no such function.

    """
    tree = parse(program)
    nodes = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    if not nodes:
        raise UnusableProblem(f"the original defines no function {name!r}")
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
    """Return the text of a statement that is a string, such as a docstring, which may follow an import."""
    match node:
        case ast.Expr(value=ast.Constant(value=str() as text)):
            return inspect.cleandoc(text)
        case _:
            return ""


def parse(program: str) -> ast.Module:
    """Parse the Python of a benchmark.

    Raises:
        UnusableProblem: The program does not parse.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in docstrings
            return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UnusableProblem(f"the original does not parse: {error}") from None


def parameters_of(function: Function) -> list[str]:
    """Return the names of a function's positional parameters."""
    node = next(n for n in parse(function.code).body if isinstance(n, ast.FunctionDef))
    return [p.arg for p in (*node.args.posonlyargs, *node.args.args)]


class SuiteCalls(NamedTuple):
    """The parsed tests of a benchmark problem."""

    calls: list[Call]
    open: list[ast.expr]  #: asserted expressions with parts whose values only the original can give
    refused: list[str]  #: the reasons why asserts about the function cannot be judged
    left_out: list[str]  #: statements that call the function and are not asserts
    typed: list[Call]  #: calls with the values of the original, to infer a result type that no test shows


async def suite_of(wanted: BenchmarkRequest, function: Function, asserts: Sequence[ast.stmt]) -> SuiteCalls:
    """Return the calls of a function, each with the comparison of its assert.

    Raises:
        UncheckedProblem: The machine failed to run the original.
        UnusableProblem: An assert about the function cannot be judged.

    """
    found = calls_of(asserts, function.name)
    if wanted.sandbox is not None:
        found = await _with_original_values(wanted.sandbox, function, found)
        unnamed = [call.arguments for call in found.calls if isinstance(call.expected, Check)]
        if unnamed:
            typed = await run_original(wanted.sandbox, function.program, function.name, unnamed)
            found = found._replace(typed=typed)
    refused = [*found.refused, *(f"it needs the original to run: {ast.unparse(test)[:200]}" for test in found.open)]
    if refused:
        raise UnusableProblem(f"{len(refused)} of its tests cannot be judged: {refused[0]}")
    return found


async def _with_original_values(sandbox: Sandbox, function: Function, found: SuiteCalls) -> SuiteCalls:
    """Return the tests; the parts of open asserts have the values that the original gives."""
    parts = [list(_open_parts(test, _tested_name(test, function.name))) for test in found.open]
    if not found.open:
        return found
    texts = [f"lambda: {ast.unparse(part)}" for part in itertools.chain(*parts)]
    entry = f"(lambda i: [{', '.join(texts)}][i]())"
    made = await run_original(sandbox, function.program, entry, [(i,) for i in range(len(texts))])
    values = {call.arguments[0]: call.expected for call in made}
    numbers, calls, refused = itertools.count(), list(found.calls), list(found.refused)
    for test, own in zip(found.open, parts, strict=True):
        known = {id(part): values.get(next(numbers), part) for part in own}
        filled = cast(ast.expr, _LiteralFiller(known).visit(test))
        try:
            calls.append(_parse_call(filled, function.name))
        except NotLiteral as error:
            refused.append(f"{error}: {ast.unparse(filled)[:200]}")
    return found._replace(calls=calls, open=[], refused=refused)


def make_posable(
    name: str,
    function: Function,
    calls: Sequence[Call],
    *,
    typed: Sequence[Call] = (),
    oracle: str = "",
    note: str = "",
    alias: str = "",
) -> PythonProblem:
    """Return the problem with these calls as its suite, without duplicates. ``typed`` calls are used only for types.

    Raises:
        UnusableProblem: No test calls the function, or a call has a wrong number of arguments.

    """
    if not calls:
        raise UnusableProblem(f"none of its tests is a call that can be judged{f'; {note}' if note else ''}")
    tests = tuple(dict.fromkeys(map(render_test, calls)))
    names = parameters_of(function)[: len(calls[0].arguments)]  # the others have defaults
    try:
        signature = infer_signature(function.name, names, [*calls, *typed])
    except NotLiteral as error:
        raise UnusableProblem(str(error)) from None
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
    return PythonProblem(name=name, problem=problem, oracle=oracle, note=note, alias=alias)


def calls_of(statements: Sequence[ast.stmt], name: str) -> SuiteCalls:
    """Return the tests of ``candidate`` in statements, or those of ``name`` if there are none."""
    found = SuiteCalls([], [], [], [], [])
    for statement in statements:
        subject = _tested_name(statement, name)
        if not find_calls(statement, subject):
            continue
        if not isinstance(statement, ast.Assert):
            found.left_out.append(ast.unparse(statement).split("\n")[0])
        else:
            _add_assert(found, statement.test, name, subject)
    return found


def _add_assert(found: SuiteCalls, test: ast.expr, name: str, subject: str) -> None:
    try:
        found.calls.append(_parse_call(test, name))
    except NotLiteral as error:
        if any(_open_parts(test, subject)):
            found.open.append(test)
        else:
            found.refused.append(f"{error}: {ast.unparse(test)[:200]}")


def _parse_call(test: ast.expr, name: str) -> Call:
    call = parse_assertion(test, _tested_name(test, name))
    return msgspec.structs.replace(call, function=name)


def _tested_name(node: ast.AST, name: str) -> str:
    """Return the name of the tested function: ``candidate`` if it occurs, because ``name`` is then the original."""
    return "candidate" if find_calls(node, "candidate") else name


def _open_parts(node: ast.expr, subject: str) -> Iterator[ast.expr]:
    """Yield the largest parts of a test that do not call the tested function and have no literal value."""
    if not find_calls(node, subject):
        try:
            check_expressions.require_supported(node, frozenset())
        except NotLiteral:
            yield node
        return
    parts = (
        [*node.args, *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    )
    for part in parts:
        if isinstance(part, ast.expr) and not isinstance(part, ast.Lambda):
            yield from _open_parts(part, subject)


class _LiteralFiller(ast.NodeTransformer):
    """Replaces parts of a test with literals."""

    def __init__(self, values: Mapping[int, Value]) -> None:
        self._values = values

    def visit(self, node: ast.AST) -> ast.AST:
        value = self._values.get(id(node), node)
        return self.generic_visit(node) if value is node else ast.parse(literal(value), mode="eval").body


def note_of(found: SuiteCalls) -> str:
    """Return the note about the tests of a problem for readers of the figures; "" for none."""
    first = found.left_out[0][:200] if found.left_out else ""
    count = len(found.left_out)
    return f"{counted(count, 'statement', 'is')} left out, which is not an assert: {first}" if first else ""
