"""How many samples to ask for, and when to stop: rounds that double, up to the paper's 50 (MultiPL-T §4.3)."""

import math

import msgspec

#: Beta prior on a problem's pass rate. Mean 0.3 and wide: in the paper's own runs about a third of problems are ever
#: solved, and those that are, often (papers on rejection sampling report 30 % of problems at 50–100 samples).
PRIOR = (0.3, 0.7)


class SamplingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The sampling plan of one problem."""

    samples: int = 50  #: at most so many replies a problem (paper: 50)
    per_language: dict[str, int] = {}  #: languages with another maximum
    single: bool = False  #: all samples in one round, no early stop: the paper's own setting
    wanted: int = 3  #: stop when so many distinct solutions pass
    hopeless: float = 0.05  #: stop when the chance that any sample left passes is below this

    def max_replies(self, language: str) -> int:
        """Return the most replies to ask for in a language."""
        return self.per_language.get(language, self.samples)

    def next_round(self, language: str, asked: int, failed: int, passed: int) -> int:
        """Return how many replies to ask for next; 0 to stop.

        ``asked`` counts replies so far, ``failed`` those without a passing program, ``passed`` distinct passing ones.
        """
        left = self.max_replies(language) - asked
        if left <= 0 or (self.single and asked):
            return 0
        if self.single:
            return left
        if passed >= self.wanted:
            return 0
        if passed == 0 and failed and success_chance(failed, left) < self.hopeless:
            return 0
        return min(left, max(1, asked))


def success_chance(failed: int, left: int) -> float:
    """Return the posterior chance that at least one of ``left`` samples passes after ``failed`` failures and no pass.

    Beta–binomial: 1 - B(a, b + failed + left) / B(a, b + failed).
    """
    a, b = PRIOR
    return 1 - math.exp(_log_beta(a, b + failed + left) - _log_beta(a, b + failed))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
