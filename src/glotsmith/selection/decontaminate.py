"""Drop what overlaps with a benchmark: sources, and translations too.

The paper looked at Python text only; a problem that a teacher knows by heart comes back in any language.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from glotsmith.drop_reasons import Reason
from glotsmith.records import Function, Record, Solution
from glotsmith.selection.benchmark_overlap import BenchmarkIndex
from glotsmith.step import Dropped, ItemStep, Result, keep

T = TypeVar("T", bound=Record)


class ItemText(NamedTuple):
    """One text of an item."""

    what: str  #: what it is, for the drop's detail
    text: str
    language: str = ""  #: "" for prose


class Decontaminate(ItemStep[T, T]):
    """Drop items that overlap with a benchmark; what an item's texts are, a subclass says."""

    def __init__(self, benchmarks: BenchmarkIndex) -> None:
        """Take the index of benchmarks; it may be shared by several steps."""
        self.overlap = benchmarks

    @abstractmethod
    def texts_to_check(self, item: T) -> Iterator[ItemText]:
        """Yield the texts to look at."""

    async def run(self, key: str, item: T) -> Result[T]:
        """Drop the item at the first text that overlaps."""
        for part in self.texts_to_check(item):
            if found := self.overlap.find_overlap(part.text, part.language):
                return Result(dropped=(Dropped(Reason.CONTAMINATED, f"{part.what}: {found}"),))
        return keep(key, item)


def _function_parts(function: Function) -> Iterator[ItemText]:
    yield ItemText("source", function.code, "python")
    if function.docstring not in function.code:
        yield ItemText("docstring", function.docstring)


class DecontaminateFunctions(Decontaminate[Function]):
    """Drop source functions that a benchmark holds."""

    name = "decontaminate_functions"
    output = Function

    def texts_to_check(self, item: Function) -> Iterator[ItemText]:
        """Look at the function and its docstring."""
        return _function_parts(item)


class DecontaminateSolutions(Decontaminate[Solution]):
    """Drop translations that a benchmark holds, or whose source it holds."""

    name = "decontaminate_solutions"
    output = Solution

    def texts_to_check(self, item: Solution) -> Iterator[ItemText]:
        """Look at the program, the source and its docstring, from which the instruction is made."""
        yield ItemText("translation", item.code, item.task.language)
        yield from _function_parts(item.task.problem.function)
