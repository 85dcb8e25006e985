"""Simulate runs with a pilot: how often the totals of the run lie within the 90 % intervals of the forecast.

    python benchmarks/forecast.py [--runs 200] [--seed 0] [--share 0.05]

The teachers are simulated, and so is time: the event loop advances its clock to the next event instead of waiting.
Each simulated run draws a teacher and sources of its own: 400–1200 functions whose sizes, difficulties and kinds differ
(beta and lognormal), reply lengths with heavy tails, two languages of which one is hard, slots, and programs that
repeat those of other functions. The sample, the pipeline runner, the ledger, the sampling plan, the cache of replies,
what counts the spending, and the forecast are those of ``glotsmith run --estimate``.

The benchmark prints for each quantity how often it lay within its interval, below and above it, the median width of
the intervals and the median error of the predictions. It exits with 1 if one of them holds in fewer than 9 of 10 runs.
"""

import argparse
import asyncio
import random
import selectors
import statistics
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from glotsmith.api.budget_watch import counting_time
from glotsmith.api.forecast import PredictedAmount, forecast
from glotsmith.api.pilot import read_outcomes
from glotsmith.api.run_teachers import reply_recorder
from glotsmith.api.spending import RunSpending
from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.generation.sampling_plan import SamplingEvidence, SamplingPlan
from glotsmith.ledger import Ledger
from glotsmith.records import Example, Function, Lineage, Origin, Record, content_hash
from glotsmith.sources.pilot_sample import sample_pilot
from glotsmith.step import Dropped, ItemStep, Kept, Result, SourceStep, Step, WholeStep, drop, keep
from glotsmith.teachers.base import Message, Reply, Request, Teacher
from glotsmith.teachers.prices import ModelPrice
from glotsmith.teachers.wrappers import CachedTeacher

HARD = "ocaml"
LANGUAGES = ("lua", HARD)
PRICE = ModelPrice(1.0, 4.0, "the benchmark")
MOST_TOKENS = 4096  #: of a reply
GOAL = 0.9


class ClockJumps(selectors.DefaultSelector):
    """A selector that advances a clock instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready."""
        if timeout:
            self.now += timeout
        return super().select(0)


class SimulatedTime(asyncio.SelectorEventLoop):
    """An event loop whose clock advances to the next event at once."""

    def __init__(self) -> None:
        self._clock = ClockJumps()
        super().__init__(self._clock)

    def time(self) -> float:
        """Return the simulated time in seconds."""
        return self._clock.now


class Plan(NamedTuple):
    """The random choices of one run."""

    seed: int
    functions: int
    slots: int
    latency_s: float  #: of 100 tokens
    tail: float  #: standard deviation of the logarithm of the reply lengths
    easy: tuple[float, float]  #: beta distribution of the chance that a program in the easy language passes
    hard: float  #: how much smaller it is in the hard one
    suites: float  #: share of the functions that get a suite
    repeated: float  #: share of the functions whose program many others have, too

    @classmethod
    def draw(cls, seed: int) -> "Plan":
        """Draw a plan."""
        r = random.Random(seed)
        easy = (r.uniform(0.3, 1.5), r.uniform(0.3, 1.5))
        return cls(
            seed,
            round(400 * 3 ** r.random()),
            r.choice((4, 8, 16)),
            r.uniform(0.01, 0.05),
            r.uniform(0.4, 1.4),
            easy,
            r.uniform(0.05, 0.7),
            r.uniform(0.3, 0.9),
            r.choice((0.0, 0.0, 0.2, 0.4)),
        )


class Simulated(Teacher):
    """Answers after a time that grows with the reply, whose length has a heavy tail."""

    name, model, price = "simulated", "m", PRICE

    def __init__(self, plan: Plan) -> None:
        self.fingerprint, self.slots, self._plan = str(plan.seed), plan.slots, plan

    async def reply(self, request: Request) -> Reply:
        """Answer with a length that depends on the request only."""
        draw = random.Random(f"{self._plan.seed} {request.key}")
        inputs = request.prompt_bytes // 4
        outputs = min(MOST_TOKENS, round(draw.lognormvariate(4.6, self._plan.tail)) + 1)
        await asyncio.sleep(self._plan.latency_s * (0.2 + outputs / 100) * draw.uniform(0.7, 1.3))
        return Reply(text="a", input_tokens=inputs, output_tokens=outputs, cost=PRICE.cost(inputs, outputs))

    async def close(self) -> None:
        """Do nothing."""


class Source(SourceStep[Function]):
    """Yields functions of different sizes."""

    name, output = "sources", Function

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Function]]]:
        """Yield the functions, the shortest of which are most frequent."""
        draw = random.Random(self._plan.seed)
        for number in range(self._plan.functions):
            code = f"def f{number}(): pass  # {'x' * min(8000, round(draw.lognormvariate(5.5, 0.9)))}"
            item = Function(id=content_hash(code), name="f", code=code, origin=Origin(source="s", path=str(number)))
            yield str(number), keep(item.id, item)


