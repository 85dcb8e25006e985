"""Run 10,000 programs in one sandbox and measure leaks and slowdown: ``python benchmarks/soak.py [--programs N]``.

Programs of the given languages (by default those with fork servers) alternate; half of them are wrong, a tenth do not
compile. After each tenth of the programs the script counts descriptors, processes, files and resident memory of this
process and of all workers. It compares the throughput of the last tenth with that of the first. ``--busy 8`` runs
eight endless loops at the same time; all verdicts must still be right.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from glotsmith.languages import get_card
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.languages.render import render_comment
from glotsmith.records import Job, Limits, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.local_sandbox import LocalSandbox
from glotsmith.sandbox.process_tree import walk_tree
from glotsmith.verification import Verifier

KINDS = {"pass": "accepted", "fail:wrong": "wrong", "fail:compile": "broken"}


class State(NamedTuple):
    """The resources in use at one moment."""

    descriptors: int
    processes: int
    own_mb: float
    workers_mb: float
    files: int

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors, {self.processes} processes, {self.own_mb:.0f} MB and in workers "
            f"{self.workers_mb:.0f} MB, {self.files} files"
        )


def state(sandbox: LocalSandbox) -> State:
    tree = list(walk_tree(os.getpid()))
    files = sum(1 for p in sandbox._folders.root.rglob("*") if p.is_file())
    own, rest = tree[0].memory_mb, sum(p.memory_mb for p in tree[1:])
    return State(sum(1 for _ in Path("/proc/self/fd").iterdir()), len(tree), own, rest, files)


def jobs(languages: list[str], count: int) -> list[tuple[Job, str]]:
    made = list[tuple[Job, str]]()
    for number in range(count):
        language = languages[number % len(languages)]
        expect = "fail:compile" if number % 10 == 9 else "fail:wrong" if number % 2 else "pass"
        row = read_proof_rows(language)[KINDS[expect]]
        code = f"{render_comment(get_card(language), f'program {number}')}\n{row.code}"
        made.append(
            (Job(id=str(number), language=language, code=code, signature=row.signature, tests=row.tests), expect)
        )
    return made


async def judge(verifier: Verifier, some: list[tuple[Job, str]]) -> tuple[float, int]:
    """Return programs per second, and the number of wrong verdicts."""
    start, queue = time.perf_counter(), iter(some)

    async def worker() -> int:
        return sum([(await verifier.verify(job)).status != expect for job, expect in queue])

    wrong = sum(await asyncio.gather(*(worker() for _ in range(8))))
    return len(some) / (time.perf_counter() - start), wrong


async def soak(languages: list[str], count: int) -> int:
    sandbox = open_sandbox()
    assert isinstance(sandbox, LocalSandbox)
    verifier, made = Verifier(sandbox), jobs(languages, count)
    await sandbox.run(Program(files={}, argv=("true",), limits=Limits()))
    for language in languages:
        await verifier.verify(
            Job(
                id="first",
                language=language,
                code=read_proof_rows(language)["accepted"].code,
                tests=("assert f(3) == 3",),
            )
        )
    tenth, rest = max(1, count // 10), iter(made)
    rates, wrong, states = list[float](), 0, list[State]()
    for part in iter(lambda: list(islice(rest, tenth)), []):
        rate, bad = await judge(verifier, part)
        rates.append(rate)
        wrong += bad
        states.append(state(sandbox))
        print(f"{rate:7.1f} programs/s  {states[-1]}", flush=True)
    print(f"{count} programs, {wrong} wrong verdicts; last tenth {rates[-1] / rates[0]:.2f} times as fast as the first")
    await sandbox.close()
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=["lua", "python", "ocaml", "r", "perl", "ruby", "php"])
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--busy", type=int, default=0)
    given = parser.parse_args()
    loop = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(loop) for _ in range(given.busy)]
    try:
        return int(asyncio.run(soak(given.languages, given.programs)) > 0)
    finally:
        for busy_loop in loops:
            busy_loop.kill()


if __name__ == "__main__":
    sys.exit(main())
