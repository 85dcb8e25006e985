"""A forecast from what a pilot did, and what a pilot did from its ledger."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.api.forecast import RunForecast, forecast, forecast_run
from glotsmith.api.pilot import PilotOutcomes, PilotRow, read_outcomes, with_pilot
from glotsmith.api.run_config import RunConfig
from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.exchanges import ReceivedReply, ReplyCosts
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.ledger import Ledger
from glotsmith.records import Example, IoCase, Lineage, Origin
from glotsmith.run_folder import RunFolder
from glotsmith.sources.pilot_sample import PILOT_STEP, sample_pilot
from glotsmith.step import Dropped, ItemStep, Kept, Result, SourceStep, WholeStep, drop, keep


def outcomes(items: int, population: int, **changes: Any) -> PilotOutcomes:
    """Return a pilot in which each second item makes a row in Lua for two requests and 100 tokens."""
    keys = tuple(map(str, range(items)))
    fruitful = keys[::2]
    values: dict[str, Any] = {
        "population": population,
        "items": keys,
        "costs": {key: ReplyCosts(2, 0.01, 100) for key in keys},
        "shared_costs": ReplyCosts(),
        "rows": {key: Counter(lua=1) for key in fruitful},
        "made": [PilotRow("lua", frozenset({key})) for key in fruitful],
        "dropped": {("translate", Reason.NO_PASSING_SOLUTION): Counter(keys[1::2])},
        "answered_at": [n / 10 for n in range(2 * items)],
        "run_seconds": 20.0,
    }
    return PilotOutcomes(**(values | changes))


def test_a_pilot_of_all_items_predicts_what_it_did() -> None:
    found = forecast("r", outcomes(40, 40), ["lua", "r"])
    assert (found.rows.low, found.rows.high) == (20, 20)
    assert (found.requests.low, found.requests.value, found.tokens.high) == (80, 80, 4000)
    assert found.cost is not None
    assert found.cost.high == pytest.approx(0.4)
    assert found.cost_per_row is not None
    assert found.cost_per_row.value == pytest.approx(0.02)
    assert (found.languages["r"].high, found.languages["lua"].low) == (0, 20)


def test_amounts_grow_with_the_population() -> None:
    found = forecast("r", outcomes(40, 800), ["lua", "r"])
    assert (found.population, found.sampled) == (800, 40)
    assert found.requests.value == pytest.approx(1600)
    assert found.rows.low is not None
    assert found.rows.high is not None
    assert 20 < found.rows.low < 400 < found.rows.high < 600  # 20 different rows do not say that 400 are different
    assert found.languages["r"].value == 0
    assert found.languages["r"].high  # a language without rows in the pilot may have some
    assert found.losses[0].step == "translate"
    assert found.losses[0].items.value == pytest.approx(400)


def test_time_left_is_that_of_the_other_requests_and_of_the_other_steps() -> None:
    found = forecast("r", outcomes(40, 800), ["lua"])
    assert found.replies_per_second == pytest.approx(10)
    assert found.hours_left is not None
    assert found.hours_left.value == pytest.approx((1520 / 10 + 20 - 80 / 10) / 3600)


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"costs": {"0": ReplyCosts(2, 0, 100, 2)}}, lambda found: found.cost),
        ({"costs": {"0": ReplyCosts(2, 0, 100, 2)}}, lambda found: found.cost_per_row),
        ({"shared_costs": ReplyCosts(1, 0, 5, 1)}, lambda found: found.cost),
        ({"answered_at": []}, lambda found: found.hours_left),
        ({"answered_at": [1.0] * 200}, lambda found: found.hours_left),
        ({"made": [], "rows": {}}, lambda found: found.cost_per_row.value),
        ({"made": [], "rows": {}}, lambda found: found.tokens_per_row.high),
    ],
)
def test_what_is_unknown_is_not_zero(changes: dict[str, Any], read: Callable[[RunForecast], object]) -> None:
    assert read(forecast("r", outcomes(40, 800, **changes), ["lua"])) is None


def test_the_times_of_batches_measure_no_rate() -> None:
    found = forecast("r", outcomes(40, 800), ["lua"], in_batches=True)
    assert (found.hours_left, found.replies_per_second) == (None, None)
    assert found.time_unknown == "the server decides when it answers a batch"
    assert forecast("r", outcomes(40, 800), ["lua"]).time_unknown == ""
    assert "too few replies" in forecast("r", outcomes(40, 800, answered_at=[]), ["lua"]).time_unknown


def test_requests_of_no_item_count() -> None:
    found = forecast("r", outcomes(40, 80, shared_costs=ReplyCosts(20, 0.2, 40)), ["lua"])
    assert (found.requests.value, found.pilot_requests) == (pytest.approx(200), 100)


def test_rows_that_items_repeat_are_fewer_in_a_larger_population() -> None:
    apart = forecast("r", outcomes(40, 800), ["lua"]).rows
    repeated = [PilotRow("lua", frozenset({str(n), str(n + 1)})) for n in range(0, 20, 4)]
    rows = {str(n): Counter(lua=1) for n in range(0, 40, 2)} | {str(n): Counter(lua=1) for n in range(1, 20, 4)}
    made = [*repeated, *(PilotRow("lua", frozenset({str(n)})) for n in (*range(2, 20, 4), *range(20, 40, 2)))]
    found = forecast("r", outcomes(40, 800, made=made, rows=rows), ["lua"]).rows
    assert (found.value or 0) < (apart.value or 0)
    assert (found.low or 0) < (apart.low or 0)


@pytest.mark.parametrize("gap", [3600.0, 86400.0])
def test_a_pause_between_two_starts_of_a_pilot_is_no_part_of_the_rate(gap: float) -> None:
    times = [n / 10 for n in range(80)]
    found = forecast("r", outcomes(40, 800, answered_at=[t + gap * (t > 4) for t in times]), ["lua"])
    assert found.replies_per_second == pytest.approx(10)


# --- the ledger of a pilot -----------------------------------------------------------------------------------------


class Numbers(SourceStep[IoCase]):
    name, output = "sources", IoCase

    async def run(self, done):
        for number in range(60):
            yield str(number), keep(str(number), IoCase(stdin=str(number), stdout=""))


class Split(ItemStep[IoCase, IoCase]):
    """Makes a task in two languages of each number, and drops some."""

    name, output = "make_tasks", IoCase

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def run(self, key, item):
        reply = ReceivedReply(f"address {key}", key, "write_tests", 0, "p", cached=False, cost=0.5, tokens=10)
        self._ledger.record_reply(reply)
        if int(key) % 3 == 0:
            return drop(Reason.UNREPRESENTABLE)
        for language in ("lua", "r"):
            task = f"{key}:{language}"
            self._ledger.record_reply(reply._replace(address=f"address {task}", item=task, call="translate"))
        self._ledger.record_reply(reply._replace(address=f"address {key} of no item", item="another"))
        return Result(kept=tuple(Kept(f"{key}:{name}", IoCase(stdin=key, stdout=name)) for name in ("lua", "r")))


class MakeRows(ItemStep[IoCase, Example]):
    name, output = "translate", Example

    async def run(self, key, item):
        row = Example(
            id=key, parallel_id=item.stdin, language=item.stdout, name="f", messages=(), prompt="",
            completion=str(int(item.stdin) % 10), source="", origin=Origin(source="", path=""),
            lineage=Lineage(teacher="t"), kind="original" if int(item.stdin) % 7 == 0 else "translation",
        )  # fmt: skip
        return keep(key, row)


class DropEqual(WholeStep[Example, Example]):
    """Drops rows with the last digit of an earlier one."""

    name, output = "deduplicate_solutions", Example

    def run(self, items: Callable[[], Iterator[tuple[str, Example]]]):
        first: dict[tuple[str, str], str] = {}
        for key, item in items():
            kept = first.setdefault((item.language, item.completion), key)
            loss = Dropped(Reason.NEAR_DUPLICATE, f"ROUGE-L 0.9 with {kept}")
            yield key, keep(key, item) if kept == key else Result(dropped=(loss,))


@pytest.fixture
def pilot() -> Iterator[PilotOutcomes]:
    with closing(Ledger(Path(":memory:"))) as ledger:
        ledger.exchanges.create_tables()
        steps = [Numbers(), sample_pilot(0.05, IoCase), Split(ledger), MakeRows(), DropEqual()]
        asyncio.run(PipelineRunner().run(steps, ledger, NoProgress()))
        yield read_outcomes(ledger)


def test_what_a_pilot_did_is_counted_by_item_of_its_sample(pilot: PilotOutcomes) -> None:
    passed = [key for key in pilot.items if int(key) % 3]
    assert (pilot.population, len(pilot.items)) == (60, 30)
    assert {key: pilot.costs[key].requests for key in pilot.items} == {
        key: 3 if key in passed else 1 for key in pilot.items
    }
    assert pilot.shared_costs.requests == len(passed)
    assert pilot.dropped["make_tasks", Reason.UNREPRESENTABLE].total() == 30 - len(passed)


def test_rows_know_the_items_that_repeat_them(pilot: PilotOutcomes) -> None:
    expected: dict[str, set[str]] = {}
    for key in (key for key in pilot.items if int(key) % 3):
        expected.setdefault(key[-1], set()).add(key)
    kept = [items for items in expected.values() if int(min(items, key=int)) % 7]  # the first of the others is kept
    found = [row.items for row in pilot.made if row.language == "lua"]
    assert sorted(map(sorted, found)) == sorted(map(sorted, kept))
    assert any(len(items) > 1 for items in found)


def test_a_pilot_without_items_predicts_nothing(tmp_path: Path) -> None:
    config = RunConfig(recipe="multipl-t", options={"sources": ["s"]}, pilot=0.05)
    with RunFolder.create_or_resume(tmp_path / "p", msgspec.to_builtins(config)) as folder:
        folder.ledger.register_steps(["sources", PILOT_STEP, "dataset"])
        folder.ledger.exchanges.create_tables()
    with pytest.raises(UsageError, match="the run is not finished"):
        forecast_run(tmp_path / "p")
    with RunFolder.create_or_resume(tmp_path / "p", msgspec.to_builtins(config)) as folder:
        folder.ledger.mark_finished("dataset")
    with pytest.raises(UsageError, match="no item is left for a pilot"):
        forecast_run(tmp_path / "p")


@pytest.mark.slow
def test_the_benchmark_predicts_a_simulated_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import forecast as benchmark

    draw = benchmark.Plan.draw
    monkeypatch.setattr(benchmark.Plan, "draw", lambda seed: draw(seed)._replace(functions=100))
    found = benchmark.simulate(1, 0.05)
    assert set(found) >= {"requests", "tokens", "US dollars", "hours", "rows", "US dollars for a row"}
    assert sum(held.within for held in found.values()) >= 6


# --- where the sample is drawn --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "options", "before"),
    [
        ("multipl-t", {}, "write_tests"),
        ("inverse-instruct", {}, "verify_snippets"),
        ("xcoder", {}, "generate_seeds"),
        ("xcoder", {"sessions": 0}, "generate_seeds"),
    ],
)
def test_the_sample_is_drawn_before_the_first_step_that_costs_much(
    recipe: str, options: dict[str, Any], before: str
) -> None:
    config = RunConfig(recipe=recipe, options={"sources": ["s"], **options}, pilot=0.05)
    assert config.build_recipe().pilot_before == before
    steps: list[Any] = [Numbers(), type("First", (MakeRows,), {"name": before})()]
    assert [step.name for step in with_pilot(steps, config)] == ["sources", "pilot", before]
    with pytest.raises(UsageError, match="does not support --estimate"):
        with_pilot([Numbers()], config)
