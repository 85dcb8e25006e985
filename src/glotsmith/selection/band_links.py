"""Chains of texts that share a mark of a band. They are stored in files.

Each text is linked to the one before it with the same mark. For many texts the links are found by sorting the texts by
the mark of each band, which needs about 40 bytes of memory for each text, for one band at a time. For few texts they
are found with a dictionary, so that a small run does not import pyarrow for them.
"""

import mmap
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

_WINDOW = 1 << 14  #: texts whose links are in memory at once
_FEW = 1 << 14  #: texts whose links a dictionary finds, in some milliseconds
_NUMBER_BYTES = 4


_Links = list[tuple[int, int]]  #: of one text: (band, place of the text before it with the same mark)


def write_links(path: Path, marks: Iterable[bytes], order: "array[int] | None") -> None:
    """Write the links of one band to a file: the places of the later texts in ascending order, then the earlier ones.

    Args:
        path: of the file.
        marks: 32-bit marks of the texts, in pieces.
        order: numbers of the texts in the order of decision; None for the order of the marks.

    """
    joined = b"".join(marks)
    find = _links_of_few if len(joined) <= _FEW * _NUMBER_BYTES else _links_of_many
    path.write_bytes(find(joined, order))


def _links_of_few(marks: bytes, order: "array[int] | None") -> bytes:
    """Return the places of the later texts and those of the earlier ones."""
    numbers = array("I", marks)
    places = dict[int, int]()  #: mark → place of the last text with it
    later, earlier = array("I"), array("I")
    for place, number in enumerate(numbers if order is None else map(numbers.__getitem__, order)):
        if number in places:
            later.append(place)
            earlier.append(places[number])
        places[number] = place
    return (later + earlier).tobytes()


def _links_of_many(marks: bytes, order: "array[int] | None") -> bytes:
    """Return the same links, found by sorting."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    column = _column(marks)
    if order is not None:
        column = column.take(_column(order.tobytes()))
    ranks = compute.array_sort_indices(column)  # a stable sort: equal marks stay in order
    ordered, last = column.take(ranks), max(len(column) - 1, 0)
    same = compute.equal(ordered.slice(1), ordered.slice(0, last))
    later, earlier = ranks.slice(1).filter(same), ranks.slice(0, last).filter(same)
    by_place = compute.array_sort_indices(later)
    return _numbers(later.take(by_place)) + _numbers(earlier.take(by_place))


def _column(numbers: bytes) -> Any:
    import pyarrow

    arrow: Any = pyarrow
    count = len(numbers) // _NUMBER_BYTES
    return arrow.Array.from_buffers(arrow.uint32(), count, [None, arrow.py_buffer(numbers)])


def _numbers(column: Any) -> bytes:
    narrow = column.cast("uint32")
    return narrow.buffers()[1].to_pybytes()[: len(narrow) * _NUMBER_BYTES] if len(narrow) else b""


def read_links(paths: Iterable[Path], count: int) -> Iterator[_Links]:
    """Yield the links of each text, in the order of decision; the bands are numbered as the files."""
    with ExitStack() as stack:
        columns = [(band, view, 0) for band, view in enumerate(_map(stack, path) for path in paths) if view]
        for start in range(0, count, _WINDOW):
            end = min(start + _WINDOW, count)
            found: list[_Links] = [[] for _ in range(start, end)]
            columns = [(band, view, _collect(band, view, at, start, end, found)) for band, view, at in columns]
            yield from found
        for _, view, _ in columns:
            view.release()


def _collect(band: int, view: "memoryview[int]", at: int, start: int, end: int, found: list[_Links]) -> int:
    """Append the links of the texts from ``start`` to ``end``; return the index of the first link after them."""
    half = len(view) // 2
    while at < half and (later := view[at]) < end:
        found[later - start].append((band, view[half + at]))
        at += 1
    return at


def _map(stack: ExitStack, path: Path) -> "memoryview[int] | None":
    if not path.stat().st_size:
        return None
    file = stack.enter_context(path.open("rb"))
    mapped = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return memoryview(mapped).cast("I")
