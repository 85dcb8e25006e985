"""The interface of a benchmark's module, and the types that it returns."""

from collections.abc import Sequence
from typing import Protocol

from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.questions import ImpossibleProblem, Question
from glotsmith.records import Problem, Record
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Verify


class UnusableProblem(ValueError):
    """A problem cannot be used. The message says why."""

    reason = "unusable"


class UncheckedProblem(UnusableProblem):
    """The machine failed to run the original of a problem, so nothing is known about the problem."""

    reason = "not_verified"


class BenchmarkRequest(Record, frozen=True, kw_only=True):
    """The options for reading a benchmark."""

    name: str  #: the benchmark, as on the command line
    languages: tuple[str, ...]
    sandbox: Sandbox | None = None  #: runs canonical solutions, which give the expected values
    verify: Verify | None = None


class PythonProblem(Record, frozen=True, kw_only=True):
    """A problem with a Python original: it can be posed in every ``full`` language (``suites.make_tasks``)."""

    name: str  #: the name of the problem in the benchmark
    problem: Problem
    tolerance: float = 1e-6
    oracle: str = ""
    note: str = ""  #: a note for readers of the figures
    alias: str = ""  #: another name of the problem in files of completions


class LoadedBenchmark(Record, frozen=True, kw_only=True):
    """The content of a benchmark: problems to pose, complete questions, and impossible problems."""

    problems: tuple[PythonProblem, ...] = ()
    questions: tuple[Question, ...] = ()
    impossible: tuple[ImpossibleProblem, ...] = ()
    notes: tuple[str, ...] = ()  #: notes for readers of the figures


class Benchmark(Protocol):
    """A module of this folder."""

    HUB: str  #: dataset id on the hub: ``ID:SPLIT`` or ``ID:SPLIT:PART``; "" if the user must give a file

    async def read(self, rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
        """Return the content of the benchmark.

        Raises:
            InputError: A row lacks a field. The message names the file and the line.

        """
        ...
