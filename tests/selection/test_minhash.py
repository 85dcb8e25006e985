import os
import random
import subprocess
import sys

import numpy as np
import pytest

from glotsmith.selection import minhash
from glotsmith.selection.minhash import BANDS, ROWS_PER_BAND, band_marks


def marks_of(*texts):
    return [column.tolist() for column in band_marks(texts).T]


def test_marks_depend_on_the_multiset_alone():
    words = ["local", "function", "f", "x", "return", "x", "end"]
    one, reversed_, more = marks_of(words, words[::-1], [*words, "x"])
    assert one == reversed_ != more
    assert len(one) == BANDS


@pytest.mark.parametrize("chunk", [1, 4, 1 << 15])
def test_marks_do_not_depend_on_the_other_texts(chunk, monkeypatch):
    monkeypatch.setattr(minhash, "_CHUNK", chunk)
    monkeypatch.setattr(minhash, "_KNOWN_WORDS", 3)
    texts = [["a"], ["b", "a", "b"], ["c", "d", "e", "f", "a"], ["a"]]
    assert marks_of(*texts) == [marks_of(text)[0] for text in texts]
    assert band_marks([]).shape == (BANDS, 0)


def test_marks_do_not_depend_on_the_hash_seed():
    code = "from glotsmith.selection.minhash import *; print(band_marks([[*'abca']])[:3, 0].tolist())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert outputs == {b"[4101632471, 570902381, 1210299409]\n"}


@pytest.mark.parametrize(("common", "found"), [(51, (0.97, 0.999)), (60, (0.999, 1)), (28, (0.16, 0.28))])
def test_how_often_texts_of_85_words_share_a_band(common, found):
    """For Jaccard similarities of 0.43, 0.55 and 0.2; 600 pairs."""
    rng = random.Random(0)
    pairs = []
    for _ in range(600):
        words = [f"w{rng.random()}" for _ in range(170 - common)]
        pairs.append((words[:85], words[85 - common :]))
    one, other = (band_marks([pair[side] for pair in pairs]) for side in range(2))
    least, most = found
    assert least <= np.mean((one == other).any(axis=0)) <= most
    jaccard = common / (170 - common)
    assert np.mean(one == other) == pytest.approx(jaccard**ROWS_PER_BAND, rel=0.3)
