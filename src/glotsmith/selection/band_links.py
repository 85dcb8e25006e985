"""Chains of texts that share a mark of a band. Sorting finds the chains, and files store them; no hash table is needed.

The texts are sorted by the mark of each band; each text is linked to the one before it with the same mark. This needs
about 30 bytes of memory for each text, for one band at a time.
"""

import mmap
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_WINDOW = 1 << 14  #: texts whose links are in memory at once
_NUMBER_BYTES = 4

_Numbers = NDArray[np.uint32]


class TextLinks(NamedTuple):
    """The links of one text."""

    place: int  #: place of the text in the order of decision
    bands: list[int]
    earlier: list[int]  #: for each band, the place of the text before it with the same mark


def write_links(path: Path, marks: Iterable[bytes], order: "array[int] | None") -> None:
    """Write the links of one band to a file: the places of the later texts in ascending order, then the earlier ones.

    Args:
        path: the file.
        marks: 32-bit marks of the texts, in pieces.
        order: numbers of the texts in the order of decision; None for the order of the marks.

    """
    column = np.frombuffer(b"".join(marks), np.uint32)
    if order is not None:
        column = column[np.frombuffer(order, np.uint32)]
    by_mark = _sorted_places(column)
    ordered = column[by_mark]
    same = ordered[1:] == ordered[:-1]
    earlier = np.zeros(len(column), np.uint32)  # place + 1; 0: there is none
    earlier[by_mark[1:][same]] = by_mark[:-1][same] + np.uint32(1)
    later = np.flatnonzero(earlier)
    path.write_bytes(later.astype(np.uint32).tobytes() + (earlier[later] - np.uint32(1)).tobytes())


def _sorted_places(column: _Numbers) -> _Numbers:
    """Return the places of the numbers in ascending order; equal numbers keep their order.

    NumPy sorts numbers of 16 bits by radix sort, so that two passes are twice as fast as one sort of 32 bits.
    """
    low, high = (column & np.uint32(0xFFFF)).astype(np.uint16), (column >> np.uint32(16)).astype(np.uint16)
    by_low = np.argsort(low, kind="stable").astype(np.uint32)
    return by_low[np.argsort(high[by_low], kind="stable")]


def read_links(paths: Iterable[Path], count: int) -> Iterator[TextLinks]:
    """Yield the links of each text that has any, in the order of decision; the bands are numbered as the files."""
    with ExitStack() as stack:
        views = [_map(stack, path) for path in paths]
        starts = [0] * len(views)
        for end in range(_WINDOW, count + _WINDOW, _WINDOW):
            ends = [int(np.searchsorted(view[0], end)) for view in views]
            windows = [view[:, start:stop] for view, start, stop in zip(views, starts, ends, strict=True)]
            starts = ends
            yield from _by_text(windows)
        views.clear()


def _by_text(windows: list[_Numbers]) -> Iterator[TextLinks]:
    """Yield the links of a window, which are ordered by text in each band, by text and band."""
    bands = np.repeat(np.arange(len(windows)), [window.shape[1] for window in windows])
    later, earlier = np.concatenate(windows, axis=1)
    by_text = np.argsort(later, kind="stable")
    places, firsts = np.unique(later[by_text], return_index=True)
    bands_of, earlier_of = bands[by_text].tolist(), earlier[by_text].tolist()
    bounds = [*firsts.tolist(), len(bands_of)]
    for index, place in enumerate(places.tolist()):
        links = slice(bounds[index], bounds[index + 1])
        yield TextLinks(place, bands_of[links], earlier_of[links])


def _map(stack: ExitStack, path: Path) -> _Numbers:
    """Return the later and the earlier texts of the links of a file."""
    if not path.stat().st_size:
        return np.empty((2, 0), np.uint32)
    file = stack.enter_context(path.open("rb"))
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # it is unmapped with the last array
    return np.frombuffer(mapped, np.uint32).reshape(2, -1)
