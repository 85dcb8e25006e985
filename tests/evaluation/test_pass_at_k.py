"""pass@k against the published estimator, and its interval against simulated truth."""

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest

from glotsmith.evaluation import pass_at_k as module
from glotsmith.evaluation.pass_at_k import interval, pass_at_k


def published(n: int, c: int, k: int) -> float:
    """The estimator as Chen et al. 2021 print it (Fig. 3): a product, so that binomials do not overflow."""
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def test_it_equals_the_published_estimator_on_random_cases() -> None:
    draw = random.Random(5)
    for _ in range(2000):
        n = draw.randint(1, 400)
        c, k = draw.randint(0, n), draw.randint(1, n)
        assert pass_at_k(n, c, k) == pytest.approx(published(n, c, k), abs=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, 1), (5, 2, 3), (6, 1, 2), (7, 0, 3), (7, 7, 3), (4, 3, 2)])
def test_it_is_the_share_of_draws_that_hold_a_pass(n: int, c: int, k: int) -> None:
    samples = [True] * c + [False] * (n - c)
    draws = list(itertools.combinations(samples, k))
    assert pass_at_k(n, c, k) == pytest.approx(float(Fraction(sum(map(any, draws)), len(draws))))


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0), (0, 0, 1)])
def test_it_is_not_defined_elsewhere(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(n, c, k)


#: problems, samples, k, and the Beta distribution of a problem's own rate
POPULATIONS = [
    (164, 20, 1, 0.3, 0.7),
    (164, 20, 10, 0.3, 0.7),
    (161, 1, 1, 0.2, 1.5),
    (60, 5, 5, 2.0, 2.0),
    (100, 20, 1, 5.0, 0.3),
    (50, 20, 1, 500.0, 500.0),  # nearly the same rate everywhere
]


def coverage(m: int, n: int, k: int, a: float, b: float, confidence: float, trials: int = 1200) -> float:
    """Return how often the interval of a simulated evaluation holds the true mean."""
    draw = np.random.default_rng(7)
    rates = draw.beta(a, b, 400_000)
    truth = float(np.mean(1 - (1 - rates) ** k))
    estimates = np.array([pass_at_k(n, c, k) for c in range(n + 1)])
    held = 0
    for _ in range(trials):
        found = interval(list(estimates[draw.binomial(n, draw.beta(a, b, m))]), n / k, confidence)
        held += found.low <= truth <= found.high
    return held / trials


@pytest.mark.slow
@pytest.mark.parametrize(("m", "n", "k", "a", "b"), POPULATIONS)
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_intervals_hold_the_truth_at_their_stated_rate(
    m: int, n: int, k: int, a: float, b: float, confidence: float
) -> None:
    error = 3 * math.sqrt(confidence * (1 - confidence) / 1200)
    assert abs(coverage(m, n, k, a, b, confidence) - confidence) <= max(error, 0.02)


def test_few_problems_that_hardly_ever_pass_are_the_known_limit() -> None:
    """60 problems with a mean of 3 %: the interval holds the truth in over 90 % of cases (docs/evaluation.md)."""
    assert 0.90 <= coverage(60, 10, 1, 0.1, 3.0, 0.95) < 0.95


@pytest.mark.parametrize("m", [1, 2, 3, 5, 10, 20])
@pytest.mark.parametrize(("a", "b"), [(0.3, 0.7), (2.0, 2.0), (1.0, 3.0), (500.0, 500.0)])
def test_few_problems_prove_no_more_than_they_can(m: int, a: float, b: float) -> None:
    """A variance that is seen between few problems is itself a guess; the interval is wide enough for that."""
    assert coverage(m, 20, 1, a, b, 0.95, trials=300) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 300)


@pytest.mark.parametrize(
    ("p", "freedom", "published_"),
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 3, 3.182),
        (0.975, 10, 2.228),
        (0.9, 4, 1.533),
        (0.975, 120, 1.980),
    ],
)
def test_students_quantile_is_that_of_the_tables(p: float, freedom: int, published_: float) -> None:
    assert module._student_quantile(p, freedom) == pytest.approx(published_, rel=0.01)


def test_an_interval_that_ignores_clusters_would_not() -> None:
    """The check can fail: Wilson over all samples holds the truth far too seldom."""
    draw, held = np.random.default_rng(3), 0
    for _ in range(300):
        passed = draw.binomial(20, draw.beta(0.3, 0.7, 164))
        flat = [1.0] * int(passed.sum()) + [0.0] * int(164 * 20 - passed.sum())
        found = interval(flat)
        held += found.low <= 0.3 <= found.high
    assert held / 300 < 0.6


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_no_pass_at_all_is_no_proof_of_zero(value: float) -> None:
    found = interval([value] * 30)
    assert found.mean == value
    assert 0.05 < found.high - found.low < 0.2


def test_samples_of_one_problem_are_not_independent() -> None:
    """100 samples each of 10 problems that either always or never pass say no more than 10 samples."""
    few = interval([1.0] * 5 + [0.0] * 5)
    many = interval([1.0] * 5 + [0.0] * 5, draws=100)
    assert few == many


def test_an_interval_needs_a_problem() -> None:
    with pytest.raises(ValueError, match="no problem"):
        interval([])
