"""Predictions of totals and ratios of a population: exact where all is known, and intervals that hold."""

import math
import random
from collections.abc import Callable

import pytest

from glotsmith.api.finite_population import CONFIDENCE, PredictionInterval, distinct_share, predict_ratio, predict_total

Draw = Callable[[random.Random], float]
POPULATIONS: dict[str, Draw] = {
    "equal": lambda r: 3.0,
    "mostly zero": lambda r: float(r.random() < 0.1) * r.randint(1, 3),
    "two kinds": lambda r: (100.0 if r.random() < 0.1 else 5.0) * r.lognormvariate(0, 0.3),
    "heavy tail": lambda r: r.lognormvariate(0, 1.3),
    "bounded": lambda r: min(20.0, r.expovariate(0.1)),
}


@pytest.mark.parametrize("name", POPULATIONS)
def test_the_interval_of_a_total_holds_in_nine_of_ten_samples(name: str) -> None:
    r = random.Random(name)
    held, runs = 0, 150
    for _ in range(runs):
        population = [POPULATIONS[name](r) for _ in range(400)]
        found = predict_total(r.sample(population, 40), len(population))
        held += found.low - 1e-6 <= math.fsum(population) <= found.high + 1e-6
    assert held >= (CONFIDENCE - 0.04) * runs  # one and a half standard errors of the count


def test_an_interval_without_the_corrections_does_not_hold() -> None:
    """Plain bounds of a skewed total are too low, so the test above can fail."""
    r, held, runs = random.Random(2), 0, 150
    for _ in range(runs):
        population = [POPULATIONS["heavy tail"](r) for _ in range(400)]
        sample = r.sample(population, 40)
        mean = math.fsum(sample) / 40
        error = 1.684 * math.sqrt(math.fsum((v - mean) ** 2 for v in sample) / 39 / 40 * 0.9)
        held += abs(math.fsum(population) / 400 - mean) <= error
    assert held < (CONFIDENCE - 0.04) * runs


@pytest.mark.parametrize(
    ("values", "population", "expected"),
    [
        ([1.0, 2.0], 2, PredictionInterval(3, 3, 3)),
        ([], 0, PredictionInterval(0, 0, 0)),
        ([0.0] * 30, 30, PredictionInterval(0, 0, 0)),
    ],
)
def test_a_population_that_was_sampled_whole_is_known(
    values: list[float], population: int, expected: PredictionInterval
) -> None:
    assert predict_total(values, population) == expected


def test_nothing_seen_is_not_nothing_there() -> None:
    found = predict_total([0.0] * 30, 600, largest=2)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(2 * 570 * (1 - 0.05 ** (1 / 30)))  # the bound of a binomial variable
    assert predict_total([0.0] * 30, 600).high == 0  # of an amount that no item has


@pytest.mark.parametrize("bound", ["low", "high"])
def test_a_total_is_never_below_what_the_sample_has(bound: str) -> None:
    found = predict_total([0.0] * 38 + [100.0, 1.0], 44)
    assert getattr(found, bound) >= 101


def test_the_interval_of_a_ratio_holds_in_nine_of_ten_samples() -> None:
    r, held, runs = random.Random(5), 0, 100
    for _ in range(runs):
        population = [(r.lognormvariate(1, 1), float(r.random() < 0.4) * r.randint(1, 3)) for _ in range(400)]
        sample = r.sample(population, 40)
        found = predict_ratio([c for c, _ in sample], [d for _, d in sample], len(population))
        actual = math.fsum(c for c, _ in population) / math.fsum(d for _, d in population)
        held += found.low <= actual <= found.high
    assert held >= (CONFIDENCE - 0.04) * runs


@pytest.mark.parametrize(
    ("numerators", "denominators", "population", "value", "is_bounded"),
    [
        ([1.0, 3.0], [1.0, 1.0], 2, 2.0, True),
        ([0.0, 0.0], [1.0, 1.0], 9, 0.0, True),
        ([1.0] * 30, [0.0] * 30, 600, math.inf, False),
        ([1.0] * 30, [0.0] * 29 + [1.0], 600, 30.0, False),  # another sample may have had none
        ([1.0] * 30, [1.0] * 30, 600, 1.0, True),
    ],
)
def test_ratios(
    numerators: list[float], denominators: list[float], population: int, value: float, *, is_bounded: bool
) -> None:
    found = predict_ratio(numerators, denominators, population)
    assert (found.value, math.isfinite(found.high)) == (value, is_bounded)
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(
    ("clusters", "population", "least", "most"),
    [
        ([], 100, 1.0, 1.0),
        ([1, 1, 2], 4, 0.75, 0.75),  # the whole population
        ([1] * 40, 40, 1.0, 1.0),
        ([1] * 40, 800, 0.2, 1.0),  # no pair among 40 does not exclude many among 800
        ([2] * 20, 800, 0.0, 0.5),  # no cluster was seen once, so that there are no others
        ([1] * 30 + [2] * 5, 800, 0.05, 0.9),
    ],
)
def test_share_of_distinct_members(clusters: list[int], population: int, least: float, most: float) -> None:
    found = distinct_share(clusters, population)
    assert found.low <= found.value <= found.high
    assert least <= found.low
    assert found.high <= most


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (PredictionInterval(2, 1, 4).times(PredictionInterval(3, 3, 3)), PredictionInterval(6, 3, 12)),
        (PredictionInterval(2, 0, 4).times(PredictionInterval(1, 1, 1)), PredictionInterval(2, 0, 4)),
        (PredictionInterval(2, 1, math.inf).times(PredictionInterval(1, 1, 1)), PredictionInterval(2, 1, math.inf)),
        (PredictionInterval(2, 1, 4).inverse(), PredictionInterval(0.5, 0.25, 1)),
        (PredictionInterval(0, 0, 4).inverse(), PredictionInterval(math.inf, 0.25, math.inf)),
        (PredictionInterval(2, 1, 4).plus(-2), PredictionInterval(0, 0, 2)),
        (PredictionInterval(2, 1, 4).scaled(0.5), PredictionInterval(1, 0.5, 2)),
    ],
)
def test_arithmetic(found: PredictionInterval, expected: PredictionInterval) -> None:
    assert found == pytest.approx(expected)
