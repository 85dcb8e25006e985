"""Predict a run from its pilot: rows, requests, tokens, money, hours, and the cost of a row, with 90 % intervals.

The items of the pilot are a sample of those of the run, and the run reuses their replies. So a prediction is the sum of
the amounts of the pilot and the expected amounts of the other items.
"""

import math
import shlex
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from glotsmith.api.finite_population import (
    CONFIDENCE,
    PredictionInterval,
    bounds_of_mean,
    distinct_share,
    predict_ratio,
    predict_total,
)
from glotsmith.api.pilot import PilotOutcomes, PilotRow, read_outcomes
from glotsmith.api.reply_rounds import BATCHES
from glotsmith.api.run_config import RunConfig, languages
from glotsmith.api.run_rows import finished_rows
from glotsmith.errors import UsageError
from glotsmith.records import Record
from glotsmith.run_folder import RunFolder

_SHOWN_LOSSES = 5
_FEW_REPLIES = "too few replies that were not cached"
_IN_BATCHES = "the server decides when it answers a batch"
_WINDOWS = 10  #: equal parts of the replies by which the rate is measured
_MIN_REPLIES = 2 * _WINDOWS  #: with fewer replies, the rate is not measured
_IDLE_S, _IDLE_FACTOR = 60.0, 50  #: longer gaps between replies (seconds, median gaps) are left out of the rate


class PredictedAmount(Record, frozen=True, kw_only=True):
    """A predicted amount of a whole run, with its interval."""

    value: float | None  #: None if it is unbounded, such as the cost of a row if there may be no rows
    low: float | None
    high: float | None  #: None if nothing bounds it

    @classmethod
    def of(cls, interval: PredictionInterval) -> "PredictedAmount":
        """Return the amount with these bounds."""
        return cls(**{name: value if math.isfinite(value) else None for name, value in interval._asdict().items()})


class PredictedLoss(Record, frozen=True, kw_only=True):
    """Items that a step drops for one reason, among the largest losses of a run."""

    step: str
    reason: str
    share: float  #: share of all inputs that steps after the sample dropped, 0-1
    items: PredictedAmount


class RunForecast(Record, frozen=True, kw_only=True):
    """The prediction of a run. All amounts are those of the whole run, the pilot included."""

    recipe: str
    confidence: float
    population: int  #: number of items that cost requests, after the steps that cost none
    sampled: int  #: number of these items in the pilot
    rows: PredictedAmount
    languages: dict[str, PredictedAmount]  #: language → rows
    requests: PredictedAmount
    tokens: PredictedAmount
    cost: PredictedAmount | None  #: US dollars; None if the price is unknown
    cost_per_row: PredictedAmount | None
    tokens_per_row: PredictedAmount
    hours_left: PredictedAmount | None  #: hours of the run after the pilot; None if the pilot does not measure them
    time_unknown: str  #: why the pilot does not measure the time; "" if it does
    replies_per_second: float | None  #: the measured rate
    pilot_hours: float
    pilot_requests: int
    pilot_tokens: int
    pilot_cost: float | None
    losses: tuple[PredictedLoss, ...]
    sessions: int = 0  #: number of discussions of the run
    sampled_sessions: int = 0  #: number of these discussions in the pilot
    reuses_sessions: bool = True  #: whether the run holds the discussions of the pilot with the same prompts


def forecast_run(folder: Path) -> RunForecast:
    """Return the prediction of a run from the folder of its finished pilot.

    Raises:
        UsageError: the pilot is not finished, or its sources hold nothing.

    """
    with RunFolder.open(folder) as opened:
        finished_rows(opened)
        config = msgspec.convert(opened.config, RunConfig)
        outcomes = read_outcomes(opened.ledger)
        if not outcomes.items:
            raise UsageError(
                f"{folder}: no item is left for a pilot. 'glotsmith show {shlex.quote(str(folder))}' prints why"
            )
        return forecast(config.recipe, outcomes, languages(config), in_batches=(folder / BATCHES).exists())


