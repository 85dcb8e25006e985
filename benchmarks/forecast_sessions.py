"""Simulate forecasts of runs with discussions: how often the totals of the run lie within the 90 % intervals.

    python benchmarks/forecast_sessions.py [--runs 400] [--seed 0]

Nothing is requested: the requests, tokens and rows of snippets and of discussions are drawn, and the pilot is a part of
them, as ``glotsmith run xcoder --estimate`` has it. Each run has 20–1000 snippets, 40–400 discussions in epochs of
4–32, token numbers with heavy tails, memories that lengthen the prompts until the third epoch (by 0–15 %), and a yield
that falls until the last epoch (by 0–30 %), because more problems repeat earlier ones.

The benchmark prints for each quantity how often it lay within its interval, below and above it, the median width of
the intervals and the median error of the predictions. It exits with 1 if one of them holds in fewer than 9 of 10 runs.
"""

import argparse
import random
import statistics
import sys
from collections import Counter, defaultdict
from typing import NamedTuple

from glotsmith.api.forecast import PredictedAmount, forecast
from glotsmith.api.pilot import PilotOutcomes, PilotRow
from glotsmith.exchanges import ReplyCosts
from glotsmith.recipes.xcoder.pilot_sessions import PilotSessions, count_pilot_sessions
from glotsmith.sources.pilot_sample import pilot_size

GOAL, SHARE = 0.9, 0.05
GROWN_EPOCH = 3  #: in which prompts show as many discussions as they may


class Drawn(NamedTuple):
    """What one snippet or discussion costs and makes."""

    costs: ReplyCosts
    rows: int


class Plan(NamedTuple):
    """The random choices of one run."""

    snippets: int
    sessions: int
    epoch: int
    tail: float
    growth: float
    decline: float
    yields: tuple[float, float]  #: chance of a row, of a snippet and of a discussion

    @classmethod
    def draw(cls, r: random.Random) -> "Plan":
        """Draw a plan."""
        sessions, epoch = round(40 * 10 ** r.random()), r.choice((4, 8, 16, 32))
        yields = (r.uniform(0.1, 0.9), r.uniform(0.1, 0.9))
        grown = (r.uniform(0, 0.15), r.uniform(0, 0.3))
        return cls(round(20 * 50 ** r.random()), sessions, epoch, r.uniform(0.3, 1.0), *grown, yields)


def draw_snippet(plan: Plan, r: random.Random) -> Drawn:
    tokens = round(400 * r.lognormvariate(0, plan.tail))
    return Drawn(ReplyCosts(2, tokens / 1e6, tokens), int(r.random() < plan.yields[0]))


def draw_session(plan: Plan, number: int, r: random.Random) -> Drawn:
    epoch = number // plan.epoch
    grown = 1 + plan.growth * min(1.0, epoch / (GROWN_EPOCH - 1))
    requests = r.randint(3, 8) + (epoch > 0 and number % plan.epoch == 0)
    tokens = round(requests * 600 * r.lognormvariate(0, plan.tail) * grown)
    left = plan.yields[1] * (1 - plan.decline * number / plan.sessions)
    return Drawn(ReplyCosts(requests, tokens / 1e6, tokens), sum(r.random() < left for _ in range(2)))


def simulate(seed: int) -> dict[str, tuple[PredictedAmount, float]]:
    """Return the prediction and the true amount of each quantity of a run."""
    r = random.Random(seed)
    plan = Plan.draw(r)
    snippets = {f"snippet-{n}": draw_snippet(plan, r) for n in range(plan.snippets)}
    sessions = {f"session-{n}": draw_session(plan, n, r) for n in range(plan.sessions)}
    sample = r.sample(sorted(snippets), pilot_size(len(snippets), SHARE))
    held = list(sessions)[: count_pilot_sessions(plan.sessions, plan.epoch, SHARE)]
    is_whole = len(sample) == len(snippets)
    found = forecast("xcoder", outcomes(plan, snippets, sessions, sample, held), ["lua"])
    run = sessions if is_whole else {key: draw_session(plan, n, r) for n, key in enumerate(sessions)}
    again = [] if is_whole else [sessions[key].costs for key in held]
    costs = sum([*(one.costs for one in (*snippets.values(), *run.values())), *again], ReplyCosts())
    rows = sum(one.rows for one in (*snippets.values(), *run.values()))
    assert found.cost is not None
    assert found.cost_per_row is not None
    return {
        "requests": (found.requests, costs.requests),
        "tokens": (found.tokens, costs.tokens),
        "US dollars": (found.cost, costs.cost),
        "rows": (found.rows, rows),
        "US dollars for a row": (found.cost_per_row, costs.cost / rows if rows else float("inf")),
    }


def outcomes(
    plan: Plan, snippets: dict[str, Drawn], sessions: dict[str, Drawn], sample: list[str], held: list[str]
) -> PilotOutcomes:
    """Return what the pilot did."""
    seen = {key: (snippets.get(key) or sessions[key]) for key in (*sample, *held)}
    made = [PilotRow("lua", frozenset({key})) for key, one in seen.items() for _ in range(one.rows)]
    return PilotOutcomes(
        population=len(snippets),
        items=tuple(sample),
        costs={key: one.costs for key, one in seen.items()},
        shared_costs=ReplyCosts(),
        rows={key: Counter(lua=one.rows) for key, one in seen.items()},
        made=made,
        dropped={},
        answered_at=[],
        run_seconds=0.0,
        sessions=PilotSessions(plan.sessions, tuple(held[: plan.epoch]), tuple(held[plan.epoch :])),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = defaultdict[str, list[tuple[PredictedAmount, float]]](list)
    for number in range(options.runs):
        for name, held in simulate(options.seed + number).items():
            found[name].append(held)
    worst = 1.0
    print(f"{'':>22} {'within':>7} {'below':>7} {'above':>7} {'width':>7} {'error':>7}")
    for name, results in found.items():
        below = statistics.fmean(true < (p.low or 0) * (1 - 1e-9) for p, true in results)
        above = statistics.fmean(p.high is not None and true > p.high * (1 + 1e-9) for p, true in results)
        finite = [(p, true) for p, true in results if p.value and p.high is not None and 0 < true < float("inf")]
        width = statistics.median((p.high - (p.low or 0)) / true for p, true in finite if p.high is not None)
        error = statistics.median(abs((p.value or 0) - true) / true for p, true in finite)
        within = 1 - below - above
        worst = min(worst, within)
        print(f"{name:>22} {within:>7.1%} {below:>7.1%} {above:>7.1%} {width:>7.0%} {error:>7.1%}")
    sys.exit(worst < GOAL)


if __name__ == "__main__":
    main()
