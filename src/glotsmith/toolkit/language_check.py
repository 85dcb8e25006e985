"""Check a language on this machine: whether its card, its driver and its rows are correct."""

import statistics
import time
from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from glotsmith.counts import counted
from glotsmith.errors import ToolchainError
from glotsmith.languages import render, toolchain
from glotsmith.languages.card import Card
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Outcome, Program, Record
from glotsmith.sandbox.base import ALL_PROMISES, Sandbox, SupportsWarmWorkers
from glotsmith.toolkit import row_checks, todo_marks, value_round_trip
from glotsmith.toolkit.row_checks import passing_row
from glotsmith.verification import Verifier

_FIRST = 2  #: number of unmeasured programs, which fill disk caches and start warm workers
_LEAST, _MOST = 5, 200  #: smallest and largest number of measured programs


class JudgingSpeed(Record, frozen=True, kw_only=True):
    """The median times of several programs."""

    programs: int
    wall_ms: float
    cpu_ms: float

    @property
    def per_second(self) -> float:
        """The number of programs per second."""
        return 1000 / self.wall_ms


class ColdStartSandbox:
    """A sandbox that starts every program cold, without warm workers and compile servers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.name, self.promises = sandbox.name, sandbox.promises

    async def run(self, program: Program) -> Outcome:
        """Run one program with a cold start."""
        return await self._sandbox.run(msgspec.structs.replace(program, warm=None, server=None))

    async def close(self) -> None:
        """Close the inner sandbox."""
        await self._sandbox.close()


async def measure_speed(card: Card, sandbox: Sandbox, seconds: float = 3.0) -> JudgingSpeed | None:
    """Measure the time to judge a passing program, whose text differs each time; return None if it fails."""
    row = passing_row(card)
    if row is None:
        return None
    verifier, wall, cpu = Verifier(sandbox), list[float](), list[float]()
    begun = time.perf_counter()
    while len(wall) < _FIRST + _MOST and (len(wall) < _FIRST + _LEAST or time.perf_counter() - begun < seconds):
        code = f"{row.code}\n{render.render_comment(card, f'program {len(wall)}')}\n"
        at = time.perf_counter()
        verdict = await verifier.verify(msgspec.structs.replace(row, code=code).job(card.name))
        wall.append(time.perf_counter() - at)
        cpu.append(verdict.seconds)
        if verdict.status != "pass":
            return None
    wall, cpu = wall[_FIRST:], cpu[_FIRST:]
    medians = [round(statistics.median(x) * 1000, 2) for x in (wall, cpu)]
    return JudgingSpeed(programs=len(wall), wall_ms=medians[0], cpu_ms=medians[1])


class CheckResult(Record, frozen=True, kw_only=True):
    """The result of one part of the check."""

    check: str
    sentence: str
    problems: tuple[str, ...] = ()  #: a sentence for each problem; () if the part passes
    all_shown: bool = False  #: whether all problems must be shown, regardless of their number


class CheckProgress(Protocol):
    """Receives the progress of a check."""

    def begin(self, what: str, total: int) -> None:
        """Called when a part begins that runs ``total`` programs; 0 if the number is unknown."""
        ...

    def tick(self) -> None:
        """Called after each program of the part."""
        ...


class LanguageCheck:
    """The check of one language in one sandbox. Each part is also a public method."""

    def __init__(self, card: Card, sandbox: Sandbox, progress: CheckProgress) -> None:
        self.card, self._sandbox, self._progress = card, sandbox, progress
        self._verifier = Verifier(sandbox)

    async def run(self, *, quick: bool = False) -> AsyncIterator[CheckResult]:
        """Yield the remaining TODO marks, then the result of each part.

        ``quick`` stops after the rows. A missing toolchain stops after the toolchain.
        """
        left = self.todo_marks()
        if left.problems:
            yield left
        first = self.toolchain()
        yield first
        if first.problems:
            return
        yield await self.rows()
        if quick:
            return
        if _keeps_warm(self.card, self._sandbox):
            yield await self.cold()
        if self.card.level == "full" and "accepted" in read_proof_rows(self.card.name):
            for part in (self.values, self.texts, self.comments, self.stubs, self.mutant):
                yield await part()
        if self.card.level == "io":
            yield await self.stub_program()
        yield await self.hostile()
        yield await self.speed()

    def todo_marks(self) -> CheckResult:
        """Find the TODO marks in the folder."""
        missing = todo_marks.missing_driver(self.card)
        found = [
            *([missing] if missing else []),
            *(mark.sentence for mark in todo_marks.find_todo_marks(self.card.card_path.parent)),
        ]
        sentence = f"{counted(len(found), 'place', 'is')} not filled in; fill in each place and delete its mark TODO:"
        return CheckResult(
            check="TODO marks", sentence=sentence if found else "no TODO marks", problems=tuple(found), all_shown=True
        )

    def toolchain(self) -> CheckResult:
        """Find the toolchain."""
        try:
            return CheckResult(check="toolchain", sentence=toolchain.prepare_toolchain(self.card.name).version)
        except ToolchainError as error:
            return CheckResult(check="toolchain", sentence="no toolchain", problems=(str(error),))

    async def rows(self) -> CheckResult:
        """Judge the rows of ``verdicts.toml``."""
        table = read_proof_rows(self.card.name)
        self._progress.begin("rows of verdicts.toml", len(table))
        wrong = await row_checks.check_verdicts(self.card, self._verifier, self._progress.tick)
        sentence = f"{len(table) - len(wrong)} of {len(table)} programs got the verdicts that verdicts.toml expects"
        return CheckResult(check="rows", sentence=sentence, problems=(*row_checks.missing_rows(self.card), *wrong))

    async def cold(self) -> CheckResult:
        """Judge the rows of ``verdicts.toml`` again, without warm workers and compile servers."""
        table = read_proof_rows(self.card.name)
        self._progress.begin("the same rows, started cold", len(table))
        cold = Verifier(ColdStartSandbox(self._sandbox))
        wrong = await row_checks.compare_warm_and_cold(self.card, self._verifier, cold, self._progress.tick)
        sentence = f"{len(table) - len(wrong)} of {len(table)} programs got the same verdicts when started cold"
        return CheckResult(check="cold", sentence=sentence, problems=tuple(wrong))

    async def values(self) -> CheckResult:
        """Send values through an identity function."""
        self._progress.begin("values in and out, by the thousand", 0)
        batches = list(value_round_trip.batches(self.card))
        seen = await value_round_trip.send_values(self.card, self._sandbox, batches)
        checked, confused = value_round_trip.compare_with_other_values(self.card, seen)
        wrong = [
            *seen.failed,
            *value_round_trip.changed_values(self.card, seen),
            *confused,
            *value_round_trip.unexplained_refusals(self.card, seen),
        ]
        for count, what in ((len(seen.pairs), "values came back"), (checked, "controls were compared")):
            if count < value_round_trip.MIN_VALUES:
                wrong.append(f"only {count} {what}; at least {value_round_trip.MIN_VALUES} are required")
        refused = f"; {seen.refused.total()} were refused with the card's reasons" if seen.refused else ""
        sentence = f"{len(seen.pairs)} values came back equal, and {checked} other values were distinguished from them"
        if wrong:
            sentence = f"{len(seen.pairs)} values came back and were compared with {checked} others, not all correctly"
        return CheckResult(check="values", sentence=sentence + refused, problems=tuple(wrong))

    async def texts(self) -> CheckResult:
        """Send every code point."""
        self._progress.begin("every code point", 0)
        wrong = await value_round_trip.check_code_points(self.card, self._sandbox)
        return _check_result("texts", "every code point of Unicode came back", wrong)

    async def comments(self) -> CheckResult:
        """Insert difficult text into comments."""
        wrong = await value_round_trip.check_comments(self.card, self._sandbox)
        return _check_result("comments", "a program with difficult text in its comments runs", wrong)

    async def stubs(self) -> CheckResult:
        """Compile stubs of random types."""
        self._progress.begin("stubs of random types", value_round_trip.STUBS)
        tried, wrong = await value_round_trip.check_stubs(self.card, self._sandbox)
        if not tried:
            wrong = ["the card can represent none of the random types"]
        return _check_result("stubs", f"{tried} stubs of random types compile and raise", wrong)

    async def stub_program(self) -> CheckResult:
        """Check that the stub of a language of whole programs starts and fails."""
        wrong = await row_checks.check_stub_program(self.card, self._verifier)
        return _check_result("stub", "the stub starts and fails, so suites of call tests can be proved", wrong)

    async def mutant(self) -> CheckResult:
        """Check that a wrong function fails."""
        wrong = await row_checks.check_wrong_result(self.card, self._verifier)
        return _check_result("mutant", "a function that is wrong in one case fails in that case", wrong)

    async def hostile(self) -> CheckResult:
        """Check that the rows of ``hostile.toml`` fail."""
        table = read_proof_rows(self.card.name, "hostile")
        if self._sandbox.promises != ALL_PROMISES:
            sentence = f"hostile programs did not run: the isolation {self._sandbox.name!r} does not contain them"
            return CheckResult(check="hostile", sentence=sentence)
        if not table:
            return CheckResult(check="hostile", sentence="nothing was tried", problems=("there is no hostile.toml",))
        self._progress.begin("rows of hostile.toml", len(table))
        wrong = await row_checks.check_hostile_rows(self.card, self._verifier, self._progress.tick)
        untried = ", ".join(row_checks.missing_attacks(self.card))
        sentence = f"{len(table)} hostile programs were refused, and the next program was judged correctly each time"
        if wrong:
            sentence = f"of {len(table)} hostile programs, not all were refused"
        return CheckResult(
            check="hostile",
            sentence=f"{sentence}; not tried: {untried}" if untried else sentence,
            problems=tuple(wrong),
        )

    async def speed(self) -> CheckResult:
        """Measure the number of programs per second."""
        self._progress.begin("speed", 0)
        cold, warm = await measure_speeds(self.card, self._sandbox)
        if cold is None:
            return CheckResult(check="speed", sentence="nothing was measured", problems=("no correct program passes",))
        sentence = f"{cold.per_second:.1f} programs per second on one core, cold"
        if warm is not None:
            sentence = f"{sentence}; {warm.per_second:.1f} warm"
        return CheckResult(check="speed", sentence=sentence)


async def measure_speeds(
    card: Card, sandbox: Sandbox, seconds: float = 3.0
) -> tuple[JudgingSpeed | None, JudgingSpeed | None]:
    """Measure a language with cold starts and, if its card and the sandbox support them, with warm workers."""
    cold = await measure_speed(card, ColdStartSandbox(sandbox), seconds)
    return cold, await measure_speed(card, sandbox, seconds) if _keeps_warm(card, sandbox) else None


def _keeps_warm(card: Card, sandbox: Sandbox) -> bool:
    """Return whether the sandbox keeps an interpreter or a compiler of the language loaded."""
    found = toolchain.prepare_toolchain(card.name)
    return bool(found.warm or found.server) and isinstance(sandbox, SupportsWarmWorkers)


def _check_result(part: str, sentence: str, wrong: list[str]) -> CheckResult:
    return CheckResult(check=part, sentence="the check failed" if wrong else sentence, problems=tuple(wrong))