def forecast(recipe: str, pilot: PilotOutcomes, languages: Sequence[str], *, in_batches: bool = False) -> RunForecast:
    """Return the prediction of a run of a recipe.

    Args:
        recipe: name of the recipe.
        pilot: the outcomes of the finished pilot.
        languages: the languages of the run, including those without a row in the pilot.
        in_batches: whether the replies of the pilot arrived in batches, whose times measure no rate.

    """
    requests, tokens = (_total(pilot, field) for field in ("requests", "tokens"))
    cost = None if pilot.total("unpriced") else _total(pilot, "cost")
    rate, hours = (None, None) if in_batches else _hours(pilot, requests)
    return RunForecast(
        recipe=recipe,
        confidence=CONFIDENCE,
        population=pilot.population,
        sampled=len(pilot.items),
        sessions=pilot.sessions.population if pilot.sessions else 0,
        sampled_sessions=len(pilot.sessions.keys) if pilot.sessions else 0,
        reuses_sessions=pilot.is_whole,
        rows=PredictedAmount.of(_rows(pilot)),
        languages={name: PredictedAmount.of(_rows(pilot, name)) for name in _languages(pilot, languages)},
        requests=PredictedAmount.of(requests),
        tokens=PredictedAmount.of(tokens),
        cost=PredictedAmount.of(cost) if cost else None,
        cost_per_row=PredictedAmount.of(_per_row(pilot, "cost")) if cost else None,
        tokens_per_row=PredictedAmount.of(_per_row(pilot, "tokens")),
        hours_left=PredictedAmount.of(hours) if hours else None,
        time_unknown="" if hours else _IN_BATCHES if in_batches else _FEW_REPLIES,
        replies_per_second=rate.value if rate else None,
        pilot_hours=pilot.run_seconds / 3600,
        pilot_requests=round(pilot.total("requests")),
        pilot_tokens=round(pilot.total("tokens")),
        pilot_cost=pilot.total("cost") if cost else None,
        losses=_losses(pilot),
    )


def _total(pilot: PilotOutcomes, field: str) -> PredictionInterval:
    """Return the prediction of an amount; a part that belongs to no item grows with the number of items."""
    return _predicted(pilot, lambda item: pilot.amount(item, field), getattr(pilot.shared_costs, field), is_paid=True)


def _predicted(
    pilot: PilotOutcomes, value: Callable[[str], float], shared: float = 0.0, largest: float = 0.0, *, is_paid: bool
) -> PredictionInterval:
    """Return the prediction of a total of a run.

    Args:
        pilot: The outcomes of the pilot.
        value: Returns the amount of an item, by its key.
        shared: The part of the pilot's total that belongs to no item: with discussions, the reflections.
        largest: The largest amount that an item can have, for samples in which all amounts are 0.
        is_paid: Whether to count the discussions of the pilot that the run holds again.

    """
    sessions = pilot.sessions
    apart = shared / len(pilot.items) if pilot.items and not sessions else 0.0
    found = predict_total([value(item) + apart for item in pilot.items], pilot.population, largest)
    if sessions is None:
        return found
    known = math.fsum([*map(value, sessions.keys), shared]) if is_paid or pilot.is_whole else 0.0
    again = (0, 0) if pilot.is_whole else (len(sessions.first), len(sessions.later))
    reflection = shared / len(sessions.later) if sessions.later else 0.0
    first = _others([value(key) for key in sessions.first], again[0], largest)
    later = [value(key) + reflection for key in sessions.later]
    left = sessions.population - len(sessions.keys)
    return found.sum_with(first).sum_with(_others(later, left + again[1], largest)).plus(known)


def _others(values: Sequence[float], count: int, largest: float) -> PredictionInterval:
    """Return the prediction of the total of a number of items that are not in the sample."""
    found = predict_total(values, len(values) + count, largest)
    return found.plus(-math.fsum(values))


def _languages(pilot: PilotOutcomes, languages: Sequence[str]) -> list[str]:
    return sorted({*languages, *(row.language for row in pilot.made)})


def _rows_of(pilot: PilotOutcomes, item: str, language: str = "") -> float:
    """Return the rows of an item in a language, "" for all, as if no item repeated another."""
    count = pilot.rows.get(item, Counter[str]())
    return count[language] if language else count.total()


def _rows(pilot: PilotOutcomes, language: str = "") -> PredictionInterval:
    """Return the prediction of the rows of a language, "" for all, after items that repeat others are dropped."""
    made = [row for row in pilot.made if language in ("", row.language)]
    sure = len(made if pilot.is_whole else [row for row in made if not row.items.isdisjoint(pilot.items)])
    if pilot.is_whole and (pilot.sessions is None or len(pilot.sessions.keys) >= pilot.sessions.population):
        return PredictionInterval(sure, sure, sure)
    alone = _rows_alone(pilot, language)
    found = alone.times(_distinct(made, alone))
    return found._replace(low=max(found.low, sure), high=max(found.high, sure) if made else alone.high)


