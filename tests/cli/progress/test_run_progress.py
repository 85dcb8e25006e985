"""The numbers that a run shows are those of its ledger, for runs of every shape."""

import asyncio
import io
import json
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from glotsmith.api.activity import Activity, FailureCounter
from glotsmith.api.reply_rounds import run_in_rounds
from glotsmith.cache import Cache
from glotsmith.cli.progress.display import ProgressMode
from glotsmith.cli.progress.panel import PanelRenderable
from glotsmith.cli.progress.run_progress import RunProgress
from glotsmith.cli.progress.waiting_lines import WaitingLines
from glotsmith.drop_reasons import Reason
from glotsmith.errors import GlotsmithError, RepliesPendingError, UsageError
from glotsmith.execution.base import FaultLimits, RecordedResult
from glotsmith.execution.merge import LedgerMerge
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.ledger import Ledger
from glotsmith.recipes.failing_programs import failing_programs
from glotsmith.records import Candidate, FunnelRow, IoCase, Lineage, Verdict, content_hash
from glotsmith.source_census import SourceCensus
from glotsmith.step import BatchStep, Dropped, ItemStep, Kept, Result, SourceStep, Step, WholeStep, drop, keep
from glotsmith.teachers.base import ReplyRounds
from glotsmith.teachers.scripted import Scripted, ScriptedOptions
from glotsmith.teachers.wrappers import CachedTeacher
from glotsmith.unanswered import RequestPostponed

SEEDS = range(10)


