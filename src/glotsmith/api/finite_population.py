"""Predict totals of a population from a sample that was drawn without replacement, with 90 % prediction intervals.

The items of the sample belong to the population, and their values are known. The error of a total is the error of the
values of the other items. This gives the finite population correction.

Values of items are skewed: most items are dropped early, and a few take most of the requests. So the interval is that
of Student's t after a cubic transformation that removes the skewness (Hall, 1992, "On the removal of skewness by
transformation", J. R. Stat. Soc. B 54). A sample may also contain no rare items. So the upper bound is computed with
one more item, 1.5 times as large as the largest item of the sample. The lower bound is computed with one more zero.
``benchmarks/forecast.py`` measures how often the intervals hold.
"""

import math
from collections.abc import Callable, Collection, Sequence
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.9
_TAIL = 1 - (1 - CONFIDENCE) / 2  #: probability below the upper bound
_LARGER = 1.5  #: the item that a sample may lack / the largest item of the sample
_DOUBLINGS, _BISECTIONS = 12, 24  #: steps of the search for the bounds of a ratio
_PAIRS_EXPECTED = 0.25  #: is added to the number of pairs in the sample to get the most likely number of pairs
_PAIRS_AT_MOST = 3.0  #: is added to get the largest number; exact for a sample without pairs: exp(-3) = 0.05


class PredictionInterval(NamedTuple):
    """A prediction with the bounds of its 90 % interval."""

    value: float
    low: float
    high: float  #: infinite if nothing bounds it

    def scaled(self, factor: float) -> "PredictionInterval":
        """Return the interval of the quantity times a factor of 0 or more."""
        return PredictionInterval(self.value * factor, self.low * factor, self.high * factor)

    def plus(self, amount: float) -> "PredictionInterval":
        """Return the interval of the quantity plus a known amount; no bound is below 0."""
        return PredictionInterval(*(max(0.0, bound + amount) for bound in self))

    def sum_with(self, other: "PredictionInterval") -> "PredictionInterval":
        """Return the interval of the sum of two independent quantities, by the sizes of their errors."""
        value = self.value + other.value
        low = math.hypot(self.value - self.low, other.value - other.low)
        return PredictionInterval(
            value, max(0.0, value - low), value + math.hypot(self.high - self.value, other.high - other.value)
        )

    def times(self, other: "PredictionInterval") -> "PredictionInterval":
        """Return the interval of the product of two independent quantities, by the sizes of their relative errors."""
        value = self.value * other.value
        low = math.hypot(_log_ratio(self.value, self.low), _log_ratio(other.value, other.low))
        high = math.hypot(_log_ratio(self.high, self.value), _log_ratio(other.high, other.value))
        return PredictionInterval(
            value, value * math.exp(-low), value * math.exp(high) if high < math.inf else math.inf
        )

    def inverse(self) -> "PredictionInterval":
        """Return the interval of 1 / the quantity."""
        return PredictionInterval(*(1 / bound if bound else math.inf for bound in (self.value, self.high, self.low)))


def _log_ratio(larger: float, smaller: float) -> float:
    return math.log(larger / smaller) if smaller else math.inf if larger else 0.0


def predict_total(values: Sequence[float], population: int, largest: float = 0.0) -> PredictionInterval:
    """Return the prediction of a total of a population.

    Args:
        values: the values of the items of the sample; none is negative.
        population: number of items, those of the sample included.
        largest: a value that an item may have, if all values of the sample are 0.

    """
    size, known = len(values), math.fsum(values)
    if not size or size >= population:
        return PredictionInterval(known, known, known)
    if not known:  # the bound of a binomial variable
        return PredictionInterval(0.0, 0.0, (1 - (1 - _TAIL) ** (1 / size)) * (population - size) * largest)
    correction, top = math.sqrt(1 - size / population), _LARGER * max(values)
    bounds = [_bounds_of_mean(sample, correction) for sample in (values, [*values, 0.0], [*values, top])]
    low = min(bounds[0][0], bounds[1][0]) * population
    high = max(bounds[0][1], bounds[2][1]) * population
    return PredictionInterval(known / size * population, max(low, known), max(high, known))


