"""Go on with a fixed number of functions, for a preview or a bounded run."""

import heapq
from collections.abc import Callable, Iterator

from glotsmith.reasons import Reason
from glotsmith.records import Function
from glotsmith.step import Dropped, Result, WholeStep, keep


class Sample(WholeStep[Function, Function]):
    """Keep the functions with the least content hashes: a sample that any order of reading and any rerun repeats."""

    name = "sample"
    output = Function

    def __init__(self, size: int) -> None:
        self._size = size

    def run(self, items: Callable[[], Iterator[tuple[str, Function]]]) -> "Iterator[tuple[str, Result[Function]]]":
        """Choose in one pass, answer in a second."""
        chosen = set(heapq.nsmallest(self._size, (item.id for _, item in items())))
        for key, item in items():
            if item.id in chosen:
                yield key, keep(key, item)
            else:
                yield key, Result(dropped=(Dropped(Reason.NOT_SAMPLED),))
