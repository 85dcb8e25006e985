"""Measure how fast glotsmith verifies programs of each language, cold and warm, on one core.

    python benchmarks/languages.py [NAME ...]

Measures the languages that run on this machine, one after the other, and writes ``benchmarks/languages.toml`` and
``docs/languages.md``. With names, measures only these languages and keeps the stored figures of the others.
"""

import asyncio
import os
import platform
import sys
from pathlib import Path

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, language_names, toolchain
from glotsmith.sandbox import open_sandbox
from glotsmith.toolkit.language_check import measure_speeds
from glotsmith.toolkit.languages_page import (
    MeasuredSpeed,
    SpeedMeasurements,
    dump_measurements,
    load_measurements,
    render_page,
)

ROOT = Path(__file__).parents[1]
STORED, PAGE = ROOT / "benchmarks" / "languages.toml", ROOT / "docs" / "languages.md"
SECONDS = 5.0  #: for each language, cold, and the same time again warm


async def measure(name: str) -> tuple[MeasuredSpeed, str] | None:
    card, found = get_card(name), toolchain.find_toolchain(name)
    sandbox = open_sandbox(jobs=1)
    try:
        cold, warm = await measure_speeds(card, sandbox, SECONDS)
    finally:
        await sandbox.close()
    if cold is None:
        return None
    measured = MeasuredSpeed(
        toolchain=found.version,
        cold=round(cold.per_second, 1),
        cold_cpu_ms=cold.cpu_ms,
        warm=round(warm.per_second, 1) if warm else None,
        warm_cpu_ms=warm.cpu_ms if warm else None,
    )
    return measured, sandbox.name


def main(wanted: list[str]) -> None:
    known = load_measurements(STORED).languages if wanted and STORED.exists() else {}
    languages, isolation = {k: v for k, v in known.items() if k in language_names()}, ""
    for name in wanted or language_names():
        try:
            found = asyncio.run(measure(name))
        except ToolchainError as error:
            print(f"{name:14} not run: {error}")
            continue
        if found is None:
            print(f"{name:14} not measured: its first correct program does not pass")
            continue
        languages[name], isolation = found
        m = languages[name]
        print(f"{name:14} cold {m.cold:7.1f}   warm {m.warm or 0:7.1f} programs per second   {m.toolchain}", flush=True)
    system = f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    cores = len(os.sched_getaffinity(0))
    measurements = SpeedMeasurements(machine=f"{cores} cores, {system}", isolation=isolation, languages=languages)
    STORED.write_text(dump_measurements(measurements), "utf-8")
    PAGE.write_text(render_page([get_card(name) for name in language_names()], measurements), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
