"""Simulate runs with a budget that are killed and resumed: what a server charged, beside the limit.

    python benchmarks/budget.py [--runs 200] [--seed 0]

Each run is a process that asks a simulated server for replies. It is killed with SIGKILL at random moments and started
again, until a budget ends it; then it resumes with a larger budget, and at last without one. The server writes a line
for each request when it arrives, and charges for it from then on, also if the process is killed. Latencies, token
counts, slots, kinds of budgets and moments of kills are random. The step, the pipeline runner, the run folder, the
cache, the ledger and what bounds the spending are those of ``glotsmith run``.

The benchmark prints by how much a limit was exceeded, in requests for each slot, and how often a request was sent again
whose reply was stored. It exits with 1 if a limit was exceeded by more than one request for each slot.
"""

import argparse
import asyncio
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from glotsmith.api.run_teachers import reply_recorder
from glotsmith.api.spending import RunSpending
from glotsmith.budget import BudgetLimit, BudgetUnit, parse_budget
from glotsmith.counts import counted
from glotsmith.errors import BudgetError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.records import Function, Origin, content_hash
from glotsmith.run_folder import RunFolder
from glotsmith.step import ItemStep, Result, SourceStep, keep
from glotsmith.teachers.base import Message, Reply, Request, Sampling, Teacher
from glotsmith.teachers.prices import ModelPrice
from glotsmith.teachers.wrappers import CachedTeacher

LANGUAGES = ("lua", "ocaml")
MOST_TOKENS = 200  #: of a reply
PRICE = ModelPrice(1.0, 4.0, "the benchmark")
DONE, REACHED = 0, 4


class Plan(NamedTuple):
    """The random choices of one run."""

    seed: int
    items: int
    slots: int
    latency_s: float  #: mean
    kills: int
    limits: tuple[str, ...]  #: of the first budget

    @classmethod
    def draw(cls, seed: int) -> "Plan":
        """Draw a plan; the limit is about half of what the run costs."""
        r = random.Random(seed)
        items = r.randint(20, 60)
        share = r.uniform(0.2, 0.7)
        tokens = items * 3 * 150 * share
        dollars = tokens * 3 / 1e6
        kinds = [(f"{dollars:.6f}usd",), (f"{tokens:.0f}tok",), (f"{dollars:.6f}usd", f"{tokens:.0f}tok")]
        kinds += [(f"ocaml={tokens / 2:.0f}tok",), (f"lua={dollars / 2:.6f}usd", f"ocaml={tokens / 2:.0f}tok")]
        return cls(seed, items, r.randint(1, 12), r.uniform(0.0005, 0.006), r.randint(0, 4), r.choice(kinds))


class Server(Teacher):
    """Answers after a random latency, and writes a line when a request arrives and when its reply is stored."""

    name, model, price = "simulated", "m", PRICE

    def __init__(self, plan: Plan, log: Path) -> None:
        self.fingerprint = str(plan.seed)
        self.slots = plan.slots
        self._plan = plan
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, *words: object) -> None:
        """Write a line, whole, also if the process is killed right after."""
        os.write(self._log, (" ".join(map(str, words)) + "\n").encode())

    async def reply(self, request: Request) -> Reply:
        """Charge for a request, and answer it."""
        draw = random.Random(f"{request.key}")
        inputs, outputs = request.prompt_bytes // 4, draw.randint(10, MOST_TOKENS)
        cost = PRICE.cost(inputs, outputs)
        self.note("sent", self.address(request), request.context["language"], inputs + outputs, cost)
        await asyncio.sleep(random.expovariate(1 / self._plan.latency_s))
        return Reply(text="a", input_tokens=inputs, output_tokens=outputs, cost=cost)

    async def close(self) -> None:
        """Do nothing."""


class Source(SourceStep[Function]):
    """Yields a number of functions."""

    name, output = "source", Function

    def __init__(self, count: int) -> None:
        self._count = count

    async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Function]]]:
        """Yield functions of different lengths."""
        for number in range(self._count):
            code = f"def f{number}(): pass  # {'x' * (number * 37 % 400)}"
            item = Function(id=content_hash(code), name="f", code=code, origin=Origin(source="s", path=str(number)))
            yield str(number), keep(item.id, item)


class Ask(ItemStep[Function, Function]):
    """Asks the teacher about each function."""

    name, output, concurrency = "ask", Function, 16

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher

    async def run(self, key: str, item: Function) -> Result[Function]:
        """Ask three times in each language about one item, at once."""
        requests = [
            Request(
                call="translate",
                item=key,
                sample=sample,
                messages=(Message(role="user", content=item.code),),
                sampling=Sampling(max_tokens=MOST_TOKENS),
                context={"language": language},
            )
            for language in LANGUAGES
            for sample in range(3)
        ]
        requests = [r for r in requests if r.context["language"] == LANGUAGES[int(key[:4], 16) % 2]]
        replies = await asyncio.gather(*(self._teacher.reply(request) for request in requests))
        return Result(kept=keep(key, item).kept, tokens=sum(r.output_tokens for r in replies))


