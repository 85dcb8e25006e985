from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glotsmith.selection import token_hashes as module
from glotsmith.selection.similarity import rouge_tokens, token_bytes
from glotsmith.selection.token_hashes import token_hashes


def hashes_of(*texts):
    found = token_hashes([token_bytes(text) for text in texts])
    pieces = np.split(found.hashes, np.cumsum(found.counts))
    assert not pieces.pop().size
    return [piece.tolist() for piece in pieces]


@given(texts=st.lists(st.text(alphabet="ab1_ \n.É")))
def test_hashes_are_equal_where_tokens_are(texts):
    tokens, hashes = [rouge_tokens(text) for text in texts], hashes_of(*texts)
    assert [len(each) for each in hashes] == [len(each) for each in tokens]
    pairs = {pair for words, found in zip(tokens, hashes, strict=True) for pair in zip(words, found, strict=True)}
    assert max(Counter(word for word, _ in pairs).values(), default=1) == 1
    assert max(Counter(found for _, found in pairs).values(), default=1) == 1


@pytest.mark.parametrize("block", [1, 7, 1 << 16])
def test_hashes_do_not_depend_on_the_other_texts(block, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", block)
    texts = ["", "one two", " ", "three.one", "x" * 300 + " one", ""]
    assert hashes_of(*texts) == [hashes_of(text)[0] for text in texts]


def test_no_text():
    assert hashes_of() == []


def test_a_text_that_is_longer_than_a_block():
    words = [f"w{number}" for number in range(50_000)]
    (found,) = hashes_of(" ".join(words))
    assert found == [hashes_of(word)[0][0] for word in words[:10]] + found[10:]
    assert len(set(found)) == len(words)


def hash_of(token):
    """Compute the hash with whole numbers."""
    value = sum(byte * module._BASE**power for power, byte in enumerate(token.encode(), start=1)) % (1 << 64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = (value ^ value >> 33) * factor % (1 << 64)
    return value >> 32


def test_the_hashes_are_those_of_the_formula_on_every_machine():
    words = ["a", "local", "x1", "a" * 1000]
    assert hashes_of(" ".join(words))[0] == [hash_of(word) for word in words]
    assert hash_of("local") == 888625697


def test_texts_without_tokens_are_filled():
    found = token_hashes([b"", b"a", b" ", b""]).filled(np.array([5, 6, 7, 8], np.uint32))
    assert found.counts.tolist() == [1, 1, 1, 1]
    assert found.hashes.tolist() == [5, *hashes_of("a")[0], 7, 8]
