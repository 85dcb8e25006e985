"""Steps that do little, and how the contract of pipeline runners runs them."""

import asyncio

from glotsmith.drop_reasons import Reason
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.records import IoCase
from glotsmith.step import BatchStep, ItemStep, SourceStep, WholeStep, drop, keep

TIMEOUT_S = 60


def case(text):
    return IoCase(stdin=str(text), stdout="")


class Numbers(SourceStep):
    """Units 0, 1, …, each kept as it is."""

    name, output = "numbers", IoCase

    def __init__(self, count, after=None):
        self.count, self.after, self.yielded = count, after, []

    async def run(self, done):
        for number in range(self.count):
            if not done(f"unit {number}"):
                self.yielded.append(number)
                yield f"unit {number}", keep(str(number), case(number))
        if self.after:
            await self.after()


class Each(ItemStep):
    """A function as a step; what it was called with is in ``seen``."""

    output = IoCase

    def __init__(self, name, function=None, concurrency=8):
        self.name, self.concurrency, self.seen = name, concurrency, []
        self.function = function or self.same

    @staticmethod
    async def same(key, item):
        return keep(key, item)

    async def run(self, key, item):
        self.seen.append(key)
        return await self.function(key, item)


class Batches(BatchStep):
    name, output = "batches", IoCase

    def __init__(self, size, short=0):
        self.size, self.sizes, self.short = size, [], short

    async def run(self, keys, items):
        self.sizes.append(len(keys))
        await asyncio.sleep(0)
        return [keep(key, item) for key, item in zip(keys, items, strict=True)][self.short :]


class Evens(WholeStep):
    """Keeps even numbers, reading everything twice, the second time backwards."""

    name, output = "evens", IoCase

    def __init__(self, forget=0):
        self.forget, self.seen = forget, []

    def run(self, items):
        self.seen = [key for key, _ in items()]
        for key, item in reversed(list(items())[self.forget :]):
            yield key, keep(key, item) if int(key) % 2 == 0 else drop(Reason.NEAR_DUPLICATE)


def run(steps, ledger, progress=None, stopping=None):
    async def execute():
        runner = PipelineRunner()
        if stopping is not None:
            stopping.append(runner.stop)
        return await asyncio.wait_for(runner.run(steps, ledger, progress or NoProgress()), TIMEOUT_S)

    return asyncio.run(execute())


def kept(ledger, step):
    return [key for key, _ in ledger.kept_items(step, IoCase)]


def taken(ledger):
    return {row.step: row.taken for row in ledger.funnel()}
