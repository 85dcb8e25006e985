"""How many programs of a language can be judged in a second, one after the other."""

import statistics
import time

import msgspec

from glotsmith.languages import render
from glotsmith.languages.card import Card
from glotsmith.records import Outcome, Program, Record
from glotsmith.sandbox.base import Sandbox
from glotsmith.toolkit.row_checks import passing_row
from glotsmith.verification import Verifier

_FIRST = 2  #: programs that are not counted: they find cold disks, and start what is started once
_LEAST, _MOST = 5, 200  #: programs


class JudgingSpeed(Record, frozen=True, kw_only=True):
    """Medians over some programs."""

    programs: int
    wall_ms: float
    cpu_ms: float

    @property
    def per_second(self) -> float:
        """Programs a second."""
        return 1000 / self.wall_ms


class ColdStartSandbox:
    """A sandbox that starts every program by itself, also where a warm interpreter or compiler could do it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.name, self.promises = sandbox.name, sandbox.promises

    async def run(self, program: Program) -> Outcome:
        """Run one program, cold."""
        return await self._sandbox.run(msgspec.structs.replace(program, warm=None, server=None))

    async def close(self) -> None:
        """Close the sandbox beneath."""
        await self._sandbox.close()


async def measure_speed(card: Card, sandbox: Sandbox, seconds: float = 3.0) -> JudgingSpeed | None:
    """Judge an honest program of the language again and again, never the same text; None if it fails."""
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
