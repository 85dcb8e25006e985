"""Run coroutines concurrently, and note the step and the items on their exceptions."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import Any


async def run_concurrently(functions: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Run all functions concurrently. At the first failure or if cancelled, cancel and await the others, then raise.

    The coroutines are created here, since a cancellation before the first step would leave passed ones unawaited.
    """
    tasks = [asyncio.create_task(each()) for each in functions]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def annotate_errors(step: str, keys: Sequence[str]) -> Generator[None, None, None]:
    """Add a note with the step and the items to every exception raised inside.

    A ``CancelledError`` that a step raises by itself becomes a ``RuntimeError``; otherwise its task would end silently.
    """
    where = f"in step {step!r}, item {', '.join(keys[:3])}{' …' if len(keys) > 3 else ''}"
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError(f"a step cancelled itself, {where}") from error
    except Exception as error:
        error.add_note(where)
        raise
