"""A bounded run resumes with the same functions in any order."""

import random
from collections.abc import Sequence

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.records import Function, Origin, content_hash
from glotsmith.sources.sample import SampleFunctions


def functions(count: int) -> list[tuple[str, Function]]:
    ids = [content_hash(str(i)) for i in range(count)]
    return [(i, Function(id=i, name="f", code="", origin=Origin(source="s", path="p"))) for i in ids]


def sampled(size: int, items: Sequence[tuple[str, Function]]) -> tuple[list[str], list[str]]:
    answers = list(SampleFunctions(size).run(lambda: iter(items)))
    assert [key for key, _ in answers] == [key for key, _ in items]
    dropped = [key for key, result in answers if [d.reason for d in result.dropped] == [Reason.NOT_SAMPLED]]
    return [k.key for _, result in answers for k in result.kept], dropped


@pytest.mark.parametrize(("size", "count", "kept"), [(3, 10, 3), (10, 10, 10), (20, 10, 10), (1, 0, 0)])
def test_so_many_are_kept(size: int, count: int, kept: int) -> None:
    keys, dropped = sampled(size, functions(count))
    assert (len(keys), len(dropped)) == (kept, count - kept)


def test_the_order_does_not_matter() -> None:
    items = functions(50)
    keys = set(sampled(7, items)[0])
    random.Random(1).shuffle(items)
    assert set(sampled(7, items)[0]) == keys
    assert set(sampled(6, items)[0]) < keys
