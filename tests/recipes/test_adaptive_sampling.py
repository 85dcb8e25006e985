"""The policy ``adaptive`` on the pipeline of ``benchmarks/adaptive_sampling.py``, with simulated teachers."""

import asyncio
import importlib.util
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from glotsmith.budget import BudgetLimit, parse_budget
from glotsmith.drop_reasons import Reason
from glotsmith.errors import OutageError, UsageError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.ledger import Ledger
from glotsmith.recipes.adaptive_sampling import reopen_for_budget
from glotsmith.recipes.shards import steps_of_shard
from glotsmith.records import Function, Task
from glotsmith.sampling_end import StopReason
from glotsmith.shard import Shard
from glotsmith.step import Result
from glotsmith.unanswered import BudgetReached, Unanswered

FILE = Path(__file__).parents[2] / "benchmarks" / "adaptive_sampling.py"
LANGUAGES = ("lua", "ocaml")
PROBLEMS = 44  #: blocks of 8, 8, 16 and 12


def load_simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("adaptive_sampling_benchmark", FILE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


simulation = load_simulation()


def steps_of(
    ledger: Ledger,
    budget: Sequence[BudgetLimit] = (),
    latency_s: Callable[[], float] | None = None,
    floor: float = 0.04,
) -> list[Any]:
    teacher = simulation.SimulatedTeacher(0.3, 0, latency_s)
    policy = simulation.adaptive(ledger, budget, floor)
    return simulation.pipeline(teacher, policy, PROBLEMS, LANGUAGES, latency_s)


def run(ledger: Ledger, steps: Sequence[Any]) -> bool:
    return asyncio.run(PipelineRunner().run(steps, ledger, NoProgress()))


def content(ledger: Ledger) -> list[Any]:
    """Return everything that the steps stored, in an order that does not depend on timing."""
    rows = [
        (row.step, row.position, row.key, row.status, row.reason, row.detail, row.data)
        for step in ledger.steps
        for status in ("kept", "dropped", "lost")
        for row in ledger.rows_by_position(step, status)  # type: ignore[arg-type]
    ]
    ends = [(row.key, ledger.sampling.of_input("translate", row.key)) for row in ledger.kept_rows("make_tasks")]
    return [rows, ends]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return the content of the ledger of a run without delays."""
    with closing(Ledger(tmp_path_factory.mktemp("expected") / "ledger.sqlite")) as ledger:
        assert run(ledger, steps_of(ledger))
        return content(ledger)


def reasons(ends: Sequence[tuple[str, Any]], language: str) -> Counter[str]:
    return Counter(end.reason for _, end in ends if end.language == language)


@pytest.mark.slow
def test_every_problem_has_a_reason(expected: list[Any]) -> None:
    ends = expected[1]
    assert len(ends) == PROBLEMS * len(LANGUAGES)
    assert all(end is not None and end.replies >= 1 for _, end in ends)
    assert {*reasons(ends, "lua"), *reasons(ends, "ocaml")} <= {"low_pass_rate", "few_new_rows", "limit", "repetition"}
    assert reasons(ends, "lua")["few_new_rows"] and reasons(ends, "ocaml")["low_pass_rate"]


def test_later_blocks_give_up_sooner_in_the_language_where_little_passes(expected: list[Any]) -> None:
    failed = [end.replies for key, end in expected[1] if end.language == "ocaml" and not end.passed]
    first, last = failed[:8], failed[-8:]
    assert max(last) < min(first)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_result_does_not_depend_on_timing(expected: list[Any], tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        steps = steps_of(ledger, latency_s=lambda: source.choice((0.0, 0.0, 0.0, source.uniform(0, 0.02))))
        for step in steps[2:4]:
            step.concurrency = source.randint(1, 24)
        assert run(ledger, steps)
        assert content(ledger) == expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_run_that_is_stopped_at_any_moment_resumes_to_the_same_result(
    expected: list[Any], tmp_path: Path, seed: int
) -> None:
    source, finished, starts = random.Random(seed), False, 0

    async def start(ledger: Ledger, stop_s: float) -> bool:
        worker = PipelineRunner()
        asyncio.get_running_loop().call_later(stop_s, worker.stop)
        return await worker.run(steps_of(ledger, latency_s=lambda: source.uniform(0, 0.004)), ledger, NoProgress())

    while not finished:
        starts += 1
        with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
            finished = asyncio.run(start(ledger, 0.05 + 0.15 * starts * source.random()))
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        assert starts > 2
        assert content(ledger) == expected


class FailingTasks(simulation.Tasks):  # type: ignore[misc, name-defined]
    """Leaves one problem without an answer."""

    failing = "problem3"

    async def run(self, key: str, item: Function) -> Result[Task]:
        if key == self.failing:
            raise Unanswered(Reason.NOT_VERIFIED, "the machine failed", None)
        return await super().run(key, item)


@pytest.mark.slow
def test_items_that_depend_on_an_open_one_stay_open_and_the_next_start_gives_the_same_result(
    expected: list[Any], tmp_path: Path
) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        steps = steps_of(ledger)
        steps[2] = FailingTasks(LANGUAGES)
        with pytest.raises(OutageError, match=r"make_tasks 1, translate 56"):  # blocks 2 and 3 wait for block 0
            run(ledger, steps)
        answered = {row.key for row in ledger.kept_rows("make_tasks") if ledger.has_result("translate", row.key)}
        assert answered == {f"problem{n}-{name}" for n in range(16) if n != 3 for name in LANGUAGES}
        assert run(ledger, steps_of(ledger))
        assert content(ledger) == expected


class RefusedLanguage(simulation.SimulatedTeacher):  # type: ignore[misc, name-defined]
    """A teacher for which the budget of one language is reached."""

    async def reply(self, request: Any) -> Any:
        if request.context["language"] == "ocaml":
            raise BudgetReached(OutageError("the budget ocaml=1tok is reached"))
        return await super().reply(request)


@pytest.mark.slow
def test_the_limit_of_one_language_does_not_hold_the_others(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        policy = simulation.adaptive(ledger)
        steps = simulation.pipeline(RefusedLanguage(0.3, 0), policy, PROBLEMS, LANGUAGES)
        with pytest.raises(OutageError, match="budget"):
            run(ledger, steps)
        assert {count.language for count in ledger.sampling.counts()} == {"lua"}
        assert sum(count.problems for count in ledger.sampling.counts()) == PROBLEMS


def budget(*texts: str) -> tuple[BudgetLimit, ...]:
    return parse_budget(texts, lambda name: name)


@pytest.mark.slow
def test_a_budget_of_tokens_is_spread_over_all_problems(expected: list[Any], tmp_path: Path) -> None:
    without = sum(end.tokens for _, end in expected[1])
    limit = round(0.6 * without)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        passes = simulation.run_in_passes(steps_of(ledger, budget(f"{limit}tok")), ledger)
        ends = content(ledger)[1]
        assert 0.6 * limit < sum(end.tokens for _, end in ends) < 1.3 * limit
        assert reasons(ends, "lua")["budget"]
        assert len(passes) > 1
        assert {end.reason for _, end in ends[:32]} & {StopReason.BUDGET, StopReason.FEW_NEW_ROWS}


def rows_of(passes: Sequence[dict[str, Any]], language: str) -> list[int]:
    """Return the rows of a language after each pass."""
    return [sum(end.rows for end in ends.values() if end.language == language) for ends in passes]


@pytest.mark.slow
@pytest.mark.parametrize(("wanted", "reached"), [(26, True), (500, False)])
def test_a_finished_run_continues_problems_until_its_rows_are_enough(
    tmp_path: Path, wanted: int, reached: bool
) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        passes = simulation.run_in_passes(steps_of(ledger, budget(f"lua={wanted}rows")), ledger)
        found = rows_of(passes, "lua")
        assert len(found) > 1
        assert max(found[:-1]) < wanted
        assert (found[-1] >= wanted) is reached
        for before, after in pairwise(passes):  # a pass loses nothing, and asks for something
            assert all(after[key].replies >= end.replies and after[key].rows >= end.rows for key, end in before.items())
            assert sum(end.replies for end in after.values()) > sum(end.replies for end in before.values())
        # Without enough rows, what is left promises less than the floor or has all replies.
        assert reached or not reasons(content(ledger)[1], "lua")["budget"]
        ocaml = [{key: end for key, end in ends.items() if end.language == "ocaml"} for ends in passes]
        assert ocaml[0] == ocaml[-1]  # no budget limits it


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "rows", "words"),
    [
        ([], {}, "no budget"),
        (["3h"], {}, "only a budget of time"),
        (["20rows"], {"lua": 15, "ocaml": 5}, "enough rows"),
        (["1tok"], {}, "no token is left"),
    ],
)
def test_a_run_whose_budget_is_spent_continues_nothing(
    tmp_path: Path, limits: list[str], rows: dict[str, int], words: str
) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        assert run(ledger, steps_of(ledger, budget("9999rows")))
        stopped = ledger.sampling.stopped_by_budget("translate")
        assert stopped
        steps = steps_of(ledger, budget(*limits))
        assert steps[-2].continue_for_budget(rows) == 0, words
        assert ledger.sampling.stopped_by_budget("translate") == stopped


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_pass_that_is_stopped_at_any_moment_resumes_to_the_same_result(tmp_path: Path, seed: int) -> None:
    limits, source = budget("lua=40rows", "ocaml=12rows"), random.Random(seed)
    with closing(Ledger(tmp_path / "expected.sqlite")) as ledger:
        passes = simulation.run_in_passes(steps_of(ledger, limits), ledger)
        wanted = content(ledger)
        assert len(passes) > 1

    async def start(ledger: Ledger, stop_s: float) -> bool:
        worker, steps = PipelineRunner(), steps_of(ledger, limits, lambda: source.uniform(0, 0.004))
        asyncio.get_running_loop().call_later(stop_s, worker.stop)
        while await worker.run(steps, ledger, NoProgress()):
            if not steps[-2].continue_for_budget(Counter(simulation.language_of(ledger))):
                return True
        return False

    finished, starts = False, 0
    while not finished:
        starts += 1
        with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
            finished = asyncio.run(start(ledger, 0.1 + 0.3 * starts * source.random()))
    assert starts > 1
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        assert content(ledger) == wanted


@pytest.mark.slow
def test_a_larger_budget_continues_the_problems_that_stopped_because_of_the_smaller_one(
    expected: list[Any], tmp_path: Path
) -> None:
    small = budget(f"{round(0.5 * sum(end.tokens for _, end in expected[1]))}tok")
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        steps = steps_of(ledger, small)
        ledger.register_steps([step.name for step in steps])
        assert reopen_for_budget(ledger, steps, small) == 0
        assert run(ledger, steps)
        before = dict(content(ledger)[1])
        stopped = [key for key, end in before.items() if end.reason == StopReason.BUDGET]
        assert reopen_for_budget(ledger, steps, small) == 0  # the same budget: nothing changes
        assert dict(content(ledger)[1]) == before
        steps = steps_of(ledger)
        assert reopen_for_budget(ledger, steps, ()) == len(stopped) > 0
        assert run(ledger, steps)
        after = dict(content(ledger)[1])
        assert all(after[key].replies >= before[key].replies for key in stopped)
        assert sum(after[key].replies for key in stopped) > sum(before[key].replies for key in stopped)
        assert all(after[key] == before[key] for key in before.keys() - {*stopped})
        assert StopReason.BUDGET not in {end.reason for end in after.values()}


@pytest.mark.parametrize(("policy", "refused"), [("adaptive", True), ("early_stop", False)])
def test_a_policy_that_learns_cannot_run_in_shards(tmp_path: Path, policy: str, refused: bool) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        steps = steps_of(ledger)
        if policy == "early_stop":
            steps = simulation.pipeline(simulation.SimulatedTeacher(1, 0), simulation.SamplingPlan(), 5)
        if not refused:
            assert len(steps_of_shard(steps, Shard(1, 2), "multipl-t")) == len(steps)
            return
        with pytest.raises(UsageError, match=r"cannot run in shards.*'translate'.*--policy early_stop"):
            steps_of_shard(steps, Shard(1, 2), "multipl-t")


@pytest.mark.slow
def test_the_policy_needs_far_fewer_replies_and_counts_the_rows_that_deduplication_keeps() -> None:
    fixed, adaptive = (
        simulation.measure(policy, 12, 0.1, 0, {}, ("lua",))["lua"]
        for policy in (lambda _: simulation.SamplingPlan(single=True), lambda each: simulation.adaptive(each))
    )
    assert fixed.replies == 12 * 50 > 2 * adaptive.replies
    assert 0.5 * fixed.rows < adaptive.rows <= fixed.rows
