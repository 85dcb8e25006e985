"""Work that several items share: done once, and anew after a failure."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Key = TypeVar("Key")
T = TypeVar("T")


async def run_once_per_key(
    known: "dict[Key, asyncio.Future[T]]", key: Key, work: Callable[[], Coroutine[Any, Any, T]]
) -> T:
    """Return the result of ``work``, begun by the first who asks for ``key``; ``known`` forgets work that fails."""
    future = known.get(key)
    if future is None:
        future = known[key] = asyncio.ensure_future(work())
        future.add_done_callback(_retrieve)
    try:
        return await asyncio.shield(future)
    except Exception:
        if known.get(key) is future:
            del known[key]
        raise


def _retrieve(future: "asyncio.Future[T]") -> None:
    """Mark the exception as seen: whoever waited for it may have been cancelled."""
    if not future.cancelled():
        future.exception()
