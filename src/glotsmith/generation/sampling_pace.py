"""How selective sampling must be so that a budget lasts for all problems: the threshold of ``adaptive_rule``.

The same threshold for all problems and languages gives the most rows for a budget: a reply that promises less than it
costs rows elsewhere. The threshold is the lowest one at which the expected cost of the remaining problems is within a
budget of US dollars or tokens, or the highest one at which their expected rows reach a budget of rows.
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
_MORE_ROWS = 1.5  #: rows within problems for each row of a budget, since later steps drop some


class ProblemYield(NamedTuple):
    """The expected yield of one problem at a threshold."""

    replies: float
    rows: float


class _Path(NamedTuple):
    """A simulated problem: what each reply would bring."""

    lowest: Sequence[float]  #: after each reply, the lowest expected new rows so far, negated, so that it ascends
    rows: Sequence[int]  #: after each reply

    def at(self, threshold: float) -> tuple[int, int]:
        """Return the replies and rows when sampling stops at the first promise below a threshold."""
        last = min(bisect_right(self.lowest, -threshold), len(self.rows) - 1)
        return last + 1, self.rows[last]


class YieldCurve:
    """The expected yield of a problem of one language, by the threshold of its expected new rows."""

    def __init__(self, expectation: RowExpectation, max_replies: int, floor: float, seed: str) -> None:
        """Simulate problems from the priors, down to the threshold ``floor``."""
        self._expectation, self._max_replies, self._floor = expectation, max_replies, floor
        self._new_rows = dict[ProblemOutcome, float]()
        source = random.Random(seed)  # noqa: S311 (no secret)
        self._paths = [self._path(source) for _ in range(_PATHS)]

    def _path(self, source: random.Random) -> _Path:
        (rate,) = source.choices(PASS_RATES, self._expectation.pass_rates)
        (concentration,) = source.choices(CONCENTRATIONS, self._expectation.concentrations)
        outcome, expected, rows = ProblemOutcome(0, 0, 0), list[float](), list[int]()
        while len(rows) < self._max_replies and (not expected or expected[-1] >= self._floor):
            outcome = _after_reply(outcome, rate, concentration, source)
            if outcome not in self._new_rows:
                self._new_rows[outcome] = self._expectation.new_rows(outcome)
            expected.append(self._new_rows[outcome])
            rows.append(outcome.rows)
        return _Path([-lowest for lowest in accumulate(expected, min)], rows)

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

    problems: float  #: expected number
    curve: YieldCurve
    relative_cost: float  #: expected tokens of a reply, in mean replies of the run
    reply_cost: Mapping[BudgetUnit, float]  #: of one reply, in tokens and in US dollars


class PaceLimit(NamedTuple):
    """What is left of one budget for the replies about the remaining problems."""

    unit: BudgetUnit
    left: float
    language: str = ""  #: the only language that it limits; "" for all


def thresholds(outlooks: Mapping[str, LanguageOutlook], limits: Sequence[PaceLimit], floor: float) -> dict[str, float]:
    """Return the threshold of the promise for each language: the highest one that a budget requires.

    Args:
        outlooks: the remaining problems, by language.
        limits: of US dollars, tokens and rows; those of time are left out.
        floor: the threshold without a budget.

    """
    found = dict.fromkeys(outlooks, floor)
    for limit in limits:
        limited = {name: each for name, each in outlooks.items() if limit.language in ("", name)}
        required = _threshold(list(limited.values()), limit, floor)
        found |= {name: max(found[name], required) for name in limited}
    return found


def _threshold(outlooks: Sequence[LanguageOutlook], limit: PaceLimit, floor: float) -> float:
    ladder = [floor]
    while ladder[-1] < 1:
        ladder.append(min(1.0, ladder[-1] * 2 ** (1 / _STEPS_PER_OCTAVE)))
    if limit.unit == BudgetUnit.rows:
        enough = [t for t in ladder if _expected(outlooks, limit.unit, t) >= _MORE_ROWS * limit.left]
        return enough[-1] if enough else floor
    return next((t for t in ladder if _expected(outlooks, limit.unit, t) <= limit.left), ladder[-1])


def _expected(outlooks: Sequence[LanguageOutlook], unit: BudgetUnit, threshold: float) -> float:
    """Return the expected rows, tokens or US dollars of all remaining problems at a threshold of the promise."""
    total = 0.0
    for each in outlooks:
        replies, rows = each.curve.at(threshold * each.relative_cost)
        total += each.problems * (rows if unit == BudgetUnit.rows else replies * each.reply_cost[unit])
    return total