class SimulatedTask(Record, frozen=True, kw_only=True):
    """A function in a target language."""

    function: Function
    language: str
    passes: float  #: chance that a reply passes
    program: str  #: what passes; other functions may have it, too


class RequestStep(ItemStep[Any, Any]):
    """A step that sends requests."""

    concurrency = 32

    def __init__(self, plan: Plan, teacher: Teacher) -> None:
        self._plan, self._teacher = plan, teacher

    async def request(self, call: str, key: str, text: str, language: str, samples: range) -> list[Reply]:
        """Send requests at once."""
        sent = [
            Request(
                call=call,
                item=key,
                sample=sample,
                messages=(Message(role="user", content=f"{call} {language} {text}"),),
                context={"language": language} if language else {},
            )
            for sample in samples
        ]
        return list(await asyncio.gather(*map(self._teacher.reply, sent)))


class WriteSuites(RequestStep):
    """Requests five suites, and makes a task for each language; some functions get none."""

    name, output = "write_tests", SimulatedTask

    async def run(self, key: str, item: Function) -> Result[SimulatedTask]:
        """Ask for the suites of one function."""
        draw, plan = random.Random(f"{self._plan.seed} {key}"), self._plan
        await self.request("write_tests", key, item.code, "", range(5))
        long = len(item.code) > 1000  # a long function gets a suite less often
        if draw.random() > plan.suites * (0.5 if long else 1.0):
            return drop(Reason.NO_TESTS)  # type: ignore[return-value]
        chance = draw.betavariate(*plan.easy)
        program = f"common {int(draw.paretovariate(0.5)) % 500}" if draw.random() < plan.repeated else key
        kept = [
            Kept(
                f"{key}:{language}",
                SimulatedTask(
                    function=item,
                    language=language,
                    passes=chance * (plan.hard if language == HARD else 1.0),
                    program=program,
                ),
            )
            for language in LANGUAGES
        ]
        return Result(kept=tuple(kept))


class Sample(RequestStep):
    """Requests programs by the sampling plan of the project; each passes with the chance of its task."""

    name, output = "translate", Example
    _sampling = SamplingPlan()

    async def run(self, key: str, item: SimulatedTask) -> Result[Example]:
        """Ask until there are enough programs, or no hope."""
        draw = random.Random(f"{self._plan.seed} {key}")
        requested = failed = 0
        passed = list[str]()
        rule = self._sampling.rule(key)
        while isinstance(count := rule.next_round(item.language, evidence(requested, failed, passed)), int):
            samples = range(requested, requested + count)
            await self.request("translate", key, item.function.code, item.language, samples)
            outcomes = [draw.random() < item.passes for _ in samples]
            requested, failed = requested + count, failed + outcomes.count(False)
            passed += [f"{item.program} {draw.randrange(3)}" for passes in outcomes if passes]
            passed = list(dict.fromkeys(passed))
        if not passed:
            return drop(Reason.NO_PASSING_SOLUTION)  # type: ignore[return-value]
        return Result(kept=tuple(Kept(f"{key}:{n}", example(item, one)) for n, one in enumerate(passed)))


def evidence(requested: int, failed: int, passed: Sequence[str]) -> SamplingEvidence:
    """Return what the sampling plan of the project reads."""
    return SamplingEvidence(requested=requested, failures=failed, programs=len(passed))


def example(task: SimulatedTask, program: str) -> Example:
    return Example(
        id="",
        parallel_id=task.function.id,
        language=task.language,
        name="f",
        messages=(),
        prompt="",
        completion=program,
        source="",
        origin=task.function.origin,
        lineage=Lineage(teacher="simulated"),
    )


class DropRepeated(WholeStep[Example, Example]):
    """Drops programs that an earlier function has, in the words of the deduplication of the project."""

    name, output = "deduplicate_solutions", Example

    def run(self, items: Callable[[], Iterator[tuple[str, Example]]]) -> Iterator[tuple[str, Result[Example]]]:
        """Keep the first of equal programs of a language."""
        first = dict[tuple[str, str], str]()
        for key, item in items():
            earlier = first.setdefault((item.language, item.completion), key)
            lost = Dropped(Reason.EXACT_DUPLICATE, f"the same as {earlier}")
            yield key, keep(key, item) if earlier == key else Result(dropped=(lost,))


