"""Run coroutines concurrently, and note the step and the items on their exceptions."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
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


class _Annotation:
    """See ``annotate_errors``; a class, because a run enters one for each turn of an item."""

    def __init__(self, step: str, keys: Sequence[str]) -> None:
        self._step, self._keys = step, keys

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Add the note to an exception."""
        if error is None:
            return
        keys = self._keys
        where = f"in step {self._step!r}, item {', '.join(keys[:3])}{' …' if len(keys) > 3 else ''}"
        if isinstance(error, Exception):
            error.add_note(where)
        elif isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            if task is not None and not task.cancelling():
                raise RuntimeError(f"a step cancelled its own task, {where}") from error


def annotate_errors(step: str, keys: Sequence[str]) -> AbstractContextManager[None, None]:
    """Add a note with the step and the items to every exception raised inside.

    A ``CancelledError`` that a step itself raises becomes a ``RuntimeError``; otherwise its task would end silently.
    """
    return _Annotation(step, keys)
