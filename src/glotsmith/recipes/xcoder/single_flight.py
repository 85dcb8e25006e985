"""Run one coroutine for several callers that need the same result."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Key = TypeVar("Key")
T = TypeVar("T")


async def run_once_per_key(
    futures: "dict[Key, asyncio.Future[T]]", key: Key, start: Callable[[], Coroutine[Any, Any, T]]
) -> T:
    """Return the result of the coroutine for ``key``, which the first caller starts.

    If the coroutine fails, its future is removed from ``futures``, so that the next caller starts it again.
    """
    future = futures.get(key)
    if future is None:
        future = futures[key] = asyncio.ensure_future(start())
        future.add_done_callback(_retrieve)
    try:
        return await asyncio.shield(future)
    except Exception:
        if futures.get(key) is future:
            del futures[key]
        raise


def _retrieve(future: "asyncio.Future[T]") -> None:
    """Mark the exception as retrieved, since all callers may have been cancelled."""
    if not future.cancelled():
        future.exception()
