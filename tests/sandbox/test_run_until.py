"""Programs that end as soon as their output says enough."""

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
        ("echo enough", LIMITS, b"enough", "exit"),
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
