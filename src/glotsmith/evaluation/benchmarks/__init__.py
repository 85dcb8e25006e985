"""The table of benchmarks. Each has a module that reads rows in the format of the benchmark."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import cast

from glotsmith.errors import UsageError, unknown_name
from glotsmith.evaluation.benchmarks.base import Benchmark, BenchmarkRequest, LoadedBenchmark
from glotsmith.evaluation.benchmarks.row_files import QuestionRow

Read = Callable[["list[QuestionRow]", BenchmarkRequest], Awaitable[LoadedBenchmark]]

BENCHMARKS = {
    "humaneval": "glotsmith.evaluation.benchmarks.humaneval",
    "mbpp": "glotsmith.evaluation.benchmarks.mbpp",
    "humaneval+": "glotsmith.evaluation.benchmarks.evalplus",
    "mbpp+": "glotsmith.evaluation.benchmarks.evalplus",
    "multipl-e": "glotsmith.evaluation.benchmarks.multipl_e",
    "mceval": "glotsmith.evaluation.benchmarks.mceval",
    "ds1000": "glotsmith.evaluation.benchmarks.ds1000",
    "livecodebench-x": "glotsmith.evaluation.benchmarks.livecodebench_x",
    "questions": "glotsmith.evaluation.benchmarks.own_questions",
    "rows": "glotsmith.evaluation.benchmarks.example_rows",
}


def get(name: str) -> Benchmark:
    """Return the module of a benchmark.

    Raises:
        UsageError: The benchmark does not exist.

    """
    if name not in BENCHMARKS:
        raise UsageError(unknown_name(f"no benchmark is named {name!r}", name, BENCHMARKS))
    return cast(Benchmark, import_module(BENCHMARKS[name]))
