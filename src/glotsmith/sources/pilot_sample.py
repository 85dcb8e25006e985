"""Sample the items of a pilot, whose outcomes predict those of the whole run (``glotsmith run --estimate``)."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.records import Record, content_hash
from glotsmith.step import Dropped, Result, WholeStep, keep

PILOT_STEP = "pilot"
MIN_ITEMS = 30  #: smallest number of items of a pilot, if there are so many; fewer do not predict the others well


def pilot_size(items: int, share: float) -> int:
    """Return the number of items of a pilot: a share of all, but at least ``MIN_ITEMS`` if there are so many."""
    return min(items, max(MIN_ITEMS, math.ceil(share * items)))


def sample_pilot(share: float, item_type: type[Record]) -> "SamplePilot":
    """Return the step that samples ``share`` of the items of this type."""

    class SampleOfType(SamplePilot):
        output = item_type

    return SampleOfType(share)


class SamplePilot(WholeStep[Record, Record]):
    """Keeps a stratified sample: items are sorted by language and size, and one item is drawn from each stratum.

    A stratum is a group of consecutive items, and the groups have equal sizes. The item with the smallest content hash
    of a stratum is drawn, so that every start draws the same items.
    """

    name = PILOT_STEP

    def __init__(self, share: float) -> None:
        """Sample ``share`` (above 0, at most 1) of the items."""
        self._share = share

    def run(self, items: Callable[[], Iterator[tuple[str, Record]]]) -> Iterator[tuple[str, Result[Record]]]:
        """Draw the sample in a first pass, and keep or drop the items in a second pass."""
        chosen = draw_from_strata([(*_stratum_of(item), key) for key, item in items()], self._share)
        for key, item in items():
            yield key, keep(key, item) if key in chosen else Result(dropped=(Dropped(Reason.NOT_SAMPLED),))


def _stratum_of(item: Record) -> tuple[str, int]:
    return getattr(item, "language", ""), len(msgspec.json.encode(item))


def draw_from_strata(items: list[tuple[str, int, str]], share: float) -> set[str]:
    """Return the keys of the sample of items, each a language, a size and a key."""
    size, order = pilot_size(len(items), share), sorted(items)
    bounds = [len(order) * number // size for number in range(size + 1)] if size else []
    strata = (order[start:end] for start, end in pairwise(bounds))
    return {min((item[2] for item in stratum), key=content_hash) for stratum in strata}
