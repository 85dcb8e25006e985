"""Measure the executor ray with one node on this machine in comparison with the executor local.

    python benchmarks/cluster.py [--languages lua racket] [--programs 600] [--repeats 3]

Both verify the same distinct programs, in turn. The table shows medians in programs per second and the ratio.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from statistics import median

from glotsmith.api.program_services import cluster_options, open_program_services
from glotsmith.records import Job
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


async def rates(executor: str, languages: Sequence[str], count: int, repeats: int) -> dict[str, float]:
    """Return the median of programs per second, by language."""
    found = dict[str, float]()
    async with open_program_services("auto", None, cluster_options(executor), languages) as services:
        verifier = services.verifier()
        for language in languages:
            measured = list[float]()
            for number in range(repeats + 1):  # the first is a warm-up
                programs = jobs(language, count if number else 20, 10**6 * number)
                start = time.perf_counter()
                verdicts = await verify_all(verifier, programs)
                measured.append(len(programs) / (time.perf_counter() - start))
                assert {verdict.status for verdict in verdicts} == {"pass"}
            found[language] = median(measured[1:])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", nargs="+", default=["lua", "racket"], choices=sorted(CODE))
    parser.add_argument("--programs", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    of = {
        name: asyncio.run(rates(name, chosen.languages, chosen.programs, chosen.repeats)) for name in ("local", "ray")
    }
    print(f"{'':10}{'local':>12}{'ray':>12}{'ratio':>8}   (programs per second)")
    for language in chosen.languages:
        local, ray = of["local"][language], of["ray"][language]
        print(f"{language:10}{local:12.0f}{ray:12.0f}{ray / local:8.2f}")


if __name__ == "__main__":
    main()
