"""How much of the CPU limits that follow from a Python original do right programs use?

The right programs are the translations in ``tests/recipes/multipl_t/five`` and ``benchmarks/programs``, with ``--rows``
the passing rows of each language, and with ``--humaneval FILE`` the offline teacher's Lua translations of HumanEval.
All have the limit of the shortest original (1 ms), except for HumanEval's, whose originals are measured, and for rows
that the table of Python has under the same title: their original is that of Python, measured in this run. ``--busy 8``
runs eight endless loops at the same time. A line shows the number of programs, those without a pass, and the largest
CPU time as a share of its limit; the exit code is 1 if a program lost its verdict.

    python benchmarks/reference_limits.py [LANGUAGE…] [--busy 8] [--rows] [--humaneval HumanEval.jsonl.gz]
"""

import argparse
import asyncio
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec
from programs_of_languages import right_translations

from glotsmith.errors import ToolchainError
from glotsmith.evaluation.benchmarks import humaneval
from glotsmith.evaluation.benchmarks.base import BenchmarkRequest
from glotsmith.evaluation.benchmarks.row_files import read_rows
from glotsmith.generation.sampling_plan import SamplingPlan
from glotsmith.generation.translate import Translate, TranslationOptions
from glotsmith.languages import get_card, language_names
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.languages.reference_limits import ReferenceLimits, round_reference
from glotsmith.recipes.multipl_t.recipe import translation_prompts
from glotsmith.records import Job, Problem, Solution
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.suites.function_runner import CallBatch, FunctionRunner
from glotsmith.suites.make_tasks import MakeTasks
from glotsmith.teachers import open_teacher
from glotsmith.values import parse_test
from glotsmith.verification import Verifier
from glotsmith.verification.calibrate import Calibration

SHORTEST_S = round_reference(0.0)
EXAMPLE = "calibration"  #: the row that is long on purpose


class Use(NamedTuple):
    """One right program: its status, and its CPU time as a share of its limit."""

    name: str
    status: str
    share: float


def jobs_of(language: str, originals: dict[str, float]) -> list[Job]:
    """Return the right programs of a language as jobs with the time of their original, or the shortest one."""
    found = [*right_translations(language), *(right_rows(language) if originals else ())]
    return [msgspec.structs.replace(job, reference_s=originals.get(job.id, SHORTEST_S)) for job in found]


def right_rows(language: str) -> list[Job]:
    """Return the rows of a language that pass; their id is their title."""
    rows = read_proof_rows(language).items()
    of_calls = [(title, row) for title, row in rows if row.expected_statuses == ("pass",) and not row.io]
    return [row.job(language, title) for title, row in of_calls if title != EXAMPLE and row.time_limit_s is None]


async def python_originals(sandbox: Sandbox) -> dict[str, float]:
    """Return the CPU time of Python's rows by title, without the start of the interpreter."""
    verifier, calibration = Verifier(sandbox), Calibration(sandbox)
    speed = await calibration.speed("python")
    verdicts = [await verifier.verify(job) for job in right_rows("python")]
    return {v.id: round_reference(max(0.0, v.seconds - speed.start_s) / speed.factor) for v in verdicts}


async def uses(sandbox: Sandbox, jobs: list[Job]) -> list[Use]:
    """Judge programs that are right, and return what they used of their limits."""
    verifier, calibration = Verifier(sandbox), Calibration(sandbox)

    async def use(job: Job) -> Use:
        verdict, speed = await verifier.verify(job), await calibration.speed(job.language)
        card = get_card(job.language)
        derived = ReferenceLimits().cpu_s(card, job.reference_s) * speed.factor
        return Use(job.id, verdict.status, verdict.seconds / (derived + speed.warm_start_s))

    return await asyncio.gather(*map(use, jobs))


async def humaneval_jobs(sandbox: Sandbox, path: Path) -> list[Job]:
    """Return the Lua translations of HumanEval that pass without a derived limit, with measured references."""
    verifier, runner = Verifier(sandbox), FunctionRunner(sandbox)
    request = BenchmarkRequest(name="humaneval", languages=("lua",), sandbox=sandbox, verify=verifier)
    loaded = await humaneval.read(read_rows(path), request)
    make_tasks = MakeTasks(("lua",), verifier, 2)
    options = TranslationOptions(sampling_plan=SamplingPlan(samples=1, per_language={}, wanted=1))
    translate = Translate(open_teacher("offline"), verifier, translation_prompts(), options)

    async def of(problem: Problem) -> list[Job]:
        tasks = (await make_tasks.run("", problem)).kept
        solutions: list[Solution] = [k.item for t in tasks for k in (await translate.run("", t.item)).kept]
        seconds = await reference_seconds(runner, problem)
        return [
            Job(
                id=problem.function.name,
                language="lua",
                code=s.code,
                signature=s.task.signature,
                tests=s.task.tests,
                reference_s=seconds,
            )
            for s in solutions
        ]

    return [job for jobs in await asyncio.gather(*(of(p.problem) for p in loaded.problems)) for job in jobs]


async def reference_seconds(runner: FunctionRunner, problem: Problem) -> float:
    """Return the stored CPU time of a problem's Python original."""
    calls = tuple(repr(tuple(parse_test(test).arguments)) for test in problem.suite.tests)
    [report] = await runner.run(problem.function, [CallBatch(calls=calls, cpu_s=10.0, measure="seconds")], 1)
    return round_reference(sum(result.seconds for result in report.results))


def show(title: str, found: list[Use]) -> int:
    """Print a line; return the number of programs that lost their verdict."""
    lost = [use for use in found if use.status != "pass"]
    worst = max(found, key=lambda use: use.share)
    print(
        f"{title:12} {len(found):4} right programs, {len(lost)} lost; at most {worst.share:.0%} of the limit "
        f"({worst.name}) {[(use.name, use.status) for use in lost] or ''}",
        flush=True,
    )
    return len(lost)


async def measure(languages: list[str], *, rows: bool, humaneval_file: Path | None) -> int:
    sandbox, lost = open_sandbox(jobs=2), 0
    originals = await python_originals(sandbox) if rows else {}
    for language in languages:
        try:
            if jobs := jobs_of(language, originals):
                lost += show(language, await uses(sandbox, jobs))
        except ToolchainError as error:
            print(f"{language:12} not here: {error}")
    if humaneval_file:
        lost += show("HumanEval", await uses(sandbox, await humaneval_jobs(sandbox, humaneval_file)))
    await sandbox.close()
    return lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*")
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--rows", action="store_true")
    parser.add_argument("--humaneval", type=Path)
    given = parser.parse_args()
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(given.busy)]
    try:
        languages = given.languages or ([] if given.humaneval else language_names())
        return int(asyncio.run(measure(list(languages), rows=given.rows, humaneval_file=given.humaneval)) > 0)
    finally:
        for loop in loops:
            loop.kill()


if __name__ == "__main__":
    sys.exit(main())