async def live(plan: Plan, folder: Path, limits: Sequence[BudgetLimit]) -> int:
    """Run once, to the end or to a limit; return the exit code."""
    with RunFolder.create_or_resume(folder / "run", {"seed": plan.seed}) as run:
        run.ledger.exchanges.create_tables()
        server, runner = Server(plan, folder / "log"), PipelineRunner()
        spending = RunSpending(limits, run.ledger, server, runner.finish_early, LANGUAGES)
        cached = CachedTeacher(server, run.cache, reply_recorder(run.ledger), spending)
        put = run.cache.put

        def put_and_note(kind: str, key: str, value: bytes) -> None:
            put(kind, key, value)
            if kind == "reply":
                server.note("stored", key)

        run.cache.put = put_and_note
        try:
            await runner.run([Source(plan.items), Ask(cached)], run.ledger, NoProgress())
        except BudgetError:
            await cached.wait_in_flight()
            return REACHED
        finally:
            await cached.close()
        return DONE


def start(plan: Plan, folder: Path, limits: Sequence[BudgetLimit], life_s: float | None) -> int | None:
    """Run in a process of its own; kill it after ``life_s``. Return its exit code, None if it was killed."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = asyncio.run(live(plan, folder, limits))
        finally:
            os._exit(code)
    if life_s is not None:
        time.sleep(life_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


class Charged(NamedTuple):
    """What a server charged."""

    tokens: dict[str, int]  #: by language; "" for all
    cost: dict[str, float]
    again: int  #: requests that were sent again after their reply was stored
    distinct: int  #: distinct requests

    @classmethod
    def read(cls, log: Path) -> "Charged":
        """Read the log of a server."""
        tokens, cost = dict.fromkeys(("", *LANGUAGES), 0), dict.fromkeys(("", *LANGUAGES), 0.0)
        stored, sent, again = set[str](), set[str](), 0
        for line in log.read_text().splitlines() if log.exists() else []:
            kind, address, *rest = line.split()
            if kind == "stored":
                stored.add(address)
                continue
            again += address in stored
            sent.add(address)
            for scope in ("", rest[0]):
                tokens[scope] += int(rest[1])
                cost[scope] += float(rest[2])
        return cls(tokens, cost, again, len(sent))

    def excess(self, limit: BudgetLimit, slots: int) -> float:
        """Return by how much the largest requests, one for each slot, a limit was exceeded; 1 is the most allowed."""
        largest = 420 // 4 + MOST_TOKENS
        if limit.unit == BudgetUnit.usd:
            return (self.cost[limit.language] - limit.amount) / (slots * PRICE.cost(420 // 4, MOST_TOKENS))
        return (self.tokens[limit.language] - limit.amount) / (slots * largest)


class Outcome(NamedTuple):
    """The outcome of one simulated run."""

    excess: float  #: of the limits, in requests for each slot; at most 1
    unused: float  #: share of the tightest limit that was not spent when the budget ended the run
    again: int
    reached: int  #: how often a budget ended the run
    kills: int
    complete: bool  #: the run ended without a budget, and every request was answered


def simulate(seed: int) -> Outcome:
    """Run, kill and resume once."""
    plan, moments = Plan.draw(seed), random.Random(-seed - 1)
    first = parse_budget(plan.limits, str)
    budgets = [first, tuple(limit._replace(amount=limit.amount * 1.3) for limit in first), ()]
    excess, unused, reached, kills = -1.0, 0.0, 0, 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        code: int | None = None
        for limits in budgets:
            for _ in range(plan.kills):
                if start(plan, folder, limits, moments.uniform(0.01, 0.12)) is not None:
                    break
                kills += 1
            code = start(plan, folder, limits, None)
            charged = Charged.read(folder / "log")
            excess = max([excess, *(charged.excess(limit, plan.slots) for limit in limits)])
            if code == REACHED:
                reached += 1
                spent = {BudgetUnit.usd: charged.cost, BudgetUnit.tokens: charged.tokens}
                unused = max(unused, min(1 - spent[one.unit][one.language] / one.amount for one in limits))
        complete = code == DONE and charged.distinct == 3 * plan.items
    return Outcome(excess, unused, charged.again, reached, kills, complete)


def report(outcomes: Iterable[Outcome]) -> bool:
    """Print the figures; return whether all limits held."""
    found = list(outcomes)
    excesses = [one.excess for one in found if one.reached]
    kills, reached = sum(one.kills for one in found), sum(one.reached for one in found)
    print(f"{counted(len(found), 'run')}, {kills} kills, {reached} budgets reached")
    print(f"complete without a budget: {sum(one.complete for one in found)}")
    print(f"requests sent again after their reply was stored: {sum(one.again for one in found)}")
    median = statistics.median(excesses)
    print(f"excess over a limit, in requests for each slot: most {max(excesses):.2f}, median {median:.2f}")
    print(f"share of a limit left when it ended a run: most {max(one.unused for one in found):.2f}")
    return max(excesses) <= 1 and all(one.complete and not one.again for one in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    return int(not report(simulate(given.seed + number) for number in range(given.runs)))


if __name__ == "__main__":
    sys.exit(main())
