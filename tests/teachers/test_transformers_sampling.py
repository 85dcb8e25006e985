"""How tokens are chosen from scores."""

from collections import Counter

import pytest

from glotsmith.teachers.base import Sampling
from glotsmith.teachers.transformers.sampling import choose_tokens, penalise_repetition

DRAWS = [(n + 0.5) / 1000 for n in range(1000)]


def shares(probabilities: list[float], sampling: Sampling) -> dict[int, float]:
    """Return the share of the draws that choose each token."""
    import torch

    scores = torch.tensor(probabilities).log().repeat(len(DRAWS), 1)
    counts = Counter(choose_tokens(scores, [sampling] * len(DRAWS), DRAWS))
    return {token: count / len(DRAWS) for token, count in counts.items()}


@pytest.mark.parametrize(
    ("probabilities", "sampling", "expected"),
    [
        ([0.1, 0.6, 0.3], Sampling(), {1: 1.0}),
        ([0.1, 0.6, 0.3], Sampling(temperature=1.0), {0: 0.1, 1: 0.6, 2: 0.3}),
        ([0.1, 0.6, 0.3], Sampling(temperature=0.5), {0: 0.0217, 1: 0.7826, 2: 0.1957}),
        ([0.1, 0.6, 0.3], Sampling(temperature=1.0, top_p=0.85), {1: 2 / 3, 2: 1 / 3}),  # the smallest head ≥ 0.85
        ([0.1, 0.6, 0.3], Sampling(temperature=1.0, top_p=0.5), {1: 1.0}),
        ([0.26, 0.25, 0.25, 0.24], Sampling(temperature=1.0, top_p=0.001), {0: 1.0}),
        ([1 / 600] * 600, Sampling(temperature=1.0, top_p=0.999), None),  # a nucleus larger than what is sorted first
    ],
)
def test_tokens_have_their_shares(
    probabilities: list[float], sampling: Sampling, expected: dict[int, float] | None
) -> None:
    found = shares(probabilities, sampling)
    if expected is None:
        assert len(found) > 590
    else:
        assert found == {token: pytest.approx(share, abs=0.003) for token, share in expected.items()}


def test_rows_of_different_samplings_are_chosen_together() -> None:
    import torch

    scores = torch.tensor([[0.1, 0.6, 0.3]] * 3).log()
    samplings = [Sampling(), Sampling(temperature=1.0), Sampling(temperature=1.0, top_p=0.7)]
    assert choose_tokens(scores, samplings, [0.99, 0.05, 0.99]) == [1, 0, 2]


@pytest.mark.parametrize("draw", [0.0, 0.5, 1.0 - 1e-16])
def test_impossible_tokens_are_never_chosen(draw: float) -> None:
    import torch

    scores = torch.tensor([[float("-inf"), 1.0, float("-inf")]])
    assert choose_tokens(scores, [Sampling(temperature=1.0)], [draw]) == [1]
    assert choose_tokens(scores, [Sampling(temperature=1.0, top_p=0.9)], [draw]) == [1]


def test_repetition_divides_positive_scores_and_multiplies_negative_ones() -> None:
    import torch

    scores = torch.tensor([2.0, -2.0, 2.0, -2.0])
    penalise_repetition(scores, [0, 1, 0], 2.0)
    assert scores.tolist() == [1.0, -4.0, 2.0, -2.0]
