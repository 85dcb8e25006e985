"""Measure the overhead of the engine per source item, without teacher and programs, for a pipeline of eight steps.

    python benchmarks/engine.py [--items 10000 100000] [--repeats 3]
    python benchmarks/engine.py --items 10000 1000000 --interleaved

The eight async item steps pass on a record of about 1 kB: the fifth step makes two items of one, the others keep each
item. The kind ``plain`` is a loop that encodes the same rows as JSON and inserts each one into SQLite. Each measurement
is a new process. The table shows medians.

With ``--interleaved``, one run of the largest number of items is paused every minute, and a run of the smallest number
is measured. So both see the same changes of a machine that others use, too. The ratio is that of the CPU times.
"""

import argparse
import asyncio
import json
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec

from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.ledger import Ledger
from glotsmith.records import Function, Origin, Record, content_hash
from glotsmith.step import ItemStep, Kept, Result, SourceStep, keep

STEPS = 8
SPLITS = 5  #: the step that makes two of one


def function(number: int) -> Function:
    code = f"def f{number}(x):\n" + "    x = x + 1  # some line of code\n" * 25 + "    return x\n"
    origin = Origin(source="benchmark", path=f"{number}.py")
    return Function(id=content_hash(code), name=f"f{number}", code=code, docstring="Adds.", origin=origin)


class Source(SourceStep[Function]):
    """Generates functions, so that no file is read."""

    name, output = "source", Function

    def __init__(self, count: int) -> None:
        self.count = count

    async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Function]]]:
        """Yield ``count`` units of one function each."""
        for number in range(self.count):
            item = function(number)
            yield f"unit {number}", keep(item.id, item)


class Pass(ItemStep[Function, Function]):
    """Passes on an item once or twice."""

    output = Function

    def __init__(self, number: int) -> None:
        self.name = f"step {number}"  # pyright: ignore[reportAttributeAccessIssue]
        self.split = number == SPLITS

    async def run(self, key: str, item: Function) -> Result[Function]:
        """Yield to the event loop once, and keep the item."""
        await asyncio.sleep(0)
        if not self.split:
            return keep(key, item)
        return Result(kept=tuple(Kept(f"{key}:{n}", item) for n in range(2)), tokens=10, cost=0.001)


def engine(folder: Path, count: int) -> None:
    ledger = Ledger(folder / "ledger.sqlite")
    steps = [Source(count), *(Pass(number) for number in range(1, STEPS + 1))]
    if not asyncio.run(PipelineRunner().run(steps, ledger, NoProgress())):
        raise SystemExit("The run did not finish.")
    last = ledger.funnel()[-1]
    ledger.close()
    assert last.taken == last.made == 2 * count, last


def rows(count: int) -> Iterator[tuple[int, str, Record]]:
    """Yield the rows that the engine writes: those of the source and of each step."""
    for number in range(count):
        item = function(number)
        for step in range(STEPS + 1):
            for copy in range(2 if step >= SPLITS else 1):
                yield step, f"{item.id}:{copy}", item


def plain(folder: Path, count: int) -> None:
    connection = sqlite3.connect(folder / "plain.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE items (step INTEGER, key TEXT, data BLOB, PRIMARY KEY (step, key))")
    encode = msgspec.json.Encoder().encode
    for index, (step, key, item) in enumerate(rows(count)):
        connection.execute("INSERT INTO items VALUES (?, ?, ?)", (step, key, encode(item)))
        if index % 256 == 0:
            connection.commit()
    connection.commit()
    connection.close()


KINDS = {"engine": engine, "plain": plain}


def measure(kind: str, count: int) -> dict[str, float]:
    """Run one kind in a new process; return seconds, and peak memory and disk space in MB."""
    command = [sys.executable, __file__, "--only", kind, "--items", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def interleave(small: int, large: int, pause_s: float) -> None:
    """Compare the CPU time for an item of a large run with that of small ones, for which the large one is paused."""
    command = [sys.executable, __file__, "--only", "engine", "--items", str(large)]
    found = list[dict[str, float]]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while True:
            try:
                output, _ = process.communicate(timeout=pause_s)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGSTOP)
                found.append(measure("engine", small))
                process.send_signal(signal.SIGCONT)
    big, median = json.loads(output), statistics.median(each["cpu"] for each in found)
    times = big["cpu"] / large * 1000, median / small * 1000
    print(f"{large} items: {times[0]:.3f} ms CPU an item, peak {big['memory']:.0f} MB, disk {big['disk']:.0f} MB")
    print(f"{small} items: {times[1]:.3f} ms CPU an item (median of {len(found)}); ratio {times[0] / times[1]:.2f}")


def only(kind: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter(), time.process_time()
        KINDS[kind](Path(folder), count)
        wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        disk = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "memory": memory, "disk": disk}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000], help="source items")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--interleaved", action="store_true", help="pause the largest run for the smallest one")
    parser.add_argument("--pause", type=float, default=60.0, help="seconds between two pauses")
    parser.add_argument("--only", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        only(options.only, options.items[0])
        return
    if options.interleaved:
        interleave(min(options.items), max(options.items), options.pause)
        return
    print(f"{'items':>8} {'':>8} {'ms/item':>8} {'CPU ms/item':>12} {'peak MB':>8} {'disk MB':>8}")
    for count in options.items:
        runs = {kind: [measure(kind, count) for _ in range(options.repeats)] for kind in KINDS}
        for kind, figures in runs.items():
            median = {name: statistics.median(run[name] for run in figures) for name in figures[0]}
            wall, cpu = 1000 * median["wall"] / count, 1000 * median["cpu"] / count
            print(f"{count:>8} {kind:>8} {wall:>8.3f} {cpu:>12.3f} {median['memory']:>8.1f} {median['disk']:>8.1f}")


if __name__ == "__main__":
    main()
