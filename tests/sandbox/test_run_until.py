"""Programs that end as soon as their output says enough, and CPU time that a program has only until a line."""

import asyncio
from collections.abc import Iterator

import pytest

from glotsmith.records import Limits, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox, SupportsEarlyEnd

LOOPS = "echo enough; while :; do :; done"
LIMITS = Limits(cpu_s=0.2, wall_s=20.0)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    opened = open_sandbox()
    yield opened
    asyncio.run(opened.close())


@pytest.mark.parametrize(
    ("script", "limits", "awaited", "ending"),
    [
        (LOOPS, Limits(), b"enough", "decided"),
        (LOOPS, LIMITS, b"more", "cpu"),
        ("echo enough", LIMITS, b"more", "exit"),
    ],
)
def test_a_program_ends_when_its_output_is_enough(
    sandbox: Sandbox, script: str, limits: Limits, awaited: bytes, ending: str
) -> None:
    assert isinstance(sandbox, SupportsEarlyEnd)
    program = Program(files={}, argv=("sh", "-c", script), limits=limits)
    outcome = asyncio.run(sandbox.run_until(program, lambda stdout: awaited in stdout))
    assert outcome.ending == ending
    assert outcome.stdout == b"enough\n"


@pytest.mark.parametrize(
    ("script", "has_load_time"),
    [
        ("echo loaded; while :; do :; done", False),
        ("printf loaded; while :; do :; done", True),  # no whole line
        ("echo unloaded again; while :; do :; done", True),
        ("i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done; echo loaded; while :; do :; done", False),
    ],
)
def test_the_time_for_loading_ends_with_a_line_of_stdout(sandbox: Sandbox, script: str, has_load_time: bool) -> None:
    limits = Limits(cpu_s=0.8, load_s=0.7, wall_s=300.0)
    program = Program(files={}, argv=("sh", "-c", script), loaded_line="loaded", limits=limits)
    outcome = asyncio.run(sandbox.run(program))
    assert outcome.ending == "cpu"
    assert (outcome.cpu_s >= limits.cpu_s) == has_load_time