class Shape:
    """What a run of this seed does with each item, the same in each start."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.units = self.pick("units", below=60)

    def pick(self, *names: object, below: int) -> int:
        return int(content_hash(str(self.seed), *map(str, names))[:8], 16) % below

    def failing(self, key: str, status: str) -> Candidate:
        verdict = Verdict(id=key, language="lua", status=status)  # type: ignore[arg-type]
        return Candidate(task=key, language="lua", code="x", verdict=verdict, lineage=Lineage(teacher="t"))


class Source(SourceStep[IoCase]):
    name, output = "sources", IoCase

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    async def run(self, done: Any) -> Any:
        for number in range(self.shape.units):
            if self.shape.pick("bad", number, below=5) == 0:
                yield f"unit {number}", drop(Reason.SYNTAX_ERROR)
                continue
            names = [f"{number}.{index}" for index in range(1 + self.shape.pick("count", number, below=3))]
            yield f"unit {number}", Result(kept=tuple(Kept(name, IoCase(stdin=name, stdout="")) for name in names))


class Ask(ItemStep[IoCase, IoCase]):
    """Loses failing programs, keeps up to three outputs, and meets internal errors."""

    name, output = "ask", IoCase

    def __init__(self, shape: Shape) -> None:
        self.shape, self.concurrency = shape, 1 + shape.pick("concurrency", below=8)

    async def run(self, key: str, item: IoCase) -> Any:
        await asyncio.sleep(0)
        if self.shape.pick("broken", key, below=20) == 0:
            raise KeyError(key)
        statuses = ["fail:wrong", "fail:compile", "infra:sandbox"]
        lost = tuple(
            Dropped(Reason.FAILED_VERIFICATION, "", f"{key}/{n}", self.shape.failing(key, statuses[n]))
            for n in range(self.shape.pick("lost", key, below=4))
        )
        kept = tuple(Kept(f"{key}:{n}", item) for n in range(self.shape.pick("kept", key, below=4)))
        whole = () if kept else (Dropped(Reason.NO_PASSING_SOLUTION),)
        return Result(kept=kept, dropped=(*lost, *whole), tokens=self.shape.pick("t", key, below=9), cost=0.001)


class Check(BatchStep[IoCase, IoCase]):
    name, output, size = "check", IoCase, 7

    async def run(self, keys: Sequence[str], items: Sequence[IoCase]) -> Any:
        return [keep(key, item) for key, item in zip(keys, items, strict=True)]


class Deduplicate(WholeStep[IoCase, IoCase]):
    """Drops items, and fails on some, so that it starts again."""

    name, output, in_shard = "deduplicate", IoCase, "run"

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def run(self, items: Any) -> Iterator[Any]:
        for key, item in items():
            if self.shape.pick("fails", key, below=15) == 0:
                raise KeyError(key)
            dropped = self.shape.pick("same", key, below=3) == 0
            yield key, drop(Reason.NEAR_DUPLICATE) if dropped else keep(key, item)


class Last(Check):
    name, size = "dataset", 1


def steps(shape: Shape) -> list[Step[Any, Any]]:
    return [Source(shape), Ask(shape), Check(), Deduplicate(shape), Last()]


class Stopping(RunProgress):
    """Stops the run after some answers, and keeps the numbers of that moment."""

    def __init__(self, console: Console, runner: PipelineRunner, answers: int) -> None:
        super().__init__(console, ProgressMode.json)
        self._runner, self._left = runner, answers
        self.live: dict[str, tuple[int, ...]] = {}

    def on_result(self, step: str, result: RecordedResult) -> None:
        super().on_result(step, result)
        self._left -= 1
        if not self._left:
            self._runner.stop()

    def on_run_ended(self, funnel: Sequence[FunnelRow]) -> None:
        self.live = shown(self)
        super().on_run_ended(funnel)


def shown(progress: RunProgress) -> dict[str, tuple[int, ...]]:
    return {name: (s.done, s.kept, s.dropped, s.made) for name, s in progress.state.steps.items()}


def stored(ledger: Ledger) -> dict[str, tuple[int, ...]]:
    return {row.step: (row.taken, row.kept, row.dropped, row.made) for row in ledger.funnel()}


def start(ledger: Ledger, shape: Shape, answers: int) -> tuple[Stopping, FailureCounter, list[dict[str, Any]]]:
    """Run once, and check the numbers against the ledger, also those from before the last correction."""
    console, runner = Console(file=io.StringIO()), PipelineRunner(limits=FaultLimits(internal_errors=10_000))
    with Stopping(console, runner, answers) as progress, suppress(GlotsmithError):
        counter = FailureCounter(progress, ledger)
        asyncio.run(runner.run(steps(shape), ledger, counter))
        progress.show_activity(Activity(failures=counter.failures))
    assert progress.live == shown(progress) == stored(ledger)
    assert isinstance(console.file, io.StringIO)
    return progress, counter, [json.loads(line) for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_is_the_ledgers_also_after_a_stop_and_a_resume(tmp_path: Path, seed: int) -> None:
    shape, chance = Shape(seed), random.Random(seed)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        for answers in (chance.randint(1, 40), chance.randint(1, 80), 0):
            before = stored(ledger)
            progress, counter, events = start(ledger, shape, answers)
            failing = [program.status for program in failing_programs(ledger)]
            assert counter.failures.total() == len(failing)
            assert dict(counter.failures) == {status: failing.count(status) for status in set(failing)}
            assert {s.name: s.before for s in progress.state.steps.values() if s.before} == {
                name: counts[0] for name, counts in before.items() if counts[0]
            }
            last = events[-1]
            assert (events[0]["event"], last["event"], last["failures"]) == ("started", "ended", counter.failures)
            fields = ("done", "kept", "dropped", "made")
            assert {e["step"]: tuple(e[f] for f in fields) for e in last["steps"]} == stored(ledger)
        assert all(step.state == "finished" for step in progress.state.steps.values())
        totals = [step.total for step in progress.state.steps.values()]
        assert totals[1:] == [row.made for row in ledger.funnel()[:-1]]
        printed = panel_rows(progress)
        assert printed == {name: [f"{c[0]}/{c[0]}", *map(str, c[1:])] for name, c in stored(ledger).items()}


class LateAnswers(Ask):
    """Has no reply in the first round."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.arrived = False

    async def run(self, key: str, item: IoCase) -> Any:
        if not self.arrived:
            raise RequestPostponed(RepliesPendingError("later"))
        return await super().run(key, item)


class TwoRounds(ReplyRounds):
    """The replies arrive after the first round."""

    def __init__(self, step: LateAnswers) -> None:
        self._step = step

    async def open(self, folder: Path) -> None: ...

    async def send(self) -> None: ...

    async def wait(self) -> bool:
        self._step.arrived = True
        return True

    def pending_sentence(self) -> str:
        return ""


