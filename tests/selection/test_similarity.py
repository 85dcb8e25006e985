import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rouge_score import tokenize

from glotsmith.selection import similarity
from glotsmith.selection.similarity import TokenEncoder, rouge_l, rouge_l_above, rouge_l_of_texts, rouge_tokens

WORDS = ["local", "end", "if", "then", "return", "x", "y", "z", "1", "2", "max_value", "~=", "ÄÖ", "İ"]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))


@pytest.fixture(scope="module")
def reference():
    from rouge_score import rouge_scorer  # only here: it imports SciPy

    return rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)


@given(text=TEXTS)
def test_tokens_are_the_reference_implementations(text):
    assert rouge_tokens(text) == tokenize.tokenize(text, None)


@pytest.mark.slow
@given(a=TEXTS, b=TEXTS)
@example(a="a b c", b="")
@example(a="+", b="-")
def test_scores_are_the_reference_implementations(reference, a, b):
    assert rouge_l_of_texts(a, b) == pytest.approx(reference.score(a, b)["rougeL"].fmeasure, abs=1e-9)


@given(a=TEXTS, b=TEXTS, threshold=st.sampled_from([0.1, 0.3, 0.5, 0.6, 0.7, 0.9, 1.0]))
@example(a="a b c d e", b="a b c x y", threshold=0.6)
def test_above_decides_as_the_score_does(a, b, threshold):
    vocabulary = TokenEncoder()
    one, other = vocabulary.encode(rouge_tokens(a)), vocabulary.encode(rouge_tokens(b))
    score = rouge_l(one, other)
    assert rouge_l_above(one, other, threshold) == (score if score > threshold else 0.0)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("return a + b", "return a - b", 1.0),  # the reference's tokens hold no operators
        ("a b c d e", "a b c x y", 0.6),
        ("a b c d", "d c b a", 0.25),
        ("max_value", "max value", 1.0),
        ("x", "y", 0.0),
        ("", "", 0.0),
    ],
)
def test_known_scores(a, b, expected):
    assert rouge_l_of_texts(a, b) == expected


def test_a_vocabulary_without_characters_left(monkeypatch):
    monkeypatch.setattr(similarity, "_CHARACTERS", 3)
    vocabulary = TokenEncoder()
    words = [f"w{n}" for n in range(50)]
    first = vocabulary.encode(words)
    assert vocabulary.encode(words) == first and len(first) == 50
    assert vocabulary.encode(random.Random(1).sample(words[:3], 3)) != vocabulary.encode(["other"])
