"""The expected number of new distinct rows of one more reply about a problem, by Bayes' rule.

A reply gives a new distinct row if its program passes, and if deduplication within the problem keeps it:

- **Pass rate.** The pass rate p of a problem has a discrete prior. After s passes and f failures its likelihood is
  p^s (1 - p)^f.
- **Diversity.** Passing programs of one problem form groups of near-duplicates, of which one row each is kept. The
  groups follow a Chinese restaurant process: after s passing programs, the next one begins a new group with
  probability t / (t + s), where the concentration t of a problem has a discrete prior, too.

The priors are those of one language. ``learned`` fits them to the outcomes of earlier problems by expectation
maximisation (empirical Bayes), with the default priors as pseudo-counts. Unlike a Beta distribution, a discrete prior
can represent a share of problems that never pass and another share that nearly always passes.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

PASS_RATES = (0.0, 0.005, 0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.0)
CONCENTRATIONS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  #: 0: all passing programs are near-duplicates of the first

#: the distribution Beta(0.3, 0.7) at ``PASS_RATES``: wide, with a mean of 0.3
_DEFAULT_PASS_RATES = (
    *(0.122, 0.057, 0.047, 0.058, 0.062, 0.067, 0.076, 0.078, 0.068),
    *(0.059, 0.053, 0.050, 0.049, 0.050, 0.048, 0.037, 0.020),
)
_DEFAULT_CONCENTRATIONS = (1.0,) * len(CONCENTRATIONS)
_PRIOR_PROBLEMS = 8  #: weight of the default priors, as a number of problems
_ITERATIONS = 30  #: iterations of expectation maximisation
_CACHED = 4096  #: number of cached likelihoods of each kind


class ProblemOutcome(NamedTuple):
    """The outcome of the replies about one problem."""

    passed: int
    failed: int
    rows: int  #: passing programs that deduplication within the problem keeps


class RowExpectation(NamedTuple):
    """The priors of one language, as weights of ``PASS_RATES`` and ``CONCENTRATIONS`` with the sum 1."""

    pass_rates: tuple[float, ...]
    concentrations: tuple[float, ...]

    def new_rows(self, outcome: ProblemOutcome) -> float:
        """Return the expected number of new distinct rows of one more reply, 0–1."""
        rates = _posterior(self.pass_rates, _likelihood_of_passes(outcome.passed, outcome.failed))
        passes = sum(weight * rate for weight, rate in zip(rates, PASS_RATES, strict=True))
        return passes * self._chance_of_new(outcome)

    def after(self, outcome: ProblemOutcome) -> "RowExpectation":
        """Return the posterior of one problem."""
        rates = _posterior(self.pass_rates, _likelihood_of_passes(outcome.passed, outcome.failed))
        if not outcome.passed:
            return RowExpectation(rates, self.concentrations)
        rows = _likelihood_of_rows(outcome.passed, outcome.rows)
        return RowExpectation(rates, _posterior(self.concentrations, rows))

    def _chance_of_new(self, outcome: ProblemOutcome) -> float:
        """Return the probability that the next passing program is not a near-duplicate."""
        if not outcome.passed:
            return 1.0
        weights = _posterior(self.concentrations, _likelihood_of_rows(outcome.passed, outcome.rows))
        chances = (t / (t + outcome.passed) for t in CONCENTRATIONS)
        return sum(weight * chance for weight, chance in zip(weights, chances, strict=True))

    def learned(self, outcomes: Mapping[ProblemOutcome, int]) -> "RowExpectation":
        """Return the priors after outcomes of problems, each with the number of problems that had it.

        The order of the mapping does not matter.
        """
        ordered = sorted(outcomes.items())
        passes = [(_likelihood_of_passes(each.passed, each.failed), count) for each, count in ordered]
        rows = [(_likelihood_of_rows(each.passed, each.rows), count) for each, count in ordered if each.passed]
        return RowExpectation(_fit(self.pass_rates, passes), _fit(self.concentrations, rows))


def _normalised(weights: Sequence[float]) -> tuple[float, ...]:
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _posterior(prior: Sequence[float], likelihood: Sequence[float]) -> tuple[float, ...]:
    return _normalised([weight * chance for weight, chance in zip(prior, likelihood, strict=True)])


def _fit(prior: tuple[float, ...], likelihoods: Sequence[tuple[Sequence[float], int]]) -> tuple[float, ...]:
    """Return the weights of largest posterior density, given the likelihood of each outcome and its count."""
    weights = prior
    for _ in range(_ITERATIONS if likelihoods else 0):
        sums = [_PRIOR_PROBLEMS * weight for weight in prior]
        for likelihood, count in likelihoods:
            for index, share in enumerate(_posterior(weights, likelihood)):
                sums[index] += count * share
        weights = _normalised(sums)
    return weights


@lru_cache(_CACHED)
def _likelihood_of_passes(passed: int, failed: int) -> tuple[float, ...]:
    """Return the likelihood of each pass rate, divided by the largest one."""
    return _scaled([_log_power(rate, passed) + _log_power(1 - rate, failed) for rate in PASS_RATES])


def _log_power(chance: float, count: int) -> float:
    if not count:
        return 0.0
    return count * math.log(chance) if chance else -math.inf


@lru_cache(_CACHED)
def _likelihood_of_rows(passed: int, rows: int) -> tuple[float, ...]:
    """Return the likelihood of each concentration for a number of groups, divided by the largest one."""
    return _scaled([_log_likelihood_of_groups(t, passed, rows) for t in CONCENTRATIONS])


def _scaled(logs: Sequence[float]) -> tuple[float, ...]:
    """Return the likelihoods with these logarithms, divided by the largest one, so that not all underflow."""
    largest = max(logs)
    return tuple(math.exp(log - largest) for log in logs)


def _log_likelihood_of_groups(concentration: float, passed: int, groups: int) -> float:
    if not concentration:
        return 0.0 if groups <= 1 else -math.inf
    repeats = sum(math.log(i / (concentration + i)) for i in range(1, passed))
    return repeats + (groups - 1) * math.log(concentration)


#: the priors before anything is learned
DEFAULT_EXPECTATION = RowExpectation(_normalised(_DEFAULT_PASS_RATES), _normalised(_DEFAULT_CONCENTRATIONS))
