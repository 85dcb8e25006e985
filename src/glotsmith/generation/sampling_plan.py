"""Sampling plan: how many replies to request in the next round, and when to stop (MultiPL-T §4.3).

Rounds double in size, up to the paper's 50 replies for one problem.
"""

import math

import msgspec

#: Beta prior on a problem's pass rate. It is wide and has a mean of 0.3: in the paper's runs about a third of the
#: problems are solved at all, and those often. Papers on rejection sampling report 30 % of problems at 50–100 samples.
PRIOR = (0.3, 0.7)


class SamplingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The sampling plan of one problem."""

    samples: int = 50  #: maximum number of replies for one problem (paper: 50)
    per_language: dict[str, int] = {}  #: language → maximum, where it differs from ``samples``
    single: bool = False  #: request all samples in one round, without an early stop (the paper's setting)
    wanted: int = 3  #: stop after this number of distinct passing solutions
    hopeless: float = 0.05  #: stop when the chance that any remaining sample passes is lower

    def max_replies(self, language: str) -> int:
        """Return the maximum number of replies for one problem in a language."""
        return self.per_language.get(language, self.samples)

    def next_round(self, language: str, requested: int, failed: int, passed: int) -> int:
        """Return how many replies to request in the next round; 0 to stop.

        Args:
            language: of the task.
            requested: replies so far.
            failed: replies without a passing program.
            passed: distinct passing programs.

        """
        left = self.max_replies(language) - requested
        if left <= 0 or (self.single and requested):
            return 0
        if self.single:
            return left
        if passed >= self.wanted:
            return 0
        if passed == 0 and failed and success_chance(failed, left) < self.hopeless:
            return 0
        return min(left, max(1, requested))


def success_chance(failed: int, left: int) -> float:
    """Return the chance that at least one of ``left`` samples passes, after ``failed`` failures and no pass.

    This is the posterior of the beta–binomial model: 1 - B(a, b + failed + left) / B(a, b + failed).
    """
    a, b = PRIOR
    return 1 - math.exp(_log_beta(a, b + failed + left) - _log_beta(a, b + failed))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