class Replies:
    """A store of replies in memory."""

    def __init__(self) -> None:
        self._values = dict[tuple[str, str], bytes]()

    def get(self, kind: str, key: str) -> bytes | None:
        """Return a value."""
        return self._values.get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Store a value."""
        self._values[kind, key] = value


async def run(plan: Plan, ledger: Ledger, replies: Replies, share: float) -> None:
    """Run to the end; a share below 1 makes a pilot."""
    loop, runner, teacher = asyncio.get_running_loop(), PipelineRunner(), Simulated(plan)
    ledger.exchanges.create_tables()
    spending = RunSpending((), ledger, teacher, runner.finish_early, LANGUAGES)
    cached = CachedTeacher(teacher, replies, reply_recorder(ledger, loop.time), spending)
    steps: list[Step[Any, Any]] = [Source(plan), WriteSuites(plan, cached), Sample(plan, cached), DropRepeated()]
    if share < 1:
        steps.insert(1, sample_pilot(share, Function))
    async with counting_time(spending, every_s=0.5, now=loop.time):
        await runner.run(steps, ledger, NoProgress())
    await cached.close()


def in_simulated_time(plan: Plan, replies: Replies, share: float) -> Ledger:
    ledger = Ledger(Path(":memory:"))
    with asyncio.Runner(loop_factory=SimulatedTime) as runner:
        runner.run(run(plan, ledger, replies, share))
    return ledger


def totals(ledger: Ledger) -> Mapping[str, float]:
    """Return the quantities of a finished run."""
    found = ledger.exchanges.total_costs()
    assert found is not None, "the run sent requests"
    costs = found[0] + found[1]
    rows = [row.language for _, row in ledger.kept_items(ledger.steps[-1], Example)]
    by_language = {f"rows of {language}": float(rows.count(language)) for language in LANGUAGES}
    return {
        "requests": costs.requests,
        "tokens": costs.tokens,
        "US dollars": costs.cost,
        "hours": ledger.exchanges.run_seconds() / 3600,
        "rows": len(rows),
        **by_language,
        "US dollars for a row": costs.cost / len(rows) if rows else float("inf"),
    }


class Held(NamedTuple):
    """Whether a prediction held."""

    within: bool
    below: bool  #: the total is below the interval
    width: float  #: of the interval / the total
    error: float  #: of the prediction / the total


def compare(predicted: PredictedAmount | None, actual: float) -> Held:
    """Compare a prediction with what the run did."""
    assert predicted is not None, "it can be predicted"
    low = predicted.low if predicted.low is not None else float("inf")
    high = predicted.high if predicted.high is not None else float("inf")
    value = predicted.value if predicted.value is not None else float("inf")
    slack = 1e-9 * (1 + abs(actual)) if actual < float("inf") else 0.0
    within = low - slack <= actual <= high + slack
    return Held(
        within,
        actual < low - slack,
        (high - low) / actual if actual else 0.0,
        abs(value / actual - 1) if actual else 0.0,
    )


def simulate(seed: int, share: float) -> Mapping[str, Held]:
    """Make a pilot, predict, run, and compare."""
    plan, replies = Plan.draw(seed), Replies()
    with closing(in_simulated_time(plan, replies, share)) as pilot:
        predicted = forecast("simulated", read_outcomes(pilot), LANGUAGES)
    with closing(in_simulated_time(plan, replies, 1.0)) as full:
        actual = totals(full)
    amounts = {
        "requests": predicted.requests,
        "tokens": predicted.tokens,
        "US dollars": predicted.cost,
        "hours": predicted.hours_left,
        "rows": predicted.rows,
        **{f"rows of {language}": predicted.languages[language] for language in LANGUAGES},
        "US dollars for a row": predicted.cost_per_row,
    }
    return {name: compare(amount, actual[name]) for name, amount in amounts.items()}


def report(found: Sequence[Mapping[str, Held]]) -> bool:
    """Print the coverage of each quantity; return whether all reach the goal."""
    print(f"{counted(len(found), 'simulated run')}; of the 90 % intervals:")
    by_quantity = defaultdict[str, list[Held]](list)
    for one in found:
        for name, held in one.items():
            by_quantity[name].append(held)
    reached = True
    for name, held in by_quantity.items():
        share = statistics.fmean(h.within for h in held)
        reached &= share >= GOAL
        below = statistics.fmean(h.below for h in held)
        width, error = (statistics.median(getattr(h, field) for h in held) for field in ("width", "error"))
        print(
            f"{name:22} held in {share:.1%} (total below {below:.1%}, above {1 - share - below:.1%}), "
            f"median width {width:.0%} of the total, median error of the prediction {error:.0%}"
        )
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.05, help="share of the functions in the pilot")
    parser.add_argument("--json", action="store_true", help="print each comparison")
    given = parser.parse_args()
    found = list[Mapping[str, Held]]()
    for number in range(given.runs):
        found.append(simulate(given.seed + number, given.share))
        if given.json:
            print(msgspec.json.encode(found[-1]).decode(), flush=True)
    return int(not report(found))


if __name__ == "__main__":
    sys.exit(main())
