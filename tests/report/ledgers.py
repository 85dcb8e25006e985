"""Make run folders for reports, from items that need no toolchain: a few rows, hostile rows, and runs of any shape."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glotsmith.exchanges import ReceivedReply
from glotsmith.ledger_rows import StepInput
from glotsmith.records import (
    Candidate,
    CaseVerdict,
    Example,
    Function,
    Lineage,
    Origin,
    Problem,
    Solution,
    Suite,
    Task,
    Verdict,
    content_hash,
)
from glotsmith.run_folder import RunFolder
from glotsmith.sampling_end import SamplingEnd, StopReason
from glotsmith.step import Dropped, Kept, Result

STEPS = ("sources", "filter", "validate", "make_tasks", "translate", "deduplicate_solutions", "dataset")
CONFIG = {
    "recipe": "multipl-t",
    "teacher": {"name": "scripted"},
    "options": {"sources": ["package:p"], "languages": ["lua", "ocaml"]},
}
TESTS = ('assert f("a)b", 1) == [1, 2]', "assert f('', 0) == []", "assert f('c', 3) == {'k': (1.5, None)}")
LINEAGE = Lineage(teacher="scripted", model="m", toolchain="Lua 5.4", isolation="bubblewrap")
#: text that a page must show and never run, load or be reordered by
HOSTILE = (
    "</script><script>window.ran = 1</script><!-- <img src=http://192.0.2.1/x onerror='window.ran=2'>\n"
    "<svg onload=window.ran=3> \u202egnp.exe\u202c \u2066isolated\u2069 \u200b zero NUL\x00bell\x07 ${window.ran=4}\n"
    "<iframe srcdoc='<script>parent.ran=5</script>'></iframe><meta http-equiv=refresh content='0;url=http://192.0.2.1'>"
)
LONG_LINE = "x" * 1_000_000


def function(number: int, name: str = "f", code: str = "") -> Function:
    return Function(
        id=content_hash("function", str(number)),
        name=name,
        code=code or f'def f(s, n):\n    """Return {number}."""\n    return [n]  # a comment',
        docstring="Return.",
        origin=Origin(source="package:p", path=f"m{number}.py", line=3, licence="MIT"),
    )


def problem(number: int, mutation_score: float = 0.9, **fields: Any) -> Problem:
    found = function(number, **fields)
    suite = Suite(
        signature="def f(s: str, n: int) -> list[int]",
        tests=TESTS,
        line_coverage=1.0,
        branch_coverage=0.75,
        mutation_score=mutation_score,
        mutants=10,
        writers={"doctest": 2, "generated": 1},
    )
    return Problem(id=found.id, function=found, suite=suite)


def task(number: int, language: str, **fields: Any) -> Task:
    made = problem(number, **fields)
    return Task(
        id=f"{language}-{number}",
        problem=made,
        language=language,
        signature=made.suite.signature,
        tests=TESTS,
        prefix="local function f(s, n)",
    )


def example(solution: Solution) -> Example:
    of, found = solution.task, solution.task.problem.function
    text = f"```{of.language}\n{solution.code}\n```"
    return Example(
        id=solution.id,
        parallel_id=found.id,
        language=of.language,
        name=found.name,
        messages=({"role": "user", "content": f"Write `{found.name}`."}, {"role": "assistant", "content": text}),
        prompt="-- Return.",
        completion=solution.code,
        source=found.program,
        signature=of.signature,
        tests=of.tests,
        origin=found.origin,
        lineage=solution.lineage,
        line_coverage=1.0,
        branch_coverage=0.75,
        mutation_score=of.problem.suite.mutation_score,
        pass_rate=solution.pass_rate,
    )


def failing(of: Task, status: str, message: str = "", code: str = "return nil") -> Candidate:
    cases = (CaseVerdict(status="pass", actual="[1, 2]"), CaseVerdict(status=status, actual=message or "[9]"))  # type: ignore[arg-type]
    verdict = Verdict(id=of.id, language=of.language, status=status, cases=cases, stderr=message, seconds=0.01)  # type: ignore[arg-type]
    return Candidate(task=of.id, language=of.language, code=code, verdict=verdict, lineage=LINEAGE)


def sampling_end(language: str, failed: int, passed: int) -> SamplingEnd:
    """Return the end of sampling that the policy ``adaptive`` stores after these replies."""
    reason = StopReason.FEW_NEW_ROWS if passed else StopReason.LOW_PASS_RATE
    replies = failed + passed
    return SamplingEnd(
        language=language, reason=reason, replies=replies, failed=failed, passed=passed, rows=passed, tokens=100
    )


class RunMaker:
    """Writes a run of ``STEPS`` item by item, as the pipeline runner does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.open() as folder:
            folder.ledger.register_steps(STEPS)

    def open(self) -> RunFolder:
        return RunFolder.create_or_resume(self.path, CONFIG)

    def pass_all_steps(self, folder: RunFolder, key: str, item: Any, position: str, steps: Sequence[str]) -> None:
        for step in steps:
            folder.ledger.record(step, _taken(folder, step, key, position), Result(kept=(Kept(key, item),)))

    def drop(
        self,
        folder: RunFolder,
        step: str,
        key: str,
        position: str,
        reason: str,
        detail: str = "",
        sampling: SamplingEnd | None = None,
    ) -> None:
        dropped: Any = Dropped(reason, detail)  # type: ignore[arg-type]
        result: Result[Any] = Result(dropped=(dropped,), sampling=sampling)
        folder.ledger.record(step, _taken(folder, step, key, position), result)

    def add_source(self, folder: RunFolder, number: int, **fields: Any) -> tuple[str, str]:
        """Add a function and return its key and position."""
        found, unit = function(number, **fields), f"z{number:06d}"
        folder.ledger.record("sources", StepInput(f"p:{number}", unit), Result(kept=(Kept(found.id, found),)))
        return found.id, f"{unit}.a0"

    def add_problem(self, folder: RunFolder, number: int, languages: Sequence[str], **fields: Any) -> list[str]:
        """Add a function with its tasks and return the positions of the tasks."""
        named = {name: fields[name] for name in ("name", "code") if name in fields}
        key, position = self.add_source(folder, number, **named)
        self.pass_all_steps(folder, key, function(number, **named), position, ("filter",))
        self.pass_all_steps(folder, key, problem(number, **fields), position, ("validate",))
        tasks = tuple(Kept(f"{name}-{number}", task(number, name, **fields)) for name in languages)
        folder.ledger.record("make_tasks", _taken(folder, "make_tasks", key, position), Result(kept=tasks))
        return [position if len(tasks) < 0 else f"{position}.a{i}" for i in range(len(tasks))]

    def solve(
        self, folder: RunFolder, of: Task, position: str, code: str, failures: Sequence[tuple[str, str, str]] = ()
    ) -> None:
        """Add a solution of a task, with failing programs before it: (status, message, code)."""
        made = Solution(id=f"sol-{of.id}", task=of, code=code, lineage=LINEAGE, pass_rate=1 / (1 + len(failures)))
        lost = tuple(
            Dropped(
                "failed_verification", f"{status}: {message}"[:3000], f"{of.id}:{i}", failing(of, status, message, bad)
            )  # type: ignore[arg-type]
            for i, (status, message, bad) in enumerate(failures)
        )
        taken = _taken(folder, "translate", of.id, position)
        folder.ledger.record(
            "translate",
            taken,
            Result(
                kept=(Kept(made.id, made),),
                dropped=lost,
                tokens=100,
                cost=0.001,
                sampling=sampling_end(of.language, len(failures), passed=1),
            ),
        )
        position = f"{position}.a0"
        self.pass_all_steps(folder, made.id, made, position, ("deduplicate_solutions",))
        self.pass_all_steps(folder, made.id, example(made), position, ("dataset",))

    def add_reply(self, folder: RunFolder, item: str, prompt: str, reply: str, call: str = "translate") -> None:
        import json

        address = f"{item}{call}".ljust(32, "0")
        folder.ledger.record_reply(ReceivedReply(address, item, call, 0, prompt, False, 0.001, 100))
        folder.cache.put("reply", address, json.dumps({"text": reply}).encode())

    def finish(self, folder: RunFolder) -> None:
        for step in STEPS:
            folder.ledger.mark_finished(step)


