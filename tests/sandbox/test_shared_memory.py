"""The watchdog measures memory that processes share in a thread: the kernel may take seconds for it."""

import asyncio
import threading

import pytest

from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox import open_sandbox, supervised_process

SHARES_THEN_FORKS = """
import os, time
x = bytearray(60 << 20)
for _ in range(2): os.fork()
time.sleep(1)
while True: os.fork()
"""
GROWS_WITH_A_CHILD = """
import os, time
if os.fork() == 0: time.sleep(60)
x = bytearray(200 << 20)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        pytest.param(
            SHARES_THEN_FORKS, "processes", id="shares and forks"
        ),  # four processes share 60 MB, and then they are too many
        pytest.param(GROWS_WITH_A_CHILD, "memory", id="grows with a child"),  # one process alone exceeds the limit
    ],
)
def test_a_slow_measurement_delays_no_limit(monkeypatch: pytest.MonkeyPatch, code: str, ending: str) -> None:
    """The measurement of memory ends after the program."""
    program_ended, waited_for_the_end = threading.Event(), list[bool]()

    def measure(processes: object) -> float:
        waited_for_the_end.append(program_ended.wait(60))
        return 60.0

    async def run() -> Outcome:
        sandbox = open_sandbox()
        limits = Limits(cpu_s=30, wall_s=30, memory_mb=128, processes=16)
        argv = ("/usr/bin/python3", "-c", code)
        outcome = await sandbox.run(Program(files={}, argv=argv, limits=limits))
        program_ended.set()
        await sandbox.close()
        return outcome

    monkeypatch.setattr(supervised_process, "proportional_mb", measure)
    assert asyncio.run(run()).ending == ending
    assert waited_for_the_end == [True]
