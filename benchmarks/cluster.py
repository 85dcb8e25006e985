"""Measure the executor ray with one node on this machine in comparison with the executor local.

    python benchmarks/cluster.py [--languages lua racket] [--programs 600] [--repeats 3]

Both verify the same distinct programs, in turn: passes alternate, so that other load affects both. The table shows
medians in programs per second, the median of the ratios of consecutive passes, and the CPU time of this process (the
process of a run) for each program on the cluster.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from statistics import median
from typing import NamedTuple

from glotsmith.api.program_services import EXECUTORS, cluster_options, open_program_services
from glotsmith.records import Job
from glotsmith.verification import Verifier
from glotsmith.verification.verifier import verify_all

CODE = {
    "lua": "local function f(x)\n  return x + {number}\nend\n",
    "racket": "#lang racket\n(define (f x)\n  (+ x {number}))\n",
    "python": "def f(x):\n    return x + {number}\n",
}


def jobs(language: str, count: int, start: int) -> list[Job]:
    """Return distinct correct programs, so that no verdict is shared."""
    numbers = range(start, start + count)
    return [
        Job(id=str(n), language=language, tests=(f"assert f(1) == {1 + n}",), code=CODE[language].format(number=n))
        for n in numbers
    ]


class Pass(NamedTuple):
    """The figures of one pass."""

    rate: float  #: programs per second
    cpu_ms: float  #: CPU time of this process for each program


async def measure(languages: Sequence[str], programs: int, repeats: int) -> dict[tuple[str, str], list[Pass]]:
    """Return the passes by language and executor; the executors alternate, each with a sandbox of its own."""
    found = dict[tuple[str, str], list[Pass]]()
    async with AsyncExitStack() as stack:
        verifiers = dict[str, Verifier]()
        for name in EXECUTORS:
            services = open_program_services("auto", None, cluster_options(name), languages)
            verifiers[name] = (await stack.enter_async_context(services)).verifier()
        for language in languages:
            for verifier in verifiers.values():
                await verify_all(verifier, jobs(language, 20, 0))  # a warm-up
            for number in range(repeats):
                for executor, verifier in verifiers.items():
                    chosen = jobs(language, programs, 10**6 * (number + 1))
                    found.setdefault((language, executor), []).append(await measure_pass(verifier, chosen))
    return found


async def measure_pass(verifier: Verifier, chosen: Sequence[Job]) -> Pass:
    start = time.perf_counter(), time.process_time()
    verdicts = await verify_all(verifier, chosen)
    seconds, cpu_s = time.perf_counter() - start[0], time.process_time() - start[1]
    assert {verdict.status for verdict in verdicts} == {"pass"}
    return Pass(len(chosen) / seconds, 1e3 * cpu_s / len(chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", nargs="+", default=["lua", "racket"], choices=sorted(CODE))
    parser.add_argument("--programs", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    found = asyncio.run(measure(chosen.languages, chosen.programs, chosen.repeats))
    print(f"{'':10}{'local':>12}{'ray':>12}{'ratio':>8}{'CPU ms':>8}   (medians of {chosen.repeats})")
    for language in chosen.languages:
        local, ray = (found[language, executor] for executor in EXECUTORS)
        ratio = median(b.rate / a.rate for a, b in zip(local, ray, strict=True))
        rates, cpu = (median(each.rate for each in passes) for passes in (local, ray)), median(p.cpu_ms for p in ray)
        print(f"{language:10}{''.join(f'{rate:12.0f}' for rate in rates)}{ratio:8.2f}{cpu:8.2f}")


if __name__ == "__main__":
    main()
