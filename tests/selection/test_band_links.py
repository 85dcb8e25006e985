import random
from array import array

import pytest

from glotsmith.selection import band_links
from glotsmith.selection.band_links import read_links, write_links


@pytest.mark.parametrize("window", [3, 1 << 14])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_each_text_is_linked_to_the_one_before_it_with_the_same_mark(window, ordered, count, tmp_path, monkeypatch):
    monkeypatch.setattr(band_links, "_WINDOW", window)
    rng = random.Random(count)
    bands = [array("I", [rng.choice([7, 2**32 - 1, rng.randrange(20)]) for _ in range(count)]) for _ in range(4)]
    order = array("I", rng.sample(range(count), count)) if ordered else None
    paths = [tmp_path / str(number) for number in range(4)]
    for path, marks in zip(paths, bands, strict=True):
        write_links(path, [marks[:2].tobytes(), marks[2:].tobytes()], order)
    expected = []
    for place in range(count):
        sorted_bands = [[marks[n] for n in (order or range(count))] for marks in bands]
        links = [
            (band, max(before))
            for band, marks in enumerate(sorted_bands)
            if (before := [n for n in range(place) if marks[n] == marks[place]])
        ]
        if links:
            expected.append((place, *map(list, zip(*links, strict=True))))
    assert list(read_links(paths, count)) == expected
