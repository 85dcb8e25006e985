"""The proof of a language: what holds of its card on this machine, in sentences."""

from collections.abc import AsyncIterator
from typing import Protocol

from glotsmith.counts import counted
from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.languages.card import Card
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Record
from glotsmith.sandbox.base import ALL_PROMISES, Sandbox, SupportsWarmWorkers
from glotsmith.toolkit import row_checks, todo_marks, value_round_trip
from glotsmith.toolkit.speed import Cold, Speed, measure
from glotsmith.verification import Verifier


class Finding(Record, frozen=True, kw_only=True):
    """What one part of the proof came to."""

    part: str
    sentence: str
    problems: tuple[str, ...] = ()  #: one sentence each; none where the part holds
    all_shown: bool = False  #: each problem has to be shown, however many there are


class Watcher(Protocol):
    """Who is told of progress."""

    def begin(self, what: str, total: int) -> None:
        """Called when a part begins that runs ``total`` programs; 0 if the number is unknown."""
        ...

    def tick(self) -> None:
        """Called after each program of the part."""
        ...


class Proof:
    """One language on one machine, in one sandbox; the parts can be asked for one by one."""

    def __init__(self, card: Card, sandbox: Sandbox, watcher: Watcher) -> None:
        self.card, self._sandbox, self._watcher = card, sandbox, watcher
        self._verifier = Verifier(sandbox)

    async def findings(self, *, quick: bool = False) -> AsyncIterator[Finding]:
        """Yield the holes that are left, then what each part came to.

        ``quick`` stops after the rows, and so does a toolchain that is missing.
        """
        left = self.holes()
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
        yield await self.hostile()
        yield await self.speed()

    def holes(self) -> Finding:
        """Find the places of the folder that are still to be filled in."""
        missing = todo_marks.missing_driver(self.card)
        found = [
            *([missing] if missing else []),
            *(hole.sentence for hole in todo_marks.holes(self.card.card_path.parent)),
        ]
        sentence = f"{counted(len(found), 'place', 'is')} still to be filled in; fill in each and delete its mark TODO:"
        return Finding(
            part="holes", sentence=sentence if found else "none is left", problems=tuple(found), all_shown=True
        )

    def toolchain(self) -> Finding:
        """Find the toolchain."""
        try:
            return Finding(part="toolchain", sentence=toolchain.prepare_toolchain(self.card.name).version)
        except ToolchainError as error:
            return Finding(part="toolchain", sentence="there is none", problems=(str(error),))

    async def rows(self) -> Finding:
        """Judge the rows of ``verdicts.toml``."""
        table = read_proof_rows(self.card.name)
        self._watcher.begin("rows of verdicts.toml", len(table))
        wrong = await row_checks.run_rows(self.card, self._verifier, self._watcher.tick)
        sentence = f"{len(table) - len(wrong)} of {len(table)} programs earned the verdicts that verdicts.toml expects"
        return Finding(part="rows", sentence=sentence, problems=(*row_checks.lacking(self.card), *wrong))

    async def cold(self) -> Finding:
        """Judge the rows of ``verdicts.toml`` again, with no interpreter and no compiler kept warm."""
        table = read_proof_rows(self.card.name)
        self._watcher.begin("the same rows, started cold", len(table))
        cold = Verifier(Cold(self._sandbox))
        wrong = await row_checks.disagreements(self.card, self._verifier, cold, self._watcher.tick)
        sentence = f"{len(table) - len(wrong)} of {len(table)} programs came to the same in all cases when started cold"
        return Finding(part="cold", sentence=sentence, problems=tuple(wrong))

    async def values(self) -> Finding:
        """Send values through an identity function."""
        self._watcher.begin("values in and out, by the thousand", 0)
        batches = list(value_round_trip.batches(self.card))
        seen = await value_round_trip.identity(self.card, self._sandbox, batches)
        checked, confused = value_round_trip.confused(self.card, seen)
        wrong = [
            *seen.failed,
            *value_round_trip.changed(self.card, seen),
            *confused,
            *value_round_trip.unexplained(self.card, seen),
        ]
        for count, what in ((len(seen.pairs), "values came back"), (checked, "controls were compared")):
            if count < value_round_trip.WANTED:
                wrong.append(f"only {count} {what}; {value_round_trip.WANTED} are the least")
        refused = f"; {seen.refused.total()} were refused with the card's reasons" if seen.refused else ""
        sentence = (
            f"{len(seen.pairs)} values went in and came back equal, and {checked} other values were told from them"
        )
        if wrong:
            sentence = f"{len(seen.pairs)} values came back and were compared with {checked} others, not all rightly"
        return Finding(part="values", sentence=sentence + refused, problems=tuple(wrong))

    async def texts(self) -> Finding:
        """Send every code point."""
        self._watcher.begin("every code point", 0)
        wrong = await value_round_trip.code_points(self.card, self._sandbox)
        return _finding("texts", "every code point of Unicode came back", wrong)

    async def comments(self) -> Finding:
        """Put anything into comments."""
        wrong = await value_round_trip.comments(self.card, self._sandbox)
        return _finding("comments", "a program with anything in its comments runs", wrong)

    async def stubs(self) -> Finding:
        """Compile stubs of random types."""
        self._watcher.begin("stubs of random types", value_round_trip.STUBS)
        tried, wrong = await value_round_trip.stubs(self.card, self._sandbox)
        if not tried:
            wrong = ["the card can represent none of the random types"]
        return _finding("stubs", f"{tried} stubs of random types compile and raise", wrong)

    async def mutant(self) -> Finding:
        """Fail a wrong function."""
        wrong = await row_checks.mutant(self.card, self._verifier)
        return _finding("mutant", "a function that is wrong in one case fails in that case", wrong)

    async def hostile(self) -> Finding:
        """Refuse the rows of ``hostile.toml``."""
        table = read_proof_rows(self.card.name, "hostile")
        if self._sandbox.promises != ALL_PROMISES:
            sentence = f"hostile programs were not run: the isolation {self._sandbox.name!r} does not hold them"
            return Finding(part="hostile", sentence=sentence)
        if not table:
            return Finding(part="hostile", sentence="nothing was tried", problems=("there is no hostile.toml",))
        self._watcher.begin("rows of hostile.toml", len(table))
        wrong = await row_checks.refuse_all(self.card, self._verifier, self._watcher.tick)
        untried = ", ".join(row_checks.untried(self.card))
        sentence = f"{len(table)} hostile programs were refused, and the next program was judged rightly each time"
        if wrong:
            sentence = f"of {len(table)} hostile programs, not all were refused"
        return Finding(
            part="hostile", sentence=f"{sentence}; not tried: {untried}" if untried else sentence, problems=tuple(wrong)
        )

    async def speed(self) -> Finding:
        """Count programs a second."""
        self._watcher.begin("speed", 0)
        cold, warm = await speeds(self.card, self._sandbox)
        if cold is None:
            return Finding(part="speed", sentence="nothing was measured", problems=("no honest program passes",))
        said = f"{cold.per_second:.1f} programs a second on one core, cold"
        if warm is not None:
            said = f"{said}; {warm.per_second:.1f} warm"
        return Finding(part="speed", sentence=said)


async def speeds(card: Card, sandbox: Sandbox, seconds: float = 3.0) -> tuple[Speed | None, Speed | None]:
    """Measure a language cold and, where its card and the sandbox know how, warm."""
    cold = await measure(card, Cold(sandbox), seconds)
    return cold, await measure(card, sandbox, seconds) if _keeps_warm(card, sandbox) else None


def _keeps_warm(card: Card, sandbox: Sandbox) -> bool:
    """Whether the sandbox has something of the language that stays loaded."""
    found = toolchain.prepare_toolchain(card.name)
    return bool(found.warm or found.server) and isinstance(sandbox, SupportsWarmWorkers)


def _finding(part: str, sentence: str, wrong: list[str]) -> Finding:
    return Finding(part=part, sentence="this does not hold" if wrong else sentence, problems=tuple(wrong))
