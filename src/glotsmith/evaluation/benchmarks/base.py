"""What a benchmark's module offers, and what it returns."""

from collections.abc import Sequence
from typing import Protocol

from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.questions import ImpossibleProblem, Question
from glotsmith.records import Problem, Record
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Verify


class UnusableProblem(ValueError):
    """A problem can't be taken as it is; the message says why."""

    reason = "unusable"


class UncheckedProblem(UnusableProblem):
    """The machine failed to run a problem's original: no word about the problem."""

    reason = "not_verified"


class BenchmarkRequest(Record, frozen=True, kw_only=True):
    """What is asked for."""

    name: str  #: the benchmark, as on the command line
    languages: tuple[str, ...]
    sandbox: Sandbox | None = None  #: for expected values, which come of running the canonical solution
    verify: Verify | None = None


class PosableProblem(Record, frozen=True, kw_only=True):
    """A problem with a Python original: it can be posed in every ``full`` language (``suites.prove``)."""

    name: str  #: as the benchmark names it
    problem: Problem
    tolerance: float = 1e-6
    oracle: str = ""
    note: str = ""  #: what a reader of the figures has to know
    alias: str = ""  #: another name of the problem, by which files of completions may call it


class LoadedBenchmark(Record, frozen=True, kw_only=True):
    """A benchmark as read: problems that are yet to be posed, questions that stand, and what can't be asked."""

    posable: tuple[PosableProblem, ...] = ()
    questions: tuple[Question, ...] = ()
    impossible: tuple[ImpossibleProblem, ...] = ()
    notes: tuple[str, ...] = ()  #: what a reader of the figures has to know


class Benchmark(Protocol):
    """A module of this folder."""

    HUB: str  #: dataset id on the hub, ``:SPLIT`` and, of several, ``:PART``; empty where files are the only way

    async def read(self, rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
        """Turn rows into questions.

        Raises:
            InputError: a row lacks a field, by file and line.

        """
        ...
