"""Sampling policies: the rules that decide how many replies to request for a task, and when to stop (MultiPL-T §4.3).

``SamplingPlan`` uses only the replies for the task: it requests the paper's fixed number, or rounds that double in size
and stop early. ``adaptive_rule.AdaptiveRule`` also uses the results of earlier problems of the run.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple, Protocol

import msgspec

from glotsmith.sampling_end import SamplingEnd, StopReason

#: Beta prior on a problem's pass rate. It is wide and has a mean of 0.3: in the paper's runs about a third of the
#: problems are solved, most of these by many replies. Papers on rejection sampling report 30 % of problems at 50–100
#: samples.
PRIOR = (0.3, 0.7)


#: ``fixed``: the maximum number of replies in one round. ``early_stop``: rounds, from the replies for the task only.
#: ``adaptive``: rounds, from the results of earlier problems of the run.
SamplingPolicyName = Literal["fixed", "early_stop", "adaptive"]


class SamplingEvidence(NamedTuple):
    """The results of the replies for one task so far."""

    requested: int = 0  #: number of requested replies
    failures: int = 0  #: failing programs, and replies without one
    answered: int = 0  #: replies that count: without refusals, failures of the server and programs without a verdict
    passed: int = 0  #: replies with a passing program
    programs: int = 0  #: distinct passing programs
    rows: int = 0  #: passing programs that deduplication within the problem keeps
    tokens: int = 0  #: number of tokens of prompts and replies

    def end(self, language: str, reason: StopReason, cost: float) -> SamplingEnd:
        """Return the end of sampling for a reason, with this evidence."""
        return SamplingEnd(
            language=language,
            reason=reason,
            replies=self.requested,
            failed=self.answered - self.passed,
            passed=self.passed,
            rows=self.rows,
            tokens=self.tokens,
            cost=cost,
        )


class StoppingRule(Protocol):
    """Decides how the sampling for one task continues."""

    def next_round(self, language: str, evidence: SamplingEvidence) -> int | StopReason:
        """Return how many replies to request next, at least 1, or why to stop."""
        ...


class SamplingPolicy(Protocol):
    """Chooses the stopping rule of each task."""

    learns: ClassVar[bool]  #: whether the rule depends on other tasks

    def is_ready(self, position: str) -> bool:
        """Return whether a task at this position in the ledger has its rule; see ``ItemStep.is_ready``."""
        ...

    def rule(self, key: str) -> StoppingRule:
        """Return the rule of the task with this key in the ledger, which is ready."""
        ...

    def continue_for_budget(self, rows: Mapping[str, int]) -> int:
        """Make tasks of a finished run open again; see ``ItemStep.continue_for_budget``."""
        ...


class SamplingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with one rule, which depends on the task's own replies only."""

    learns: ClassVar[bool] = False

    samples: int = 50  #: maximum number of replies for one problem (paper: 50)
    per_language: dict[str, int] = {}  #: language → maximum, where it differs from ``samples``
    single: bool = False  #: request all samples in one round, without an early stop (the paper's setting)
    wanted: int = 3  #: stop after this number of distinct passing solutions
    min_pass_chance: float = 0.05  #: stop when the chance that any remaining sample passes is lower

    def is_ready(self, position: str) -> bool:
        """Return True: the rule does not depend on other tasks."""
        return True

    def rule(self, key: str) -> StoppingRule:
        """Return this plan, which is the rule of all tasks."""
        return self

    def continue_for_budget(self, rows: Mapping[str, int]) -> int:
        """Return 0: no task stopped because of a budget."""
        return 0

    def max_replies(self, language: str) -> int:
        """Return the maximum number of replies for one problem in a language."""
        return self.per_language.get(language, self.samples)

    def next_round(self, language: str, evidence: SamplingEvidence) -> int | StopReason:
        """Return how many replies to request next, or why to stop."""
        requested, remaining = evidence.requested, self.max_replies(language) - evidence.requested
        if remaining <= 0:
            return StopReason.LIMIT
        if self.single:
            return remaining
        if evidence.programs >= self.wanted:
            return StopReason.ENOUGH
        failures = evidence.failures
        if evidence.programs == 0 and failures and success_chance(failures, remaining) < self.min_pass_chance:
            return StopReason.LOW_PASS_RATE
        return min(remaining, max(1, requested))


def success_chance(failed: int, remaining: int) -> float:
    """Return the chance that at least one of ``remaining`` samples passes, after ``failed`` failures and no pass.

    This is the posterior of the beta–binomial model: 1 - B(a, b + failed + remaining) / B(a, b + failed).
    """
    a, b = PRIOR
    return 1 - math.exp(_log_beta(a, b + failed + remaining) - _log_beta(a, b + failed))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
