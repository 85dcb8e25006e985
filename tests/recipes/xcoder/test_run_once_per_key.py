"""A coroutine that several callers need runs once, and again after a failure."""

import asyncio
import gc
from typing import Any

import pytest

from glotsmith.recipes.xcoder.history import run_once_per_key


async def failing() -> int:
    await asyncio.sleep(0.01)
    raise ValueError("no")


def test_all_get_the_result_of_one_piece_of_work() -> None:
    begun: list[int] = []

    async def compute() -> int:
        begun.append(1)
        await asyncio.sleep(0)
        return 7

    async def main() -> list[int]:
        known: dict[int, asyncio.Future[int]] = {}
        return await asyncio.gather(*(run_once_per_key(known, 1, compute) for _ in range(3)))

    assert asyncio.run(main()) == [7, 7, 7]
    assert len(begun) == 1


def test_work_that_fails_is_forgotten() -> None:
    async def main() -> dict[int, asyncio.Future[int]]:
        known: dict[int, asyncio.Future[int]] = {}
        with pytest.raises(ValueError, match="no"):
            await run_once_per_key(known, 1, failing)
        return known

    assert asyncio.run(main()) == {}


@pytest.mark.slow
def test_work_that_fails_when_nobody_waits_any_more_says_nothing() -> None:
    """The event loop would log a traceback for it."""
    complaints: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        known: dict[int, asyncio.Future[int]] = {}
        waiting = asyncio.create_task(run_once_per_key(known, 1, failing))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting, *known.values()])
        del waiting
        known.clear()
        gc.collect()

    asyncio.run(main())
    assert complaints == []