def _taken(folder: RunFolder, step: str, key: str, position: str) -> StepInput:
    previous = STEPS[STEPS.index(step) - 1]
    return folder.ledger.find_input(previous, key) or StepInput(key, position)


def small_run(path: Path) -> Path:
    """A finished run: 12 problems in two languages, failures, drops, a near-duplicate, and hostile texts."""
    run = RunMaker(path)
    with run.open() as folder:
        for number in range(12):
            positions = run.add_problem(
                folder, number, ("lua", "ocaml"), name=f"name_{number}", mutation_score=0.5 + number / 30
            )
            for language, position in zip(("lua", "ocaml"), positions, strict=True):
                of = task(number, language, name=f"name_{number}", mutation_score=0.5 + number / 30)
                bad = (
                    [("fail:compile", f"candidate:{number}: unexpected symbol near 'end'", "end")] if number % 2 else []
                )
                run.solve(folder, of, position, f"local function f(s, n)\n  return {number} -- solved\nend", bad)
        for number in range(12, 20):
            key, position = run.add_source(folder, number, name=f"dropped_{number}")
            run.drop(folder, "filter", key, position, "undocumented" if number < 17 else "imports", "because of it")
        (position,) = run.add_problem(folder, 20, ("lua",), name="evil_" + HOSTILE[:40], code=HOSTILE)
        evil = task(20, "lua", name="evil_" + HOSTILE[:40], code=HOSTILE)
        run.solve(folder, evil, position, HOSTILE + "\n" + LONG_LINE, [("fail:runtime", HOSTILE, HOSTILE)])
        run.add_reply(folder, "lua-20", HOSTILE, HOSTILE)
        run.finish(folder)
    return path


def any_run(path: Path, seed: int) -> Path:
    """A run whose shape is random, in several starts, finished or not."""
    chance, run, number = random.Random(seed), RunMaker(path), 0
    for _ in range(chance.randint(1, 3)):
        with run.open() as folder:
            for _ in range(chance.randint(0, 12)):
                number += 1
                add_any(run, folder, number, chance)
    if chance.random() < 0.7:
        with run.open() as folder:
            run.finish(folder)
    return path


def add_any(run: RunMaker, folder: RunFolder, number: int, chance: random.Random) -> None:
    if chance.random() < 0.3:
        key, position = run.add_source(folder, number)
        run.drop(folder, "filter", key, position, chance.choice(("undocumented", "imports", "todo")))
        return
    languages = chance.sample(("lua", "ocaml", "r", "julia"), chance.randint(1, 3))
    positions = run.add_problem(folder, number, languages, mutation_score=chance.random())
    for language, position in zip(languages, positions, strict=True):
        of = task(number, language, mutation_score=0.5)
        if chance.random() < 0.2:
            sampling = sampling_end(language, chance.randint(1, 9), passed=0)
            run.drop(folder, "translate", of.id, position, "teacher_refused", sampling=sampling)
        elif chance.random() < 0.9:  # else it stays open
            bad = [(chance.choice(("fail:wrong", "fail:compile")), "", "x")] * chance.randint(0, 3)
            run.solve(folder, of, position, "return 1", bad)