@pytest.mark.parametrize("mode", [ProgressMode.json, ProgressMode.plain])
def test_rounds_of_a_run_are_shown_as_one_start(tmp_path: Path, mode: ProgressMode) -> None:
    shape, console = Shape(2), Console(file=io.StringIO(), width=200)
    late, runner = LateAnswers(shape), PipelineRunner(limits=FaultLimits(internal_errors=10_000))
    names, threads = [step.name for step in steps(shape)], list[list[threading.Thread]]()
    (tmp_path / "replies.jsonl").touch()
    with (
        closing(Ledger(tmp_path / "ledger.sqlite")) as ledger,
        closing(Cache(tmp_path / "cache.sqlite")) as cache,
        RunProgress(console, mode) as progress,
    ):
        cached = CachedTeacher(Scripted(ScriptedOptions(model=str(tmp_path / "replies.jsonl"))), cache)

        async def run_steps() -> bool:
            pipeline = [Source(shape), late, Check(), Deduplicate(shape), Last()]
            try:
                return await runner.run(pipeline, ledger, progress)
            finally:
                threads.append([thread for thread in threading.enumerate() if thread.name == "progress"])

        assert asyncio.run(run_in_rounds(TwoRounds(late), tmp_path, cached, run_steps, runner.stopped))
        assert shown(progress) == stored(ledger)
        assert [step.before for step in progress.state.steps.values()] == [0] * len(names)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert [len(running) for running in threads] == [1, 1]
    if mode == ProgressMode.plain:
        assert [line.partition(":")[0] for line in lines if "…" not in line] == names
        return
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events].count("started") == 1
    assert [event["step"] for event in events if event["event"] == "step_finished"] == names
    assert [step["total"] for step in events[-1]["steps"]] == [counts[0] for counts in shown(progress).values()]


def panel_rows(progress: RunProgress) -> dict[str, list[str]]:
    """Return the cells of the panel by step."""
    console = Console(file=io.StringIO(), width=100, height=50)
    panel = PanelRenderable(progress.state, WaitingLines(lambda _: None))
    panel.final = True
    console.print(panel)
    assert isinstance(console.file, io.StringIO)
    cells = (line.split() for line in console.file.getvalue().splitlines())
    return {row[0]: row[1:5] for row in cells if row and row[0] in progress.state.steps}


def test_the_shapes_differ(tmp_path: Path) -> None:
    found = set[tuple[Any, ...]]()
    for seed in SEEDS[:3]:
        with closing(Ledger(tmp_path / f"{seed}.sqlite")) as ledger:
            start(ledger, Shape(seed), 0)
            found.add(tuple(stored(ledger).items()))
    assert len(found) == 3


@pytest.mark.parametrize("seed", [1, 4])
def test_a_merge_shows_the_numbers_of_the_merged_ledger(tmp_path: Path, seed: int) -> None:
    shape = Shape(seed)
    with closing(Ledger(tmp_path / "shard.sqlite")) as shard, closing(Ledger(tmp_path / "run.sqlite")) as ledger:
        start(shard, shape, 0)
        shard.record_census(SourceCensus(stored(shard)["sources"][0], "digest"))
        shard.flush()
        console, shown_ = Console(file=io.StringIO()), dict[str, tuple[int, ...]]()

        class Live(RunProgress):
            def on_run_ended(self, funnel: Sequence[FunnelRow]) -> None:
                shown_.update(shown(self))
                super().on_run_ended(funnel)

        with Live(console, ProgressMode.off) as progress:
            asyncio.run(LedgerMerge([shard], steps(shape), ledger, progress).run())
        assert shown_ == shown(progress) == stored(ledger)


def test_an_error_before_the_first_step_shows_nothing(tmp_path: Path) -> None:
    console = Console(file=io.StringIO())
    with (
        closing(Ledger(tmp_path / "ledger.sqlite")) as ledger,
        pytest.raises(UsageError),
        RunProgress(console, ProgressMode.plain) as progress,
    ):
        ledger.register_steps(["another"])
        asyncio.run(PipelineRunner().run(steps(Shape(1)), ledger, progress))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""
