"""Verdicts a second on candidates as models write them, beside ``bounded-subprocess``, the same programs in one run.

Of 100 candidates 35 are right, 35 are wrong, 10 do not compile, 8 raise, 5 never end, 3 sleep or wait, 2 need too much
memory and 2 print without end (``candidates.toml``; for small numbers the nearest mix with one of each kind). They have
the CPU limit that follows from the shortest Python original, and end at their first failing case, as in a recipe. No
candidate equals another, so that nothing is answered from memory. "Clean" are the right and wrong programs alone, as
many. The peer is ``bounded-subprocess`` as MultiPL-E calls it: 15 s for each program, two threads.

A sleeping program takes some seconds of the clock, so a short run says little about a long one: --peer-programs lets
the peer judge a smaller mix with the same shares, while glotsmith judges many.

    python benchmarks/candidates.py [LANGUAGE…] [--programs 100] [--peer-programs 100]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import msgspec
from bounded_subprocess import run as bounded_run

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.reference_limits import ReferenceLimits, round_reference
from glotsmith.languages.render import render_comment
from glotsmith.records import Job
from verification import JOBS, PEERS, BenchmarkProgram, GlotsmithRunner, assertions, programs

TIMEOUT_S = 15
LANGUAGES = ("ocaml", "racket", "r", "julia", "lua", "python", "javascript", "java")
SHARES = {"pass": 35, "wrong": 35, "broken": 10, "raises": 8, "endless": 5, "waits": 3, "memory": 2, "output": 2}
TIME = "fail:timeout"
#: kind → accepted statuses; a hog may reach its CPU limit first
STATUSES = {
    "pass": ("pass",),
    "wrong": ("fail:wrong", "fail:runtime", TIME),
    "broken": ("fail:compile",),
    "raises": ("fail:runtime",),
    "endless": (TIME,),
    "waits": (TIME,),
    "memory": ("fail:memory", "fail:runtime", "fail:wrong", TIME),
    "output": ("fail:output", TIME),
}
BAD = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
SIGNATURE = "def f(x: int) -> int"
TESTS = tuple(f"assert f({x}) == {x}" for x in (3, -2, 0, 7, 11, 5, 2))


class MixFigures(NamedTuple):
    """Programs a second, and wrong verdicts."""

    clean: float
    mix: float
    peer: float
    wrong: int
    peer_wrong: int


def numbers_of_kinds(count: int) -> dict[str, int]:
    """Return how many candidates of each kind there are among ``count``: at least one."""
    found = {kind: max(1, round(share * count / 100)) for kind, share in SHARES.items()}
    found["pass"] += count - sum(found.values())
    return found


def bad_programs(language: str, kinds: dict[str, int]) -> list[BenchmarkProgram]:
    """Return the candidates that do not end well."""
    made = list[BenchmarkProgram]()
    for kind in ("raises", "endless", "waits", "memory", "output"):
        names = cycle(("sleeps", "reads")) if kind == "waits" else cycle((kind,))
        for number, name in enumerate(islice(names, kinds[kind])):
            comment = render_comment(get_card(language), f"{kind} {number}")
            code = f"{BAD[language][name]}\n{comment}\n"
            job = Job(id=f"{kind}{number}", language=language, code=code, signature=SIGNATURE, tests=TESTS)
            made.append(BenchmarkProgram(job, assertions(job), kind))
    return made


def candidates(language: str, count: int) -> tuple[list[BenchmarkProgram], list[BenchmarkProgram]]:
    """Return clean programs and a mix, as many of each, all different."""
    kinds = numbers_of_kinds(count)
    pool = programs(language, max(3 * count, 60))
    of = {kind: [m for m in pool if m.expect == kind] for kind in ("pass", "wrong", "broken")}
    half = -(-count // 2)
    clean = [*of["pass"][-half:], *of["wrong"][-(count - half) :]]
    mix = [m for kind, some in of.items() for m in some[: kinds[kind]]] + bad_programs(language, kinds)
    mix = [mix[i * 7919 % len(mix)] for i in range(len(mix))] if len(mix) % 7919 else mix  # spread the kinds
    return [[_limited(m) for m in some] for some in (clean, mix)]  # type: ignore[return-value]


def _limited(made: BenchmarkProgram) -> BenchmarkProgram:
    job = msgspec.structs.replace(made.job, reference_s=round_reference(0.0), stop_at_failure=True)
    return made._replace(job=ReferenceLimits().apply(job))


def by_bounded_subprocess(language: str, made: list[BenchmarkProgram], folder: Path) -> tuple[float, int]:
    """Return the seconds of the peer, and its wrong verdicts."""
    peer, files = PEERS[language], list[Path]()
    command = ["sh", "-c", peer.shell, "sh"] if peer.shell else list(peer.command)
    for number, one in enumerate(made):
        files.append(folder / f"p{number}{get_card(language).extension}")
        files[-1].write_text(one.text, "utf-8")
    begun = time.perf_counter()
    with ThreadPoolExecutor(JOBS) as pool:
        results = list(pool.map(lambda f: bounded_run([*command, str(f)], timeout_seconds=TIMEOUT_S), files))
    seconds = time.perf_counter() - begun
    return seconds, sum((r.exit_code == 0) != (m.expect == "pass") for r, m in zip(results, made, strict=True))


def measure(language: str, count: int, peer_count: int) -> MixFigures:
    """Measure one language."""
    clean, mix = candidates(language, count)
    ours = GlotsmithRunner(clean[0])
    clean_s, clean_statuses = ours.run(clean[1:])
    mix_s, statuses = ours.run(mix)
    asyncio.run(ours.sandbox.close())
    judged = [*zip(clean[1:], clean_statuses, strict=True), *zip(mix, statuses, strict=True)]
    wrong = [(m.expect, m.job.id, status) for m, status in judged if status not in STATUSES[m.expect]]
    for each in wrong:
        print(f"{language}: wrong verdict: {each}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        peer_mix = mix if peer_count == count else candidates(language, peer_count)[1]
        peer_s, peer_wrong = by_bounded_subprocess(language, peer_mix, Path(folder))
    rates = (len(clean) - 1) / clean_s, len(mix) / mix_s, len(peer_mix) / peer_s
    return MixFigures(*rates, len(wrong), peer_wrong)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=LANGUAGES)
    parser.add_argument("--programs", type=int, default=100)
    parser.add_argument("--peer-programs", type=int)
    given = parser.parse_args()
    found = list[MixFigures]()
    for language in given.languages:
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            print(f"{language:11} not here: {error}")
            continue
        f = measure(language, given.programs, given.peer_programs or given.programs)
        found.append(f)
        print(
            f"{language:11} clean {f.clean:6.1f}/s  mix {f.mix:6.1f}/s ({f.mix / f.clean:.2f} of clean)  "
            f"bounded-subprocess {f.peer:5.2f}/s (ours {f.mix / f.peer:.1f}×)  "
            f"wrong verdicts: ours {f.wrong}, peer {f.peer_wrong}",
            flush=True,
        )
    if len(found) > 1:
        of_clean = statistics.geometric_mean(f.mix / f.clean for f in found)
        of_peer = statistics.geometric_mean(f.mix / f.peer for f in found)
        total = sum(1 / f.clean for f in found) / sum(1 / f.mix for f in found)
        print(f"geometric means: {of_clean:.2f} of clean, {of_peer:.1f}× the peer; all together {total:.2f} of clean")
    return int(any(f.wrong for f in found))


if __name__ == "__main__":
    raise SystemExit(main())
