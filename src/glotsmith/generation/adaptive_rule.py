"""The adaptive stopping rule: request a reply while its value is above a threshold.

The value of a reply is the expected number of new distinct rows of one more reply (``row_expectation``), divided by its
relative cost. This cost is its expected tokens, in mean replies of the run. A rule has two thresholds of the value.
Below ``floor`` no reply is requested. ``threshold`` is higher if a budget pays for better replies for other problems
(``budget_thresholds``).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from glotsmith.generation.row_expectation import DEFAULT_EXPECTATION, ProblemOutcome, RowExpectation
from glotsmith.generation.sampling_plan import SamplingEvidence
from glotsmith.sampling_end import StopReason

_ROUND = 4  #: a round has a quarter of the replies so far, so that few replies are superfluous
_DIGITS = 9  #: digits of a value that count: the last bits of a floating-point number must not decide


class LearnedLanguage(NamedTuple):
    """The results of earlier problems in one language."""

    expectation: RowExpectation = DEFAULT_EXPECTATION
    reply_tokens: float = 0.0  #: mean of a reply with its prompt; 0 if unknown
    threshold: float = 0.0  #: value below which the budget pays for better replies for other problems


class AdaptiveRule(NamedTuple):
    """The rule of some tasks, in all languages."""

    floor: float  #: value below which no reply is requested, in rows for each mean reply
    max_replies: Callable[[str], int]  #: language → largest number of replies for one problem
    languages: Mapping[str, LearnedLanguage]  #: the languages of which something is known
    reply_tokens: float = 0.0  #: mean of all replies, with their prompts; 0 if unknown
    unknown: LearnedLanguage = LearnedLanguage()  #: the values for all other languages

    def next_round(self, language: str, evidence: SamplingEvidence) -> int | StopReason:
        """Return how many replies to request next, or why to stop. Each task has at least one reply."""
        remaining = self.max_replies(language) - evidence.requested
        if remaining <= 0:
            return StopReason.LIMIT
        if not evidence.requested:
            return 1
        learned, value = self.languages.get(language, self.unknown), self.reply_value(language, evidence)
        if value < self.floor:
            return StopReason.FEW_NEW_ROWS if evidence.passed else StopReason.LOW_PASS_RATE
        if value < learned.threshold:
            return StopReason.BUDGET
        return min(remaining, _round_after(evidence.requested))

    def reply_value(self, language: str, evidence: SamplingEvidence) -> float:
        """Return the value of one more reply: expected new distinct rows for the cost of a mean reply of the run."""
        learned = self.languages.get(language, self.unknown)
        outcome = ProblemOutcome(evidence.passed, evidence.answered - evidence.passed, evidence.rows)
        gain = learned.expectation.new_rows(outcome)
        return round(gain / self._relative_cost(learned, evidence), _DIGITS)

    def _relative_cost(self, learned: LearnedLanguage, evidence: SamplingEvidence) -> float:
        """Return the expected tokens of a reply, in mean replies; the mean of the language counts as one reply."""
        if not (self.reply_tokens and learned.reply_tokens and evidence.tokens):
            return 1.0
        return (evidence.tokens + learned.reply_tokens) / (evidence.requested + 1) / self.reply_tokens


class ContinuedRule(NamedTuple):
    """The rule of a task that had replies before: request these replies again, then follow another rule.

    Without the earlier replies, a rule that has learned more might stop before them, and lose their rows.
    """

    rule: AdaptiveRule
    replies: int  #: number of earlier replies

    def next_round(self, language: str, evidence: SamplingEvidence) -> int | StopReason:
        """Return how many replies to request next, or why to stop."""
        if evidence.requested < self.replies:
            return min(self.replies - evidence.requested, _round_after(evidence.requested))
        return self.rule.next_round(language, evidence)


def _round_after(replies: int) -> int:
    """Return the number of replies of the round that follows this number of replies."""
    return max(1, replies // _ROUND)
