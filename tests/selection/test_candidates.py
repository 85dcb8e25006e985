import os
import random
import subprocess
import sys

from glotsmith.selection.candidates import BANDS, Bands, features, signature


def test_features_tell_occurrences_apart():
    assert features(["a", "b", "a", "a"]) == ["a", "b", "a 2", "a 3"]


def test_a_signature_depends_on_the_multiset_alone():
    words = ["local", "function", "f", "x", "return", "x", "end"]
    assert signature(words) == signature(words[::-1])
    assert signature(words) != signature([*words, "x"])
    assert len(signature(words)) == BANDS and len(signature([])) == BANDS


def test_signatures_do_not_depend_on_the_hash_seed():
    code = "from glotsmith.selection.candidates import signature; print(signature('a b c a'.split())[:5])"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


def test_bands_find_what_shares_a_mark_as_the_table_grows():
    rng = random.Random(7)
    bands, items = Bands(), [[rng.randrange(2000) for _ in range(BANDS)] for _ in range(120)]
    for number, marks in enumerate(items):
        earlier = [n for n in range(number) if set(items[n]) & set(marks)]
        assert bands.find(marks) == earlier
        assert len(bands) == number
        bands.add(marks)


def test_an_empty_table_finds_nothing():
    assert Bands().find(signature(["a"])) == []
