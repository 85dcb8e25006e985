"""Run the steps of a run whose teacher answers later.

Run them again when replies arrive, until they are finished or no reply arrives for a while.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from glotsmith.api.run_teachers import CachedTeachers
from glotsmith.counts import counted
from glotsmith.errors import BudgetError, OutageError, RepliesPendingError, UsageError
from glotsmith.teachers.base import ReplyRounds

BATCHES = "batches"  #: name of a folder in a run folder, with the files of the teacher


def refuse_open_batches(folders: Iterable[Path]) -> None:
    """Check that no request of a preview or a pilot is in an open batch, since a run would send and pay for it again.

    Args:
        folders: The folders of the preview and the pilot, which need not exist.

    Raises:
        UsageError: Requests are in an open batch.

    """
    for folder in folders:
        if not (folder / BATCHES).is_dir():
            continue
        from glotsmith.teachers.batch.request_files import count_open_requests  # a slow import

        if count := count_open_requests(folder / BATCHES):
            raise UsageError(
                f"{counted(count, 'request', 'waits')} in batches of {folder}: this run would send the requests again, "
                "and pay twice. Run the preview or pilot of that folder again until it ends; this run then reuses its "
                f"replies. Or remove the folder {folder}"
            )


async def run_in_rounds(
    rounds: ReplyRounds | None,
    folder: Path,
    cached: CachedTeachers,
    run_steps: Callable[[], Awaitable[bool]],
    stopped: asyncio.Event,
) -> bool:
    """Run the steps; return whether they are finished, and not stopped.

    Args:
        rounds: The rounds of the teacher; None for a teacher that answers at once.
        folder: The run folder.
        cached: The teachers that the steps use.
        run_steps: A function that continues the steps.
        stopped: The event that is set when the run must stop.

    Raises:
        RepliesPendingError: The teacher has stopped waiting for replies that are still missing.
        GlotsmithError: See ``run_steps``.

    """
    if rounds is None:
        return await run_steps()
    await rounds.open(folder / BATCHES)
    while True:
        try:
            return await run_steps()
        except RepliesPendingError:
            await cached.wait_in_flight()
            await rounds.send()
        except (OutageError, BudgetError):
            await rounds.send()
            raise
        have_arrived = await _unless_stopped(rounds.wait, stopped)
        if stopped.is_set():
            return False
        if not have_arrived:
            raise RepliesPendingError(rounds.pending_sentence())


async def _unless_stopped(wait: Callable[[], Coroutine[Any, Any, bool]], stopped: asyncio.Event) -> bool:
    """Return what ``wait`` returns; cancel it and return False when the run must stop."""
    waiting, stopping = asyncio.create_task(wait()), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
        return not stopped.is_set() and await waiting
    finally:
        for task in (waiting, stopping):
            task.cancel()
        await asyncio.gather(waiting, stopping, return_exceptions=True)
