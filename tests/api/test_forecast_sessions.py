"""A forecast of a run with discussions, of which a pilot holds those of the first epochs."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from glotsmith.api.forecast import forecast
from glotsmith.api.pilot import PilotOutcomes, PilotRow
from glotsmith.exchanges import ReplyCosts
from glotsmith.recipes.xcoder.pilot_sessions import PilotSessions, count_pilot_sessions


def outcomes(snippets: int, population: int, sessions: int, **changes: Any) -> PilotOutcomes:
    """Return a pilot with 16 discussions of 4 requests, and 16 of 6 requests with a row each."""
    seeds, keys = tuple(f"seed-{n}" for n in range(snippets)), tuple(f"session-{n}" for n in range(min(32, sessions)))
    held = PilotSessions(sessions, keys[:16], keys[16:])
    values: dict[str, Any] = {
        "population": population,
        "items": seeds,
        "costs": {
            **{key: ReplyCosts(2, 0.1, 20) for key in seeds},
            **{key: ReplyCosts(4, 0.4, 40) for key in held.first},
            **{key: ReplyCosts(6, 0.6, 60) for key in held.later},
        },
        "shared_costs": ReplyCosts(),
        "rows": {key: Counter(lua=1) for key in held.later},
        "made": [PilotRow("lua", frozenset({key})) for key in held.later],
        "dropped": {},
        "answered_at": [n / 10 for n in range(400)],
        "run_seconds": 50.0,
        "sessions": held,
    }
    return PilotOutcomes(**(values | changes))


@pytest.mark.parametrize(
    ("sessions", "epoch", "share", "count"),
    [
        (64, 16, 0.05, 32),
        (16, 16, 0.05, 16),
        (40, 32, 0.05, 40),
        (1000, 16, 0.05, 64),
        (1000, 16, 1.0, 1000),
        (200, 1, 0.05, 30),
        (300, 100, 0.05, 200),
        (5, 2, 0.05, 5),
        (0, 16, 0.05, 0),
    ],
)
def test_a_pilot_holds_whole_epochs(sessions: int, epoch: int, share: float, count: int) -> None:
    assert count_pilot_sessions(sessions, epoch, share) == count


def test_a_pilot_with_all_seeds_and_discussions_predicts_what_it_did() -> None:
    found = forecast("xcoder", outcomes(10, 10, 32), ["lua"])
    assert (found.requests.low, found.requests.high) == (180, 180)
    assert (found.rows.low, found.rows.high) == (16, 16)
    assert (found.sessions, found.sampled_sessions, found.reuses_sessions) == (32, 32, True)


def test_later_discussions_are_like_those_with_a_memory() -> None:
    found = forecast("xcoder", outcomes(10, 10, 64), ["lua"])
    assert found.requests.value == pytest.approx(10 * 2 + 16 * 4 + 48 * 6)
    assert found.rows.low is not None
    assert found.rows.high is not None
    assert 16 <= found.rows.low < 48 <= found.rows.high
    assert found.cost is not None
    assert found.cost.value == pytest.approx(10 * 0.1 + 16 * 0.4 + 48 * 0.6)


def test_discussions_with_other_seeds_are_held_again() -> None:
    found = forecast("xcoder", outcomes(30, 300, 64), ["lua"])
    pilot = 16 * 4 + 16 * 6
    assert (found.pilot_requests, found.reuses_sessions) == (30 * 2 + pilot, False)
    assert found.requests.value == pytest.approx(300 * 2 + 16 * 4 + 48 * 6 + pilot)
    alone = forecast("xcoder", outcomes(30, 30, 64), ["lua"])
    assert (found.rows.low or 0) < (alone.rows.low or 0)  # none of the rows of the pilot is sure


def test_reflections_grow_with_the_later_discussions() -> None:
    found = forecast("xcoder", outcomes(10, 10, 64, shared_costs=ReplyCosts(4, 0.4, 40)), ["lua"])
    assert found.requests.value == pytest.approx(10 * 2 + 16 * 4 + 48 * 6 + 4 * 3)


def test_a_row_costs_what_all_costs_for_the_rows() -> None:
    found = forecast("xcoder", outcomes(10, 10, 64), ["lua"])
    assert found.cost is not None
    assert found.cost_per_row is not None
    assert found.rows.value
    assert found.cost_per_row.value == pytest.approx((found.cost.value or 0) / found.rows.value)
    assert found.cost_per_row.low is not None
    assert found.cost_per_row.high is not None
    assert found.cost_per_row.low < (found.cost_per_row.value or 0) < found.cost_per_row.high
    without = forecast("xcoder", outcomes(10, 10, 64, rows={}, made=[]), ["lua"])
    assert without.cost_per_row is not None
    assert (without.cost_per_row.value, without.cost_per_row.high) == (None, None)
    assert without.cost_per_row.low


def test_an_unknown_price_is_unknown() -> None:
    given = outcomes(10, 10, 64)
    costs = {**given.costs, "session-3": ReplyCosts(2, 0, 20, unpriced=1)}
    assert forecast("xcoder", given._replace(costs=costs), ["lua"]).cost is None


def test_the_benchmark_predicts_simulated_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import forecast_sessions as benchmark

    held = [
        (amount.low or 0) <= true <= (math.inf if amount.high is None else amount.high) + 1e-6
        for seed in range(20)
        for amount, true in benchmark.simulate(seed).values()
    ]
    assert len(held) == 100
    assert sum(held) >= 90
