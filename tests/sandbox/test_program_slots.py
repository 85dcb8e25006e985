"""Slots of running programs, and programs that lend them while they wait."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from glotsmith.records import Limits, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.program_slots import MAX_WAITING, MAX_WAITING_THREADS, ProgramSlots


async def run_pending_callbacks() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


async def started(slots: ProgramSlots, count: int) -> int:
    """Return how many of some programs get a slot at once; the others give up."""
    tasks = [asyncio.ensure_future(slots.acquire()) for _ in range(count)]
    await run_pending_callbacks()
    got = sum(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return got


async def lends(slots: ProgramSlots) -> None:
    slots.lend("a", 10.0, 2)
    slots.lend("a", 20.0, 2)  # a second call for the same program changes nothing


async def lends_and_resumes(slots: ProgramSlots) -> None:
    slots.lend("a", 10.0, 2)
    slots.take_back("a")
    slots.take_back("a")


async def lends_too_much_memory(slots: ProgramSlots) -> None:
    slots.lend("a", 4000.0, 2)


async def lends_too_many_threads(slots: ProgramSlots) -> None:
    slots.lend("a", 10.0, MAX_WAITING_THREADS + 1)


async def lends_all_threads_once(slots: ProgramSlots) -> None:
    slots.lend("a", 10.0, MAX_WAITING_THREADS)
    slots.lend("b", 10.0, 1)


async def ends(slots: ProgramSlots) -> None:
    slots.release()


async def gives_up(slots: ProgramSlots) -> None:
    waiting = asyncio.ensure_future(slots.acquire())
    await run_pending_callbacks()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting


async def gives_up_with_its_slot(slots: ProgramSlots) -> None:
    waiting = asyncio.ensure_future(slots.acquire())
    await run_pending_callbacks()
    slots.release()  # the slot is given to the waiting one, which has not run yet
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("action", "free"),
    [
        (lends, 1),
        (lends_and_resumes, 0),
        (lends_too_much_memory, 0),
        (lends_too_many_threads, 0),
        (lends_all_threads_once, 1),
        (ends, 1),
        (gives_up, 0),
        (gives_up_with_its_slot, 1),
    ],
)
def test_how_many_programs_start_beside_two_that_have_slots(
    action: Callable[[ProgramSlots], Awaitable[None]], free: int
) -> None:
    async def count() -> int:
        slots = ProgramSlots(2)
        assert await started(slots, 2) == 2
        await action(slots)
        return await started(slots, 3)

    assert asyncio.run(count()) == free


def test_only_some_programs_may_wait_at_once() -> None:
    async def count() -> int:
        slots = ProgramSlots(1)
        for number in range(MAX_WAITING + 5):
            if not await started(slots, 1):
                return number
            slots.lend(number, 1.0, 2)
        return -1

    assert asyncio.run(count()) == MAX_WAITING + 1


@pytest.mark.slow
def test_a_program_runs_beside_one_that_waits() -> None:
    order = list[str]()

    async def run(script: str) -> None:
        await sandbox.run(Program(files={}, argv=("sh", "-c", script), limits=Limits(idle_s=1.0)))
        order.append(script)

    async def both() -> None:
        waits = asyncio.create_task(run("sleep 60"))
        await asyncio.sleep(0)
        await asyncio.gather(waits, run("true"))
        await sandbox.close()

    sandbox = open_sandbox(jobs=1)
    asyncio.run(both())
    assert order == ["true", "sleep 60"]
