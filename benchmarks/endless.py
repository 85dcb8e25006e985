"""How long does a sleeping program with seven cases occupy us? Seconds by the clock, in each language.

The program sleeps, or waits where a language has no function that sleeps. The toolchain is calibrated and its warm
worker has started before; the time without the compilation is that of the program minus that of one that returns at
once. The exit code is 1 if a program takes 4 s or more, or has another verdict than ``fail:timeout``.

    python benchmarks/endless.py [LANGUAGE…]
"""

import argparse
import asyncio
import time

from glotsmith.errors import ToolchainError
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Job, Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.verification import Verifier

MOST_S = 4.0
TESTS = tuple(f"assert f({x}) == {x}" for x in (3, -2, 0, 7, 11, 5, 2))
SLEEPING = {
    "scala": "object Problem { def f(x: Long): Long = { Thread.sleep(1000000); x } }",
    "kotlin": "fun f(x: Long): Long { Thread.sleep(1000000); return x }",
    "java": "class Problem { static long f(long x) throws Exception { Thread.sleep(1000000); return x; } }",
    "go": 'import "time"\n\nfunc f(x int) int { time.Sleep(time.Hour); return x }',
    "racket": "(define (f x) (sleep 1000) x)",
    "haskell": (
        "import Control.Concurrent\nimport System.IO.Unsafe\n\nf :: Int -> Int\n"
        "f x = unsafePerformIO (threadDelay 1000000000 >> return x)"
    ),
    "cpp": "#include <unistd.h>\nlong f(long x) { sleep(1000); return x; }",
    "julia": "f(x) = (sleep(1000); x)",
    "nim": "import std/os\nproc f(x: int): int =\n  sleep(1000000)\n  x",
    "elixir": "defmodule P do\n  def f(x) do\n    Process.sleep(1000000)\n    x\n  end\nend",
    "lua": "function f(x) os.execute('sleep 1000') return x end",
    "ocaml": 'let f x = ignore (Sys.command "sleep 1000"); x',
    "r": "f <- function(x) { Sys.sleep(1000); x }",
    "python": "import time\ndef f(x):\n    time.sleep(1000)\n    return x",
}


async def timed(verifier: Verifier, language: str, code: str) -> tuple[float, Verdict]:
    begun = time.perf_counter()
    job = Job(id="x", language=language, code=code, signature="def f(x: int) -> int", tests=TESTS)
    verdict = await verifier.verify(job)
    return time.perf_counter() - begun, verdict


async def measure(languages: list[str]) -> int:
    sandbox, late = open_sandbox(jobs=1), 0
    verifier = Verifier(sandbox)
    for language in languages:
        try:
            quick = read_proof_rows(language)["accepted"].code
            await timed(verifier, language, quick)  # calibrates, and starts the worker
            at_once, _ = await timed(verifier, language, f"{quick}\n")
            seconds, verdict = await timed(verifier, language, SLEEPING[language])
        except ToolchainError as error:
            print(f"{language:11} not here: {error}")
            continue
        wrong = seconds - at_once >= MOST_S or verdict.status != "fail:timeout"
        late += wrong
        print(
            f"{language:11} {seconds:5.1f} s, {seconds - at_once:5.1f} s more than a program that returns at once: "
            f"{verdict.status}, {verdict.detail[:4]}, {sum(c.status == 'skipped' for c in verdict.cases)} of "
            f"{len(TESTS)} cases skipped{' LATE' if wrong else ''}",
            flush=True,
        )
    await sandbox.close()
    return late


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=list(SLEEPING))
    return int(asyncio.run(measure(list(parser.parse_args().languages))) > 0)


if __name__ == "__main__":
    raise SystemExit(main())
