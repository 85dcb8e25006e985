"""HumanEval (Chen et al. 2021): ``task_id, prompt, entry_point, canonical_solution, test``."""

import ast
import asyncio
from collections.abc import Awaitable, Callable, Sequence

from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark, PythonProblem, UnusableProblem
from glotsmith.evaluation.benchmarks.python_original import function_of, make_posable, note_of, parse, suite_of
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.oracles import ORACLE_OF_FUNCTION
from glotsmith.evaluation.questions import ImpossibleProblem
from glotsmith.records import Origin

HUB = "openai/openai_humaneval:test"


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return the problems whose tests are calls over literals.

    Raises:
        InputError: A row lacks a field.

    """
    return await read_problems(rows, wanted, _read_problem)


async def read_problems(
    rows: Sequence[QuestionRow],
    wanted: BenchmarkRequest,
    problem: Callable[[QuestionRow, BenchmarkRequest], Awaitable[PythonProblem]],
) -> LoadedBenchmark:
    """Read all rows. An unusable problem is listed as impossible in each requested language."""
    answers = await asyncio.gather(*(_read_or_reject(row, wanted, problem) for row in rows))
    lost = [i for a in answers if not isinstance(a, PythonProblem) for i in impossible_in_languages(wanted, *a)]
    found = [a for a in answers if isinstance(a, PythonProblem)]
    notes = tuple(f"{p.name}: {p.note}" for p in found if p.note)
    return LoadedBenchmark(problems=tuple(found), impossible=tuple(lost), notes=notes)


async def _read_or_reject(
    row: QuestionRow,
    wanted: BenchmarkRequest,
    problem: Callable[[QuestionRow, BenchmarkRequest], Awaitable[PythonProblem]],
) -> PythonProblem | tuple[str, UnusableProblem]:
    try:
        return await problem(row, wanted)
    except UnusableProblem as error:
        return str(row.data["task_id"]), error


def impossible_in_languages(wanted: BenchmarkRequest, problem: str, why: UnusableProblem) -> list[ImpossibleProblem]:
    """Return a problem as impossible in each requested language."""
    return [
        ImpossibleProblem(benchmark=wanted.name, problem=problem, language=language, reason=why.reason, detail=str(why))
        for language in wanted.languages
    ]


async def _read_problem(row: QuestionRow, wanted: BenchmarkRequest) -> PythonProblem:
    name, entry = row.field("task_id", str), row.field("entry_point", str)
    program = row.field("prompt", str) + row.field("canonical_solution", str)
    tree = parse(row.field("test", str))
    function = function_of(program, entry, Origin(source=row.file, path=name))
    checks = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "check"]
    found = await suite_of(wanted, function, checks[-1].body if checks else [])
    oracle = ORACLE_OF_FUNCTION.get(entry, "")
    return make_posable(name, function, found.calls, typed=found.typed, oracle=oracle, note=note_of(found))