def _rows_alone(pilot: PilotOutcomes, language: str = "") -> PredictionInterval:
    """Return the prediction of rows as if no item repeated another."""
    most = max((number for count in pilot.rows.values() for number in count.values()), default=1)
    return _predicted(pilot, lambda item: _rows_of(pilot, item, language), largest=most, is_paid=False)


def _distinct(made: Sequence[PilotRow], alone: PredictionInterval) -> PredictionInterval:
    """Return the share of rows that is left when items that repeat others are dropped."""
    return distinct_share([len(row.items) for row in made], alone.value)


def _per_row(pilot: PilotOutcomes, field: str) -> PredictionInterval:
    """Return the prediction of an amount for each row."""
    if pilot.sessions is not None:
        return _per_row_of_sessions(pilot, field)
    rows, shared = [_rows_of(pilot, item) for item in pilot.items], getattr(pilot.shared_costs, field)
    values = [pilot.amount(item, field) + shared / len(pilot.items) for item in pilot.items]
    ratio = predict_ratio(values, rows, pilot.population)
    alone = predict_total(rows, pilot.population)
    return ratio if math.isinf(ratio.value) else ratio.times(_distinct(pilot.made, alone).inverse())


def _per_row_of_sessions(pilot: PilotOutcomes, field: str) -> PredictionInterval:
    """Return the prediction of an amount for each row, as if amounts and rows were independent.

    They belong to two populations: items and discussions.
    """
    total, rows = _total(pilot, field), _rows(pilot)
    if not rows.value:
        return PredictionInterval(math.inf, total.low / rows.high if rows.high else math.inf, math.inf)
    return total.times(rows.inverse())


def _hours(
    pilot: PilotOutcomes, requests: PredictionInterval
) -> tuple[PredictionInterval | None, PredictionInterval | None]:
    """Return the rate of replies for each second, and the hours that the run takes after the pilot.

    The replies explain a part of the pilot's running time, at the rate. The rest is the time of the steps before the
    sample, of the first and the last requests, and of the last steps. The run needs this time, too.
    """
    rate = _rate(pilot.answered_at)
    if rate is None:
        return None, None
    extra = max(0.0, pilot.run_seconds - len(pilot.answered_at) / rate.value)
    left = requests.plus(-pilot.total("requests"))
    return rate, left.times(rate.inverse()).plus(extra).scaled(1 / 3600)


class _Windows(NamedTuple):
    """The busy time of equal parts of the replies."""

    seconds: Sequence[float]
    replies: int  #: number of replies in each part


def _rate(answered_at: Sequence[float]) -> PredictionInterval | None:
    """Return the replies for each second in the middle of a run, when its slots are full; None if too few arrived."""
    windows = _middle_windows(answered_at)
    if windows is None:
        return None
    mean, (low, high) = statistics.fmean(windows.seconds), bounds_of_mean(windows.seconds)
    return PredictionInterval(
        windows.replies / mean, windows.replies / high, windows.replies / low if low > 0 else math.inf
    )


def _middle_windows(answered_at: Sequence[float]) -> _Windows | None:
    """Return the middle half of the replies, in equal parts."""
    quarter = len(answered_at) // 4
    middle = answered_at[quarter : len(answered_at) - quarter]
    if len(middle) < _MIN_REPLIES:
        return None
    gaps = [after - before for before, after in pairwise(middle)]
    longest = max(_IDLE_S, _IDLE_FACTOR * statistics.median(gaps))
    busy = [gap for gap in gaps if gap <= longest]
    size = len(busy) // _WINDOWS
    if not size or not sum(busy):
        return None
    return _Windows([math.fsum(busy[n * size : (n + 1) * size]) for n in range(_WINDOWS)], size)


def _losses(pilot: PilotOutcomes) -> tuple[PredictedLoss, ...]:
    """Return the most frequent drops, with their expected numbers in the whole run."""
    counts = {cause: dropped.total() for cause, dropped in pilot.dropped.items()}
    most = sorted(counts, key=lambda cause: (-counts[cause], cause))[:_SHOWN_LOSSES]
    return tuple(
        PredictedLoss(
            step=step,
            reason=reason,
            share=counts[step, reason] / sum(counts.values()),
            items=PredictedAmount.of(_predicted(pilot, pilot.dropped[step, reason].__getitem__, is_paid=False)),
        )
        for step, reason in most
    )
