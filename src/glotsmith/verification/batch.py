"""Many jobs at once: verdicts in their order, and one job's trouble is not the others'."""

import asyncio
import logging
from collections.abc import Iterator, Sequence

from glotsmith.records import Job, Verdict
from glotsmith.step import Verify

_MANY = 256  #: jobs in flight; more only cost memory
_log = logging.getLogger(__name__)


async def verify_all(verifier: Verify, jobs: Sequence[Job]) -> list[Verdict]:
    """Return the verdicts on jobs, in their order; a defect of ours is ``infra:refused``, and logged."""
    if len(jobs) == 1:
        return [await verify_one(verifier, jobs[0])]
    verdicts, rest = dict[int, Verdict](), enumerate(jobs)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(len(jobs), _MANY)):
            group.create_task(_work(verifier, rest, verdicts))
    return [verdicts[number] for number in range(len(jobs))]


async def _work(verifier: Verify, rest: Iterator[tuple[int, Job]], verdicts: dict[int, Verdict]) -> None:
    for number, job in rest:
        verdicts[number] = await verify_one(verifier, job)


async def verify_one(verifier: Verify, job: Job) -> Verdict:
    """Return the verdict on one job, whatever becomes of others that asked for the same."""
    while True:
        try:
            return await verifier.verify(job)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            await asyncio.sleep(0)  # another caller asked for the same, and has gone: once more
        except Exception as error:  # a defect; one job must not take the others' verdicts with it
            _log.exception("a job of language %s could not be judged", job.language)
            detail = f"glotsmith failed on this job ({type(error).__name__}); its log has more"
            return Verdict(id=job.id, language=job.language, status="infra:refused", detail=detail)
