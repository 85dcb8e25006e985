"""pass@k, unbiased, and an interval for its mean over problems."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from glotsmith.records import Record


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the probability that one of ``k`` samples passes, of which ``c`` of ``n`` did (Chen et al. 2021, eq. 1).

    It is 1 - C(n - c, k) / C(n, k), without bias for every n ≥ k; integers are exact at any size.

    Raises:
        ValueError: ``0 <= c <= n`` and ``1 <= k <= n`` do not hold.

    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} of {c} passes in {n} samples is not defined")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


class Interval(Record, frozen=True, kw_only=True):
    """A mean over problems, and where the mean over all such problems may lie."""

    mean: float
    low: float
    high: float
    problems: int


def interval(values: Sequence[float], draws: float = 1.0, confidence: float = 0.95) -> Interval:
    """Return the mean of per-problem estimates in 0–1, with a Wilson score interval for a cluster sample.

    Problems are the units: samples of one problem are not independent. Wilson's interval takes the number of
    independent trials that would have the variance that is seen between problems, ``p(1-p)/var`` (Kish's effective
    sample size), which is at least the number of problems and at most that times ``draws``. For one sample a problem
    it is Wilson's own; unlike a bootstrap it is not empty where all problems fail or all pass.

    Args:
        values: one estimate a problem.
        draws: how many independent tries an estimate stands for at most (n / k).
        confidence: the rate at which intervals hold the true mean.

    Raises:
        ValueError: there is no value.

    """
    if not values:
        raise ValueError("no problem has been scored")
    m = len(values)
    mean = math.fsum(values) / m
    variance = math.fsum((v - mean) ** 2 for v in values) / (m - 1) if m > 1 else 0.0
    most = m * max(1.0, draws)
    trials = mean * (1 - mean) * m / variance if variance > 0 else (m if mean in (0.0, 1.0) else most)
    low, high = _wilson(mean, min(max(trials, float(m)), most), NormalDist().inv_cdf(0.5 + confidence / 2))
    return Interval(mean=mean, low=low, high=high, problems=m)


def _wilson(mean: float, trials: float, z: float) -> tuple[float, float]:
    middle = (mean + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(mean * (1 - mean) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return max(0.0, min(mean, middle - half)), min(1.0, max(mean, middle + half))
