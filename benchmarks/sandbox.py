"""Measure the cost of isolation: run ``true`` in each back end and without one.

    python benchmarks/sandbox.py

Compare the ratios of medians within one run. Milliseconds depend on the machine and its load.
"""

import asyncio
import statistics
import subprocess
import time

from glotsmith.errors import IsolationError
from glotsmith.records import Program
from glotsmith.sandbox import BACK_ENDS, open_sandbox

ROUNDS = 200
TRUE = Program(files={"main": ""}, argv=("/bin/true",))


def plain() -> float:
    started = time.perf_counter()
    subprocess.run(["/bin/true"], check=True, capture_output=True)
    return time.perf_counter() - started


async def isolated(name: str) -> list[float]:
    sandbox = open_sandbox(name, jobs=1)
    seconds: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        outcome = await sandbox.run(TRUE)
        seconds.append(time.perf_counter() - started)
        assert outcome.ending == "exit"
    await sandbox.close()
    return seconds


def main() -> None:
    base = statistics.median(plain() for _ in range(ROUNDS))
    print(f"{'plain':12} {base * 1000:6.2f} ms")
    for name in BACK_ENDS:
        try:
            median = statistics.median(asyncio.run(isolated(name)))
        except IsolationError as error:
            print(f"{name:12} does not work here: {error}")
        else:
            print(f"{name:12} {median * 1000:6.2f} ms   {median / base:5.1f} times plain")


if __name__ == "__main__":
    main()
