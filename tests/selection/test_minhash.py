import os
import random
import subprocess
import sys

import numpy as np
import pytest

from glotsmith.selection import minhash
from glotsmith.selection.minhash import BANDS, ROWS_PER_BAND, no_sketch, sketch
from glotsmith.selection.signatures import SIGNATURE_BYTES
from glotsmith.selection.token_hashes import token_hashes


def sketch_of(texts):
    return sketch(token_hashes([" ".join(words).encode() for words in texts]))


def marks_of(*texts):
    return [column.tolist() for column in sketch_of(texts).marks.T]


def test_marks_depend_on_the_multiset_alone():
    words = ["local", "function", "f", "x", "return", "x", "end"]
    one, reversed_, more = marks_of(words, words[::-1], [*words, "x"])
    assert one == reversed_ != more
    assert len(one) == BANDS


@pytest.mark.parametrize("chunk", [1, 4, 1 << 15])
def test_marks_do_not_depend_on_the_other_texts(chunk, monkeypatch):
    monkeypatch.setattr(minhash, "_CHUNK", chunk)
    texts = [["a"], ["b", "a", "b"], ["c", "d", "e", "f", "a"], ["a"]]
    assert marks_of(*texts) == [marks_of(text)[0] for text in texts]
    of_all, alone = sketch_of(texts).signatures, [sketch_of([text]).signatures[0] for text in texts]
    assert of_all.tolist() == [each.tolist() for each in alone]


def test_no_text_and_texts_that_resemble_no_other():
    assert [each.shape for each in sketch_of([])] == [(BANDS, 0), (0, SIGNATURE_BYTES)]
    none = no_sketch(3, 2)
    assert none.marks.tolist() == [[3, 4]] * BANDS
    assert none.signatures.tolist() == [[0] * SIGNATURE_BYTES] * 2


def test_marks_do_not_depend_on_the_hash_seed():
    code = """if True:
        from glotsmith.selection.minhash import sketch
        from glotsmith.selection.token_hashes import token_hashes
        found = sketch(token_hashes([b"a b c a"]))
        print(found.marks[:3, 0].tolist(), found.signatures[0, :3].tolist())"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert outputs == {b"[2909123119, 3688743225, 47719617] [125, 97, 201]\n"}


@pytest.mark.parametrize(("common", "found"), [(51, (0.97, 0.999)), (60, (0.999, 1)), (28, (0.16, 0.28))])
def test_how_often_texts_of_85_words_share_a_band(common, found):
    """For Jaccard similarities of 0.43, 0.55 and 0.2; 600 pairs."""
    rng = random.Random(0)
    pairs = []
    for _ in range(600):
        words = [f"w{rng.random():.16f}".replace(".", "") for _ in range(170 - common)]
        pairs.append((words[:85], words[85 - common :]))
    one, other = (sketch_of([pair[side] for pair in pairs]) for side in range(2))
    least, most = found
    equal = one.marks == other.marks
    assert least <= np.mean(equal.any(axis=0)) <= most
    jaccard = common / (170 - common)
    assert np.mean(equal) == pytest.approx(jaccard**ROWS_PER_BAND, rel=0.3)
    halves = [(each.signatures & 15, each.signatures >> 4) for each in (one, other)]
    assert np.mean(np.equal(*halves)) == pytest.approx(jaccard + (1 - jaccard) / 16, rel=0.05)
