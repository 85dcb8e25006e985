"""Calibrate CPU limits, so that they have the same meaning on every machine.

Limits are in seconds of the reference machine::

    factor         = (cpu(calibration) - cpu(accepted)) / reference_cpu_s
    limit here     = limit * factor + cpu(accepted)

``calibration`` and ``accepted`` are rows of the ``verdicts.toml`` of a language. ``cpu`` is the CPU time of the program
of a row on this machine. The program of ``accepted`` does almost nothing after its start. ``reference_cpu_s`` is the
CPU time of ``calibration`` on the reference machine, minus that of the start. For warm interpreters, the start of
``accepted`` in a warm interpreter is also measured. The results are stored for later processes, for each machine,
toolchain and card. A language without one of the rows has the limits of the reference machine.
"""

import asyncio
import json
import logging
import platform
from pathlib import Path
from typing import NamedTuple

import msgspec

from glotsmith.cache_paths import cache_home
from glotsmith.languages import get_card, program, toolchain
from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.records import Limits, Program, content_hash
from glotsmith.sandbox.base import Sandbox
from glotsmith.values import parse_signature, parse_test
from glotsmith.write_aside import write_aside

_TRIALS = 3  #: the fastest one counts, because other load only adds time
_MIN_FACTOR, _MAX_FACTOR = 1.0, 20.0  #: faster machines keep the limits; a larger factor is an error of measurement
_MAX_START_S = 10.0
_log = logging.getLogger(__name__)


class LanguageSpeed(NamedTuple):
    """The speed of a language on this machine."""

    factor: float = 1.0  #: CPU time on this machine / CPU time on the reference machine
    start_s: float = 0.0  #: CPU seconds of a cold start
    warm_start_s: float = 0.0  #: CPU seconds of a start in a warm interpreter; ``start_s`` if there is none

    def scale_limits(self, limits: Limits) -> Limits:
        """Convert limits of the reference machine to limits of this machine."""
        cpu_s = limits.cpu_s * self.factor + self.start_s
        wall_s = limits.wall_s * max(1.0, cpu_s / limits.cpu_s)
        cold_start_s = max(self.start_s - self.warm_start_s, 0.0)
        load_s = limits.load_s * self.factor
        return msgspec.structs.replace(limits, cpu_s=cpu_s, cold_start_s=cold_start_s, load_s=load_s, wall_s=wall_s)


class Calibration:
    """Measures each language when it is first needed, and stores the measurements in a file."""

    def __init__(self, sandbox: Sandbox, path: Path | None = None) -> None:
        self._sandbox = sandbox
        self._path = path or cache_home() / "calibration.json"
        self._known: dict[str, LanguageSpeed] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def speed(self, language: str) -> LanguageSpeed:
        """Return a language's speed on this machine; that of the reference machine if it cannot be measured.

        Raises:
            ToolchainError: the machine has no toolchain of the language.

        """
        if language in self._known:
            return self._known[language]
        row = read_proof_rows(language).get("calibration")
        if row is None or not row.reference_cpu_s:
            return LanguageSpeed()
        async with self._locks.setdefault(language, asyncio.Lock()):
            if language not in self._known:
                key = content_hash(
                    get_card(language).fingerprint, toolchain.find_toolchain(language).version, _machine()
                )
                self._known[language] = self._load_speed(key) or await self._measure(language, row, key)
        return self._known[language]

    async def _measure(self, language: str, row: ProofRow, key: str) -> LanguageSpeed:
        start_row = read_proof_rows(language).get("accepted")
        start = await self._cpu_seconds(language, start_row)
        measured = await self._cpu_seconds(language, row)
        if start is None or measured is None:
            _log.warning(
                "%s: cannot measure the speed of this machine; using the limits of the reference machine", language
            )
            return LanguageSpeed()
        warm_start = await self._cpu_seconds(language, start_row, warm=True)
        factor = min(max((measured - start) / row.reference_cpu_s, _MIN_FACTOR), _MAX_FACTOR)
        starts = (
            round(min(seconds, _MAX_START_S), 3) for seconds in (start, start if warm_start is None else warm_start)
        )
        speed = LanguageSpeed(round(factor, 3), *starts)
        self._save_speed(key, speed)
        return speed

    async def _cpu_seconds(self, language: str, row: ProofRow | None, *, warm: bool = False) -> float | None:
        """Return the CPU time of a row's program, cold or warm; None if it fails or the row has no function."""
        made = _call_of_row(language, row) if row is not None else None
        if made is None:
            return None
        chosen = made if warm else msgspec.structs.replace(made, warm=None)
        outcomes = [await self._sandbox.run(chosen) for _ in range(_TRIALS)]
        seconds = [o.cpu_s for o in outcomes if o.ending == "exit" and o.built]
        return min(seconds) if len(seconds) == _TRIALS else None

    def _load_speed(self, key: str) -> LanguageSpeed | None:
        found = self._read().get(key)
        return LanguageSpeed(*found) if found and len(found) == len(LanguageSpeed._fields) else None

    def _save_speed(self, key: str, speed: LanguageSpeed) -> None:
        """Rewrite the file. If two processes write at once, one measurement is lost and is repeated later."""
        text = json.dumps({**self._read(), key: list(speed)}, indent=1)
        try:
            with write_aside(self._path, shared=True) as draft:
                draft.write_text(text, "utf-8")
        except OSError as error:
            _log.warning("cannot store the speed of this machine in %s: %s", self._path, error)

    def _read(self) -> dict[str, list[float]]:
        try:
            return json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}


def _call_of_row(language: str, row: ProofRow) -> Program | None:
    """Return the program that calls a row's function once; None if the row cannot be called."""
    card = get_card(language)
    if row.io or card.level != "full":
        return None
    try:
        calls = [parse_test(test).arguments for test in row.tests[:1]]
        made, _ = program.call_program(card, row.code, parse_signature(row.signature), calls)
    except ValueError as error:  # NotLiteral, Unrepresentable, or a call with other parameters
        _log.warning("%s: cannot call the function of a row in verdicts.toml: %s", language, error)
        return None
    return made


def _machine() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.platform()
    return next((line for line in text.splitlines() if line.startswith("model name")), platform.machine())
