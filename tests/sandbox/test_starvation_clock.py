"""Time without a processor: what counts, and what does not."""

import asyncio
import os
import subprocess
import sys

import pytest

from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.process_tree import ProcessStat
from glotsmith.sandbox.starvation_clock import StarvationClock


def process(pid: int, state: str, cpu_s: float) -> ProcessStat:
    return ProcessStat(pid, 1, pid, state, cpu_s, 0.0, 1, 1.0)


@pytest.mark.parametrize(
    ("state", "cpu_share", "lasts", "starved_s"),
    [
        ("R", 0.0, True, 1.0),
        ("R", 0.1, True, 0.9),  # it works while it has a processor
        ("R", 0.9, True, 0.0),  # it works
        ("D", 0.0, True, 1.0),  # it waits for a disk
        ("S", 0.0, True, 0.0),  # it sleeps: the idle limit and the wall limit hold
        ("T", 0.0, True, 0.0),  # it is stopped
        ("Z", 0.0, True, 0.0),
        ("R", 0.0, False, 0.0),  # a chain of short processes, whose CPU time is lost
    ],
)
def test_only_a_process_that_could_run_is_starved(state: str, cpu_share: float, lasts: bool, starved_s: float) -> None:
    clock = StarvationClock()
    for check in range(11):
        now = 5.0 + check / 10
        clock.check(now, [process(1 if lasts else check + 1, state, cpu_share * check / 10)])
    assert clock.starved_s == pytest.approx(starved_s)


def test_a_tree_that_starts_processes_is_not_starved() -> None:
    """A fork bomb makes the machine busy, and its processes end before their CPU time is read."""
    clock = StarvationClock()
    for check in range(11):
        clock.check(check / 10, [process(1, "R", 0.0), process(2 + check, "R", 0.0)])
    assert clock.starved_s == 0.0


def test_a_tree_works_if_one_of_its_processes_does() -> None:
    clock = StarvationClock()
    for check in range(11):
        clock.check(check / 10, [process(1, "R", 0.0), process(2, "R", check / 10)])
    assert clock.starved_s == 0.0


_HALF_A_SECOND = "import time\nwhile time.process_time() < 0.5: pass"
_LOOP = "import time\nend = time.monotonic() + 6\nwhile time.monotonic() < end: pass"


async def _outcome(program: Program) -> Outcome:
    sandbox = open_sandbox("auto", 1)
    try:
        return await sandbox.run(program)
    finally:
        await sandbox.close()


@pytest.mark.slow
def test_a_starved_program_does_not_reach_its_wall_limit() -> None:
    """Six loops for each processor leave the program a seventh, so that half a second of CPU time takes 3.5 seconds."""
    program = Program(files={}, argv=("python3", "-c", _HALF_A_SECOND), limits=Limits(wall_s=1.5))
    argv = [sys.executable, "-c", _LOOP]  # in sessions, because a kernel may share processors among sessions
    loops = [subprocess.Popen(argv, start_new_session=True) for _ in range(6 * len(os.sched_getaffinity(0)))]
    try:
        outcome = asyncio.run(_outcome(program))
    finally:
        for process in loops:
            process.kill()
            process.wait()
    assert outcome.ending == "exit", outcome
