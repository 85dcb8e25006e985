"""Decontaminate: drop source functions and solutions that overlap with a benchmark, by text, syntax tree or behaviour.

The paper checks Python text only. Here solutions are checked, too, because a teacher can reproduce a memorised
problem in any language.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from glotsmith.drop_reasons import Reason
from glotsmith.records import Function, Problem, Record, Solution
from glotsmith.selection.benchmark_behaviour import BehaviourIndex, ProgramUnderTest
from glotsmith.selection.benchmark_overlap import BenchmarkIndex
from glotsmith.step import Dropped, ItemStep, Result, Verify, keep

T = TypeVar("T", bound=Record)


class ItemText(NamedTuple):
    """One text of an item."""

    label: str  #: names the text in the drop's detail
    text: str
    language: str = ""  #: "" for prose


class Decontaminate(ItemStep[T, T]):
    """Drops items that overlap with a benchmark; a subclass defines which texts of an item are checked."""

    def __init__(self, benchmarks: BenchmarkIndex) -> None:
        """Initialise with an index of benchmarks, which several steps may share."""
        self.overlap = benchmarks

    @abstractmethod
    def texts_to_check(self, item: T) -> Iterator[ItemText]:
        """Yield the texts of an item to check."""

    async def run(self, key: str, item: T) -> Result[T]:
        """Drop the item at the first text that overlaps."""
        for part in self.texts_to_check(item):
            if found := self.overlap.find_overlap(part.text, part.language):
                return Result(dropped=(Dropped(Reason.CONTAMINATED, f"{part.label}: {found}"),))
        return keep(key, item)


def _function_parts(function: Function) -> Iterator[ItemText]:
    yield ItemText("source", function.code, "python")
    if function.docstring not in function.code:
        yield ItemText("docstring", function.docstring)


class DecontaminateFunctions(Decontaminate[Function]):
    """Drops source functions that overlap with a benchmark."""

    name = "decontaminate_functions"
    output = Function

    def texts_to_check(self, item: Function) -> Iterator[ItemText]:
        """Yield the function and its docstring."""
        return _function_parts(item)


class DecontaminateSolutions(Decontaminate[Solution]):
    """Drops solutions that overlap with a benchmark, or whose source does."""

    name = "decontaminate_solutions"
    output = Solution

    def texts_to_check(self, item: Solution) -> Iterator[ItemText]:
        """Yield the program, its source, and the docstring from which the instruction is made."""
        yield ItemText("translation", item.code, item.task.language)
        yield from _function_parts(item.task.problem.function)


class DecontaminateBehaviour(ItemStep[T, T]):
    """Drops items whose program behaves as a problem of a benchmark; a subclass defines the program of an item."""

    def __init__(self, problems: BehaviourIndex, verifier: Verify) -> None:
        """Initialise with the problems of benchmarks, which several steps may share, and with what runs programs."""
        self._problems, self._verifier = problems, verifier

    @abstractmethod
    def program_of(self, item: T) -> ProgramUnderTest | None:
        """Return the program of an item; None if it cannot be called with typed values."""

    async def run(self, key: str, item: T) -> Result[T]:
        """Drop the item if its program matches a problem."""
        program = self.program_of(item)
        found = await self._problems.find_match(program, self._verifier) if program else ""
        return Result(dropped=(Dropped(Reason.CONTAMINATED, found),)) if found else keep(key, item)


class DecontaminateProblems(DecontaminateBehaviour[Problem]):
    """Drops problems whose Python function behaves as a problem of a benchmark, before they are translated."""

    name = "decontaminate_problems"
    output = Problem

    def program_of(self, item: Problem) -> ProgramUnderTest:
        """Return the function."""
        return ProgramUnderTest("python", item.function.program, item.suite.signature)
