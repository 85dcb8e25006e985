"""MBPP (Austin et al. 2021), full and sanitized: ``task_id, text | prompt, code, test_list``."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark, PythonProblem, UnusableProblem
from glotsmith.evaluation.benchmarks.humaneval import read_problems
from glotsmith.evaluation.benchmarks.python_original import function_of, make_posable, note_of, parse, suite_of
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.records import Origin

HUB = "google-research-datasets/mbpp:test:full"


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return the problems whose tests are calls over literals.

    Raises:
        InputError: A row lacks a field.

    """
    return await read_problems(rows, wanted, _read_problem)


async def _read_problem(row: QuestionRow, wanted: BenchmarkRequest) -> PythonProblem:
    code = row.field("code", str).replace("\r\n", "\n").replace("\t", "    ")
    asserts = [node for text in row.field("test_list", list[str]) for node in parse(text).body]
    number, entry = row.field("task_id", int), entry_of(asserts, code)
    name = f"MBPP/{number}"
    description = row.field("text", str, "") or row.field("prompt", str)
    function = function_of(code, entry, Origin(source=row.file, path=name), description)
    found = await suite_of(wanted, function, asserts)
    return make_posable(name, function, found.calls, typed=found.typed, note=note_of(found), alias=str(number))


def entry_of(asserts: Sequence[ast.stmt], code: str) -> str:
    """Return the function of the original that most tests call; the first one of several.

    Raises:
        UnusableProblem: The tests call no function of the original.

    """
    defined = {n.name for n in parse(code).body if isinstance(n, ast.FunctionDef)}
    called = Counter(name for statement in asserts for name in dict.fromkeys(_called_functions(statement, defined)))
    if not called:
        raise UnusableProblem("no test calls a function of the original")
    return called.most_common(1)[0][0]


def _called_functions(statement: ast.stmt, defined: set[str]) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in defined:
            yield node.func.id
