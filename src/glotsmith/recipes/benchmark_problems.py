"""Read the problems of benchmark files: the calls of HumanEval, MBPP and rows with tests, for decontamination."""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

from glotsmith.evaluation.benchmarks.base import UnusableProblem
from glotsmith.evaluation.benchmarks.mbpp import entry_of
from glotsmith.evaluation.benchmarks.python_original import calls_of, parse
from glotsmith.selection.benchmark_behaviour import BehaviourIndex, BenchmarkCalls
from glotsmith.selection.benchmark_files import BenchmarkRow, read_benchmark
from glotsmith.step import Step, Verify
from glotsmith.values import Call, Check, NotLiteral, parse_test
from glotsmith.values.check_expressions import RESULT


def load_behaviour(benchmarks: Sequence[str]) -> BehaviourIndex | None:
    """Return the problems of benchmark files, for comparison with programs; None if the files have no problem.

    Raises:
        InputError: A file cannot be read.

    """
    found = _load_behaviour(tuple((name, Path(name).stat().st_mtime_ns) for name in benchmarks))
    return found if len(found) else None


def behaviour_steps(
    step: Callable[[BehaviourIndex, Verify], Step[Any, Any]], benchmarks: Sequence[str], verifier: Verify, *, on: bool
) -> list[Step[Any, Any]]:
    """Return the step that compares programs with the problems of benchmark files, or no step if there are no problems.

    Raises:
        InputError: A file cannot be read.

    """
    problems = load_behaviour(benchmarks) if on else None
    return [step(problems, verifier)] if problems else []


@lru_cache(maxsize=1)
def _load_behaviour(files: tuple[tuple[str, int], ...]) -> BehaviourIndex:
    return BehaviourIndex(problems_of(row for name, _ in files for row in read_benchmark(Path(name))))


def problems_of(rows: Iterable[BenchmarkRow]) -> Iterator[BenchmarkCalls]:
    """Yield the problems whose tests are calls of one function over literals; other rows are skipped."""
    for row in rows:
        try:
            calls = tuple(map(_with_value, _calls_of_row(row.fields)))
        except (UnusableProblem, NotLiteral):
            continue
        if calls and len({len(call.arguments) for call in calls}) == 1:
            yield BenchmarkCalls(name=row.name, calls=calls, original=_python_original(row.fields))


_TRUTH = {RESULT: True, f"not {RESULT}": False}  #: checks of a result's truth → the result


def _with_value(call: Call) -> Call:
    """Return a call with True or False in place of a check of the result's truth, so that its type is compared."""
    value = _TRUTH.get(call.expected.text) if isinstance(call.expected, Check) else None
    return call if value is None else msgspec.structs.replace(call, expected=value)


def _calls_of_row(row: dict[str, Any]) -> list[Call]:
    match row:
        case {"entry_point": str(entry), "test": str(test)}:  # HumanEval, EvalPlus
            checks = [node for node in parse(test).body if isinstance(node, ast.FunctionDef) and node.name == "check"]
            return calls_of(checks[-1].body if checks else parse(test).body, entry).calls
        case {"code": str(code), "test_list": list()}:  # MBPP
            asserts = [node for text in _column_texts(row["test_list"]) for node in parse(text).body]
            return calls_of(asserts, entry_of(asserts, code)).calls
        case {"tests": list()}:  # rows of a dataset or of an evaluation set
            return [parse_test(text) for text in _column_texts(row["tests"])]
        case _:
            return []


def _column_texts(column: Any) -> list[str]:
    return [str(text) for text in cast(list[Any], column)]


def _python_original(row: dict[str, Any]) -> str:
    """Return the Python original of a row; "" if it has none."""
    match row:
        case {"prompt": str(prompt), "canonical_solution": str(solution)}:
            return prompt + solution
        case {"code": str(code), "test_list": list()}:
            return code.replace("\r\n", "\n").replace("\t", "    ")
        case {"source": str(source)}:
            return source
        case _:
            return ""
