import os
import subprocess
import sys

from glotsmith.selection.minhash import BANDS, minhash_signature, multiset_features


def test_features_tell_occurrences_apart():
    assert multiset_features(["a", "b", "a", "a"]) == ["a", "b", "a 2", "a 3"]


def test_a_signature_depends_on_the_multiset_alone():
    words = ["local", "function", "f", "x", "return", "x", "end"]
    assert minhash_signature(words) == minhash_signature(words[::-1])
    assert minhash_signature(words) != minhash_signature([*words, "x"])
    assert len(minhash_signature(words)) == BANDS and len(minhash_signature([])) == BANDS


def test_signatures_do_not_depend_on_the_hash_seed():
    code = "from glotsmith.selection.minhash import minhash_signature as m; print(m('a b c a'.split())[:5])"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1
