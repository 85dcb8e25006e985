"""How selective sampling must be so that a budget lasts for all problems: the threshold of ``adaptive_rule``.

The same threshold for all problems and languages gives the most rows for a budget: the cost of a reply with fewer
expected rows would give more rows for another problem. For a budget of US dollars or tokens, the threshold is the
lowest one at which the expected cost of the remaining problems is within the budget. For a budget of rows, it is the
highest one at which their expected rows reach the budget.
"""

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from glotsmith.budget import BudgetUnit
from glotsmith.generation.row_expectation import CONCENTRATIONS, PASS_RATES, ProblemOutcome, RowExpectation

_PATHS = 200  #: simulated problems of a language
_STEPS_PER_OCTAVE = 4  #: thresholds that are tried between one value and its double
_MORE_ROWS = 1.1  #: rows within problems for each row of a budget, since later steps drop some


class ProblemYield(NamedTuple):
    """The expected yield of one problem at a threshold."""

    replies: float
    rows: float


class _Path(NamedTuple):
    """A simulated problem: the new rows that each reply would add."""

    lowest: Sequence[float]  #: after each reply, the lowest expected new rows so far, negated, so that it ascends
    replies: Sequence[int]
    rows: Sequence[int]  #: new rows after these replies

    def at(self, threshold: float) -> tuple[int, int]:
        """Return the replies and new rows when sampling stops at the first expectation below a threshold."""
        last = min(bisect_right(self.lowest, -threshold), len(self.rows) - 1)
        return self.replies[last], self.rows[last]


class YieldCurve:
    """The expected yield of a problem of one language, by the threshold of its expected new rows."""

    def __init__(
        self,
        expectation: RowExpectation,
        max_replies: int,
        floor: float,
        seed: str,
        begun: Sequence[ProblemOutcome] = (),
    ) -> None:
        """Simulate problems down to the threshold ``floor``.

        Args:
            expectation: the priors of the language.
            max_replies: the largest number of replies for one problem.
            floor: the lowest threshold.
            seed: the seed of the simulation.
            begun: the problems, if they have replies; by default problems without any, each of which gets one.

        """
        self._expectation, self._max_replies, self._floor = expectation, max_replies, floor
        self._new_rows = dict[ProblemOutcome, float]()
        source = random.Random(seed)  # noqa: S311 (no secret)
        starts = source.choices(begun, k=_PATHS) if begun else [ProblemOutcome(0, 0, 0)] * _PATHS
        self._paths = [self._path(source, start, 0 if begun else 1) for start in starts]

    def _path(self, source: random.Random, start: ProblemOutcome, at_least: int) -> _Path:
        posterior = self._expectation.after(start)
        (rate,) = source.choices(PASS_RATES, posterior.pass_rates)
        (concentration,) = source.choices(CONCENTRATIONS, posterior.concentrations)
        outcome, expected, replies, rows = start, list[float](), list[int](), list[int]()
        for number in range(self._max_replies - start.passed - start.failed + 1):
            if number >= at_least:
                expected.append(self._expected_rows(outcome))
                replies.append(number)
                rows.append(outcome.rows - start.rows)
                if expected[-1] < self._floor:
                    break
            outcome = _after_reply(outcome, rate, concentration, source)
        return _Path([-lowest for lowest in accumulate(expected, min)], replies, rows)

    def _expected_rows(self, outcome: ProblemOutcome) -> float:
        if outcome not in self._new_rows:
            self._new_rows[outcome] = self._expectation.new_rows(outcome)
        return self._new_rows[outcome]

    def at(self, threshold: float) -> ProblemYield:
        """Return the mean yield of a problem at a threshold of at least ``floor``."""
        found = [path.at(threshold) for path in self._paths]
        return ProblemYield(sum(f[0] for f in found) / len(found), sum(f[1] for f in found) / len(found))


def _after_reply(outcome: ProblemOutcome, rate: float, concentration: float, source: random.Random) -> ProblemOutcome:
    if source.random() >= rate:
        return outcome._replace(failed=outcome.failed + 1)
    is_new = not outcome.passed or source.random() < concentration / (concentration + outcome.passed)
    return outcome._replace(passed=outcome.passed + 1, rows=outcome.rows + is_new)


class LanguageOutlook(NamedTuple):
    """The remaining problems of one language."""

    problems: float  #: the expected number of problems
    curve: YieldCurve
    relative_cost: float  #: expected tokens of a reply, in mean replies of the run
    reply_cost: Mapping[BudgetUnit, float]  #: the cost of one reply, in tokens and in US dollars


class RemainingBudget(NamedTuple):
    """The remainder of one budget, for the replies for the remaining problems."""

    unit: BudgetUnit
    remaining: float
    language: str = ""  #: the only language that it limits; "" for all


def thresholds(
    outlooks: Mapping[str, LanguageOutlook], limits: Sequence[RemainingBudget], floor: float
) -> dict[str, float]:
    """Return the threshold of the expected rows for each language: the highest one that a budget requires.

    Args:
        outlooks: the remaining problems, by language.
        limits: the limits of US dollars, tokens and rows; a limit of time is not one of them.
        floor: the threshold without a budget.

    """
    found = dict.fromkeys(outlooks, floor)
    for limit in limits:
        limited = {name: each for name, each in outlooks.items() if limit.language in ("", name)}
        required = _threshold(list(limited.values()), limit, floor)
        found |= {name: max(found[name], required) for name in limited}
    return found


def affordable_share(
    outlooks: Mapping[str, LanguageOutlook], limits: Sequence[RemainingBudget], thresholds: Mapping[str, float]
) -> float:
    """Return the share of the problems whose expected cost at these thresholds is within all limits of cost, 0-1."""
    share = 1.0
    for limit in limits:
        limited = [(thresholds[name], each) for name, each in outlooks.items() if limit.language in ("", name)]
        expected = sum(_expected([each], limit.unit, threshold) for threshold, each in limited)
        if limit.unit != BudgetUnit.rows and expected > 0:
            share = min(share, max(0.0, limit.remaining / expected))
    return share


def _threshold(outlooks: Sequence[LanguageOutlook], limit: RemainingBudget, floor: float) -> float:
    ladder = [floor]
    while ladder[-1] < 1:
        ladder.append(min(1.0, ladder[-1] * 2 ** (1 / _STEPS_PER_OCTAVE)))
    if limit.unit == BudgetUnit.rows:
        enough = [t for t in ladder if _expected(outlooks, limit.unit, t) >= _MORE_ROWS * limit.remaining]
        return enough[-1] if enough else floor
    return next((t for t in ladder if _expected(outlooks, limit.unit, t) <= limit.remaining), ladder[-1])


def _expected(outlooks: Sequence[LanguageOutlook], unit: BudgetUnit, threshold: float) -> float:
    """Return the expected rows, tokens or US dollars of all remaining problems at a threshold of the expected rows."""
    total = 0.0
    for each in outlooks:
        replies, rows = each.curve.at(threshold * each.relative_cost)
        total += each.problems * (rows if unit == BudgetUnit.rows else replies * each.reply_cost[unit])
    return total