def predict_ratio(numerators: Sequence[float], denominators: Sequence[float], population: int) -> PredictionInterval:
    """Return the prediction of the ratio of two totals of a population. Each item has a value of both totals.

    A ratio is in the interval if the mean of ``numerator - ratio * denominator`` may be 0 (Fieller, 1954).
    """
    size, above, below = len(numerators), math.fsum(numerators), math.fsum(denominators)
    value = above / below if below else math.inf
    if not above or size >= population:
        return PredictionInterval(value, value, value)
    correction = math.sqrt(1 - size / population)
    pairs = list(zip(numerators, denominators, strict=True))
    costly, fruitful = (_LARGER * max(numerators), 0.0), (0.0, _LARGER * max(*denominators, 1.0))

    def is_below(ratio: float) -> bool:
        return _bounds_of_mean([n - ratio * d for n, d in [*pairs, fruitful]], correction)[0] > 0

    def is_above(ratio: float) -> bool:
        return _bounds_of_mean([n - ratio * d for n, d in [*pairs, costly]], correction)[1] < 0

    start = value if value < math.inf else above
    return PredictionInterval(value, _boundary(is_below, 0.0, start), _upper_boundary(is_above, start))


def _upper_boundary(is_above: Callable[[float], bool], start: float) -> float:
    """Return the smallest ratio that is above all others; infinite if there is none."""
    high = start
    for _ in range(_DOUBLINGS):
        if is_above(high):
            return _boundary(lambda ratio: not is_above(ratio), start, high)
        high *= 2
    return math.inf


def _boundary(is_before: Callable[[float], bool], low: float, high: float) -> float:
    """Return the point between two numbers up to which a condition holds."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_before(middle) else (low, middle)
    return (low + high) / 2


def bounds_of_mean(values: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the mean of a distribution from which two or more values are drawn."""
    return _bounds_of_mean(values, 1.0)


def _bounds_of_mean(values: Sequence[float], correction: float) -> tuple[float, float]:
    """Return the bounds of the mean of a population; ``correction`` is the root of the share that is not sampled."""
    size, mean = len(values), math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (size - 1)) if size > 1 else 0.0
    if not deviation:
        return mean, mean
    skewness = math.fsum((v - mean) ** 3 for v in values) / size / deviation**3 * correction
    error, quantile = deviation / math.sqrt(size) * correction, _quantile(size - 1)
    a, c = skewness / (3 * math.sqrt(size)), skewness / (6 * math.sqrt(size))

    def untransformed(q: float) -> float:
        return q if abs(a) < 1e-9 else (math.cbrt(1 + 3 * a * (q - c)) - 1) / a

    return mean - untransformed(quantile) * error, mean - untransformed(-quantile) * error


def _quantile(degrees: int) -> float:
    """Return the quantile of Student's t (expansion of Abramowitz and Stegun, 26.7.5)."""
    z = NormalDist().inv_cdf(_TAIL)
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3


def distinct_share(clusters: Collection[int], population: float) -> PredictionInterval:
    """Return the share of a population that remains if one member of each cluster of equal members is kept.

    A small sample contains few of the pairs of a large population. The number of clusters in the population is
    extrapolated from the clusters with one and with two members (Chao et al., 2014, Ecological Monographs 84). The
    number of clusters with two members is a Poisson variable.

    Args:
        clusters: number of members of each cluster in the sample.
        population: number of members in the population.

    """
    members, seen = sum(clusters), len(clusters)
    if not members or population <= members:
        share = seen / members if members else 1.0
        return PredictionInterval(share, share, share)
    single, double = sum(c == 1 for c in clusters), sum(c == 2 for c in clusters)

    def share_with(pairs: float) -> float:
        unseen = single**2 / (2 * pairs)
        rate = single / (members * unseen + single) if single else 0.0
        found = seen + unseen * (1 - (1 - rate) ** (population - members))
        return found / population

    most = seen / members
    least = share_with(double + _PAIRS_AT_MOST + 2 * math.sqrt(double))
    return PredictionInterval(min(share_with(double + _PAIRS_EXPECTED), most), min(least, most), most)
