"""A small run in a folder, to be killed: ``python small_pipeline.py FOLDER LOG``.

Every step writes what it works on to LOG, one whole line at a time, also when it is killed right after; a line
``asked KEY`` says that the teacher was asked and its reply is in the cache.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import sys
from pathlib import Path

from glotsmith.drop_reasons import Reason
from glotsmith.errors import GlotsmithError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.execution.signals import stopping_on_signals
from glotsmith.records import IoCase, content_hash
from glotsmith.run_folder import RunFolder
from glotsmith.step import BatchStep, Dropped, ItemStep, Kept, Result, SourceStep, WholeStep, drop, keep


class Log:
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def __call__(self, *words):
        os.write(self.file, (" ".join(words) + "\n").encode())


def digit(*parts):
    return int(content_hash(*parts)[:4], 16)


class Source(SourceStep):
    name, output = "source", IoCase

    def __init__(self, log, count, weight):
        self.log, self.count, self.weight = log, count, weight

    async def run(self, done):
        for number in range(self.count):
            unit = f"file{number}"
            if done(unit):
                continue
            self.log("source", unit)
            if digit("bad", unit) % 10 == 0:
                yield unit, drop(Reason.SYNTAX_ERROR, f"line {number}")
                continue
            names = [f"f{digit(unit, str(i)) % (self.count * 4)}" for i in range(digit(unit) % 3 + 1)]
            items = (Kept(name, IoCase(stdin=name + "x" * self.weight, stdout=unit)) for name in names)
            yield unit, Result(kept=tuple(items))
            if number % 10 == 0:
                await asyncio.sleep(0.002)


class Filter(ItemStep):
    name, output = "filter", IoCase

    def __init__(self, log):
        self.log = log

    async def run(self, key, item):
        self.log("filter", key)
        return drop(Reason.TRIVIAL) if digit("filter", key) % 5 == 0 else keep(key, item)


class Ask(ItemStep):
    """The teacher: slow, cached, one to five outputs."""

    name, output = "ask", IoCase

    def __init__(self, log, cache):
        self.log, self.cache = log, cache

    async def run(self, key, item):
        self.log("ask", key)
        lost = (Dropped(Reason.NO_CODE, "no code", f"{key}/lost"),) if digit("lost", key) % 3 == 0 else ()
        if digit("none", key) % 7 == 0:
            return Result(dropped=(*lost, Dropped(Reason.NO_PASSING_SOLUTION)))
        replies = [await self.reply(f"{key}/{i}") for i in range(digit("n", key) % 5 + 1)]
        kept = (Kept(f"{key}/{i}", IoCase(stdin=reply, stdout=key)) for i, reply in enumerate(replies))
        return Result(kept=tuple(kept), dropped=lost, tokens=len(replies), cost=0.1)

    async def reply(self, key):
        cached = self.cache.get("reply", key)
        if cached is None:
            await asyncio.sleep(random.random() / 200)
            cached = f"reply to {key}: {digit(key) % 400}".encode()
            self.cache.put("reply", key, cached)
            self.log("asked", key)
        return cached.decode()


class Check(BatchStep):
    name, output, size = "check", IoCase, 7

    def __init__(self, log):
        self.log = log

    async def run(self, keys, items):
        for key in keys:
            self.log("check", key)
        await asyncio.sleep(random.random() / 200)
        return [
            drop(Reason.TYPE_ERROR) if digit("check", key) % 6 == 0 else keep(key, item)
            for key, item in zip(keys, items, strict=True)
        ]


class Deduplicate(WholeStep):
    name, output = "deduplicate", IoCase

    def run(self, items):
        seen = set()
        for key, item in items():
            text = item.stdin.partition(": ")[2]
            yield key, drop(Reason.EXACT_DUPLICATE, text) if text in seen else keep(key, item)
            seen.add(text)


class Final(Filter):
    name = "final"

    async def run(self, key, item):
        self.log("final", key)
        await asyncio.sleep(0)
        return keep(f"{key}!", IoCase(stdin=item.stdin, stdout="done"))


def dump(ledger):
    """Everything but row numbers, as lines."""
    for step in ledger.steps:
        for row in ledger.kept_rows(step):
            yield json.dumps([step, row.position, row.key, row.parent, (row.data or b"").decode()])
    for row in ledger.dropped_rows():
        yield json.dumps([row.step, row.position, row.key, row.parent, row.status, row.reason, row.detail])
    for row in ledger.funnel():
        yield repr(row)


async def execute(folder, steps):
    runner = PipelineRunner()
    with stopping_on_signals(runner.stop, lambda text: print(text, file=sys.stderr)) as interruption:
        print("begun", flush=True)
        ended = await runner.run(steps, folder.ledger, NoProgress())
    return 0 if ended else interruption.exit_code


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--weight", type=int, default=0, help="bytes that an item carries")
    parser.add_argument("--file-limit", type=int, default=0, help="largest file the process may write, bytes")
    options = parser.parse_args()
    if options.file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_limit, options.file_limit))
    log = Log(options.log)
    config = {"count": options.count, "weight": options.weight}
    try:
        with RunFolder.create_or_resume(options.folder, config) as folder:
            source = Source(log, options.count, options.weight)
            steps = [source, Filter(log), Ask(log, folder.cache), Check(log), Deduplicate(), Final(log)]
            return asyncio.run(execute(folder, steps))
    except GlotsmithError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
