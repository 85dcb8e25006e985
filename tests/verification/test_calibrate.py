"""The speed of this machine, and the limits that follow from it."""

import asyncio
import json
from pathlib import Path

import pytest

from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import IsDecided
from glotsmith.verification.calibrate import Calibration, LanguageSpeed


@pytest.mark.parametrize(
    ("speed", "limits", "cpu_s", "cold_start_s", "wall_s"),
    [
        (LanguageSpeed(), Limits(cpu_s=2.0, wall_s=60.0), 2.0, 0.0, 60.0),
        (LanguageSpeed(2.0), Limits(cpu_s=2.0, wall_s=60.0), 4.0, 0.0, 120.0),
        (LanguageSpeed(1.0, 0.5, 0.125), Limits(cpu_s=2.0, wall_s=60.0), 2.5, 0.375, 75.0),
        (LanguageSpeed(2.0, 0.5, 0.5), Limits(cpu_s=2.0, wall_s=60.0), 4.5, 0.0, 135.0),  # no warm interpreter
        (LanguageSpeed(1.0, 0.5, 0.75), Limits(cpu_s=2.0, wall_s=60.0), 2.5, 0.0, 75.0),  # measured on a busy machine
    ],
)
def test_limits_are_scaled(
    speed: LanguageSpeed, limits: Limits, cpu_s: float, cold_start_s: float, wall_s: float
) -> None:
    scaled = speed.scale_limits(limits)
    assert (scaled.cpu_s, scaled.cold_start_s, scaled.wall_s) == (cpu_s, cold_start_s, wall_s)


def test_the_time_for_loading_is_scaled_by_the_speed_and_contains_no_start() -> None:
    assert LanguageSpeed(2.0, 0.5, 0.125).scale_limits(Limits(cpu_s=1.0, load_s=0.75)).load_s == 1.5


def test_an_entry_of_an_earlier_version_is_measured_again(tmp_path: Path) -> None:
    path, warm = tmp_path / "calibration.json", list[bool]()

    async def measure() -> LanguageSpeed:
        sandbox = open_sandbox(jobs=1)
        run = sandbox.run

        async def noting(program: Program, is_decided: IsDecided | None = None) -> Outcome:
            warm.append(program.warm is not None)
            return await run(program)

        sandbox.run = noting  # type: ignore[method-assign]
        try:
            return await Calibration(sandbox, path).speed("lua")
        finally:
            await sandbox.close()

    first = asyncio.run(measure())
    assert warm == [False] * 6 + [True] * 3
    stored = json.loads(path.read_text())
    assert list(stored.values()) == [list(first)]
    path.write_text(json.dumps({key: value[:2] for key, value in stored.items()}))
    assert len(asyncio.run(measure())) == 3
    assert asyncio.run(measure()) == LanguageSpeed(*json.loads(path.read_text()).popitem()[1])
    assert len(warm) == 18
