"""HumanEval+ and MBPP+ (EvalPlus): many inputs; the canonical solution computes the expected values.

The columns of the files: ``task_id, prompt, entry_point, canonical_solution, base_input, plus_input, atol``.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from glotsmith.counts import agreeing
from glotsmith.errors import UsageError
from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark, PythonProblem, UnusableProblem
from glotsmith.evaluation.benchmarks.canonical import run_original
from glotsmith.evaluation.benchmarks.humaneval import impossible_in_languages
from glotsmith.evaluation.benchmarks.python_original import function_of, make_posable
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.oracles import ORACLE_OF_FUNCTION
from glotsmith.records import Origin
from glotsmith.sandbox.base import Sandbox

HUB = ""  # the datasets on the hub contain test programs, not inputs


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return the problems with all inputs that the canonical solution answers with a literal.

    Raises:
        InputError: A row lacks a field.
        UsageError: There is no sandbox to run the canonical solutions.

    """
    if wanted.sandbox is None:
        raise UsageError(f"{wanted.name} needs a sandbox to compute its expected values with the canonical solutions")
    for row in rows:  # check all rows before a program runs
        row.field("canonical_solution", str)
    sandbox = wanted.sandbox
    answers = await asyncio.gather(*(_read_problem(row, sandbox) for row in rows))
    found = [a for a in answers if isinstance(a, PythonProblem)]
    lost = [i for a in answers if not isinstance(a, PythonProblem) for i in impossible_in_languages(wanted, *a)]
    missing = [
        f"{name}: {n} of its inputs {agreeing(n, 'has')} no literal answer"
        for name, n in map(_count_omitted, rows, answers)
        if n
    ]
    return LoadedBenchmark(problems=tuple(found), impossible=tuple(lost), notes=tuple(missing))


def _count_omitted(row: QuestionRow, answer: "PythonProblem | tuple[str, UnusableProblem]") -> tuple[str, int]:
    wanted = {repr(i) for i in _inputs(row)}
    return row.field("task_id", str), (
        max(0, len(wanted) - len(answer.problem.suite.tests)) if isinstance(answer, PythonProblem) else 0
    )


async def _read_problem(row: QuestionRow, sandbox: Sandbox) -> PythonProblem | tuple[str, UnusableProblem]:
    name, entry = row.field("task_id", str), row.field("entry_point", str)
    prompt, solution = row.field("prompt", str), row.field("canonical_solution", str)
    description = "" if name.startswith("HumanEval") else _description_of(prompt)
    program = solution if description else prompt + solution
    try:
        function = function_of(program, entry, Origin(source=row.file, path=name), description)
        calls = await run_original(sandbox, program, entry, _inputs(row))
        within = max(1e-6, row.field("atol", float, 0.0))  # absolute: 1e-17 is as good as 0.0
        alias = name.removeprefix("Mbpp/") if name.startswith("Mbpp/") else ""
        return make_posable(name, function, calls, oracle=ORACLE_OF_FUNCTION.get(entry, f"close:{within}"), alias=alias)
    except UnusableProblem as error:
        return name, error


def _description_of(prompt: str) -> str:
    """Return the text of an MBPP+ prompt, which is a docstring without a function."""
    return prompt.strip().strip('"').split("assert ")[0].strip()


def _inputs(row: QuestionRow) -> list[list[Any]]:
    inputs = [*row.field("base_input", list[list[Any]]), *row.field("plus_input", list[list[Any]], [])]
    name = row.field("task_id", str)
    shape = _SHAPES.get(int(name.split("/")[-1])) if name.startswith("Mbpp/") else None
    return [_convert_arguments(shape, arguments) for arguments in inputs] if shape else inputs


#: JSON has neither tuples nor sets: the types of the arguments of some MBPP problems, one word for each argument (the
#: last word is for all further ones). ``T``: tuple, ``L``: list, ``S``: set, ``D``: dict, ``.``: unchanged. ``LT.`` is
#: a list of tuples.
_SHAPES: Mapping[int, tuple[str, ...]] = {
    **dict.fromkeys(
        (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809),
        ("T.",),
    ),
    **dict.fromkeys((63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780), ("LT.",)),
    **dict.fromkeys((75, 413, 444, 753), ("LT.", ".")),
    **dict.fromkeys((106, 750), (".", "T.")),
    115: ("LS.",),
    **dict.fromkeys((250, 405, 446, 617, 720, 763, 808), ("T.", ".")),
    **dict.fromkeys((259, 401, 445), ("TT.",)),
    278: ("TT.",),
    307: ("T.", ".", "."),
    722: ("DT.", "."),
    **dict.fromkeys((580, 615, 791), ("TTTTTT.",)),  # lists at all depths are tuples
}


def _convert_arguments(shape: Sequence[str], arguments: Sequence[Any]) -> list[Any]:
    words = [*shape, *[shape[-1]] * len(arguments)]
    return [_convert_value(word, value) for word, value in zip(words, arguments, strict=False)]


def _convert_value(word: str, value: Any) -> Any:
    if word[0] == ".":
        return value
    if word[0] == "D" and isinstance(value, dict):
        return {key: _convert_value(word[1:], item) for key, item in cast(dict[str, Any], value).items()}
    if not isinstance(value, list):
        return value
    items = [_convert_value(word[1:], item) for item in cast(list[Any], value)]
    return tuple(items) if word[0] == "T" else set(items) if word[0] == "S" else items
