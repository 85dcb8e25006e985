import random
from array import array
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glotsmith.selection.signatures import FUNCTIONS, SIGNATURE_BYTES, SignatureFile, least_agreement


@pytest.mark.parametrize("different", [0, 1, 80, FUNCTIONS])
def test_functions_agree_if_their_four_bits_are_equal(different, tmp_path):
    rng = random.Random(different)
    one = [rng.randrange(16) for _ in range(FUNCTIONS)]
    changed = set(rng.sample(range(FUNCTIONS), different))
    other = [(bits + rng.randrange(1, 16)) % 16 if n in changed else bits for n, bits in enumerate(one)]
    signatures = [bytes.fromhex("".join(f"{bits:x}" for bits in each)) for each in (one, other)]
    file = SignatureFile(tmp_path / "signatures", signatures, None)
    assert file.near(0, [1], FUNCTIONS - different) == [1]
    assert file.near(0, [1], FUNCTIONS - different + 1) == []
    file.close()


@pytest.mark.parametrize(("similarity", "least"), [(1.0, 160), (0.8, 86), (0.6, 49), (0.0, 0)])
def test_least_agreement(similarity, least):
    assert max(least_agreement(similarity), 0) == least


@pytest.mark.parametrize("order", [None, array("I", [2, 0, 1])])
def test_near_places_are_those_in_the_order_of_decision(order, tmp_path):
    kinds = [b"\x11", b"\x11", b"\x22"]
    file = SignatureFile(tmp_path / "signatures", (kind * SIGNATURE_BYTES for kind in kinds), order)
    others = {
        place for place in range(1, 3) if kinds[order[place] if order else place] == kinds[order[0] if order else 0]
    }
    assert set(file.near(0, [1, 2], FUNCTIONS)) == others
    assert file.near(0, [1, 2], 0) == [1, 2]
    file.close()


@pytest.mark.parametrize("in_order", [True, False])
@given(seed=st.integers(0, 10**6), similarity=st.sampled_from([0.0, 0.3, 0.6, 1.0]))
def test_many_others_give_the_same_as_few(in_order, seed, similarity):
    """The signatures share a random half of their bytes."""
    rng, count = random.Random(seed), 60
    common = rng.randbytes(SIGNATURE_BYTES)
    signatures = [bytes(rng.choice((byte, rng.randrange(256))) for byte in common) for _ in range(count)]
    order = None if in_order else array("I", rng.sample(range(count), count))
    with TemporaryDirectory() as folder:
        file = SignatureFile(Path(folder) / "signatures", signatures, order)
        least, own = least_agreement(similarity), rng.randrange(count)
        few = [other for other in range(count) if file.near(own, [other], least)]
        assert file.near(own, range(count), least) == few
        file.close()


def test_no_signatures(tmp_path):
    SignatureFile(tmp_path / "signatures", [], None).close()
