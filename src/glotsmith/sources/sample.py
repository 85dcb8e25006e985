"""Sample a fixed number of items, for a preview or a bounded run."""

import heapq
from collections.abc import Callable, Iterator
from typing import TypeVar

from glotsmith.drop_reasons import Reason
from glotsmith.records import Function, Snippet
from glotsmith.step import Dropped, Result, ShardRule, WholeStep, keep

T = TypeVar("T", Function, Snippet)


class _SampleByHash(WholeStep[T, T]):
    """Keeps the items with the smallest content hashes, so that every rerun, in any order, keeps the same items."""

    in_shard: ShardRule = "run"  #: the smallest hashes of all are also among the smallest hashes of their shards

    def __init__(self, size: int) -> None:
        self._size = size

    def run(self, items: Callable[[], Iterator[tuple[str, T]]]) -> "Iterator[tuple[str, Result[T]]]":
        """Choose items in a first pass, and keep or drop them in a second pass."""
        chosen = set(heapq.nsmallest(self._size, (item.id for _, item in items())))
        for key, item in items():
            if item.id in chosen:
                yield key, keep(key, item)
            else:
                yield key, Result(dropped=(Dropped(Reason.NOT_SAMPLED),))


class SampleFunctions(_SampleByHash[Function]):
    """Keeps a fixed number of functions."""

    name = "sample"
    output = Function


class SampleSnippets(_SampleByHash[Snippet]):
    """Keeps a fixed number of snippets."""

    name = "sample"
    output = Snippet
