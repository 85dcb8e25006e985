"""Run the steps of a run whose teacher answers later: again while replies arrive, and end while they are missing."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from glotsmith.errors import BudgetError, OutageError, RepliesPendingError
from glotsmith.teachers.base import ReplyRounds
from glotsmith.teachers.wrappers import CachedTeacher

BATCHES = "batches"  #: folder in a run folder, with the files of the teacher


async def run_in_rounds(
    rounds: ReplyRounds | None, folder: Path, cached: CachedTeacher, run_steps: Callable[[], Awaitable[bool]]
) -> bool:
    """Run the steps; return whether they are finished.

    Args:
        rounds: of the teacher; None for one that answers at once.
        folder: the run folder.
        cached: the teacher as the steps see it.
        run_steps: runs the steps from where they stopped.

    Raises:
        RepliesPendingError: replies arrive later than the teacher waits.
        GlotsmithError: see ``run_steps``.

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
        if not await rounds.wait():
            raise RepliesPendingError(rounds.pending_sentence())
