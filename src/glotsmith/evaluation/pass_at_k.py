"""Compute the unbiased pass@k, and an interval for its mean over problems."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from glotsmith.records import Record


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the probability that one of ``k`` samples passes if ``c`` of ``n`` passed (Chen et al. 2021, eq. 1).

    The estimate 1 - C(n - c, k) / C(n, k) is unbiased for every n ≥ k. It is computed with exact integers.

    Raises:
        ValueError: ``0 <= c <= n`` or ``1 <= k <= n`` is false.

    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(
            f"pass@{k} of {c} passes in {n} samples is not defined: k must be from 1 to {n}, and passes from 0 to {n}"
        )
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


class Interval(Record, frozen=True, kw_only=True):
    """A mean over problems, and its confidence interval."""

    mean: float
    low: float
    high: float
    problems: int


def interval(values: Sequence[float], draws: float = 1.0, confidence: float = 0.95) -> Interval:
    """Return the mean of per-problem estimates in 0–1, with a Wilson score interval for a cluster sample.

    Problems are the units: samples of one problem are not independent. Wilson's interval takes the number of
    independent trials with the observed variance between problems, ``p(1-p)/var`` (Kish's effective
    sample size), which is at least the number of problems and at most that times ``draws``. The variance
    between few problems is uncertain, so the number is multiplied by the square of the ratio of the normal to the
    Student quantile (Korn and Graubard 1998). With one sample for each problem, this is Wilson's interval. Unlike a
    bootstrap interval, it is wider than 0 even if all problems fail or all pass.

    Args:
        values: One estimate for each problem.
        draws: The maximum number of independent trials in an estimate (n / k).
        confidence: The rate at which intervals contain the true mean.

    Raises:
        ValueError: No value is given.

    """
    if not values:
        raise ValueError("no problem has been scored")
    m = len(values)
    mean = math.fsum(values) / m
    p, most = 0.5 + confidence / 2, m * max(1.0, draws)
    z = NormalDist().inv_cdf(p)
    trials = min(_observed_trials(values, mean), most) * (z / _student_quantile(p, m - 1)) ** 2 if m > 1 else 1.0
    low, high = _wilson_interval(mean, max(trials, float(m)), z)
    return Interval(mean=mean, low=low, high=high, problems=m)


def _observed_trials(values: Sequence[float], mean: float) -> float:
    """Return the number of independent trials with the observed variance between two or more problems."""
    variance = math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)
    if variance > 0:
        return mean * (1 - mean) * len(values) / variance
    return float(len(values)) if mean in (0.0, 1.0) else math.inf


def _student_quantile(p: float, freedom: int) -> float:
    """Return Student's quantile for p > 1/2: in closed form, or by an expansion (Abramowitz and Stegun 26.7.5)."""
    if freedom == 1:
        return math.tan(math.pi * (p - 0.5))
    if freedom == 2:
        return (2 * p - 1) / math.sqrt(2 * p * (1 - p))
    z, n = NormalDist().inv_cdf(p), freedom
    terms = (
        (z**3 + z) / (4 * n),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3),
    )
    return z + math.fsum(terms)


def _wilson_interval(mean: float, trials: float, z: float) -> tuple[float, float]:
    middle = (mean + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(mean * (1 - mean) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return max(0.0, min(mean, middle - half)), min(1.0, max(mean, middle + half))
