"""Report the requests that a teacher has not answered yet, at regular intervals."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from glotsmith.teachers.base import Waiting
from glotsmith.teachers.wrappers import CachedTeacher

#: Receives the open requests of a teacher; None where there are none.
ReportWaiting = Callable[[Waiting | None], None]
_EVERY_S = 1.0  #: between two reports


def report_nothing(waiting: Waiting | None) -> None:
    """Report nothing."""


@asynccontextmanager
async def reporting_waiting(teacher: CachedTeacher, report: ReportWaiting) -> AsyncGenerator[None]:
    """Report the open requests of a teacher while the block runs."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            report(teacher.monitored.waiting())

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
