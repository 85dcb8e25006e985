"""``POST /verify``: a ``Job``, or a list of them → a ``Verdict``, or a list of them in the same order."""

import asyncio
import functools
import logging
import math
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from glotsmith.languages import names
from glotsmith.records import Job, Verdict
from glotsmith.service.http import JSON, Refused, decode, read_body, while_connected
from glotsmith.service.programs import MOST
from glotsmith.service.state import Service

_JOBS: msgspec.json.Decoder[Job | list[Job]] = msgspec.json.Decoder(Job | list[Job])
_log = logging.getLogger("glotsmith.service")


def routes(service: Service) -> list[Route]:
    """Return the endpoint."""
    return [Route("/verify", functools.partial(_verify, service), methods=["POST"])]


async def _verify(service: Service, request: Request) -> Response:
    with service.admission.enter():
        settings = service.settings
        asked = decode(_JOBS, await read_body(request, settings.body_mb * 2**20, settings.body_s))
        jobs = asked if isinstance(asked, list) else [asked]
        if len(jobs) > service.admission.capacity:
            most = service.admission.capacity
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{len(jobs)} jobs; at most {most} may be sent at once")
        for job in jobs:
            check(job)
        with service.admission.extend(max(len(jobs) - 1, 0)):
            verdicts = await while_connected(request, judge(service, jobs))
    return Response(msgspec.json.encode(verdicts if isinstance(asked, list) else verdicts[0]), media_type=JSON)


def check(job: Job) -> None:
    """Make sure that a stranger's job can be judged.

    Raises:
        Refused: its language is unknown, it says not what is to hold, or a limit is out of bounds.

    """
    wrong = ""
    if job.language not in names():
        wrong = f"no language is named {job.language!r}; there are: {', '.join(names())}"
    elif not (job.tests or job.io or job.program):
        wrong = "it has none of tests, io, program, so nothing could be judged"
    elif job.time_limit_s is not None and not 0.001 <= job.time_limit_s <= MOST.cpu_s:
        wrong = f"time_limit_s is {job.time_limit_s}; it must be from 0.001 to {MOST.cpu_s}"
    elif job.memory_limit_mb is not None and not 1 <= job.memory_limit_mb <= MOST.memory_mb:
        wrong = f"memory_limit_mb is {job.memory_limit_mb}; it must be from 1 to {MOST.memory_mb}"
    elif not (math.isfinite(job.tolerance) and job.tolerance >= 0):
        wrong = f"tolerance is {job.tolerance}; it must be 0 or more"
    if wrong:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"job {job.id!r}: {wrong}")


async def judge(service: Service, jobs: list[Job]) -> list[Verdict]:
    """Return the verdicts on jobs that were checked, in their order."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_judge(service, job)) for job in jobs]
    return [service.metrics.judged(task.result()) for task in tasks]


async def _judge(service: Service, job: Job) -> Verdict:
    while True:
        try:
            return await service.verifier.verify(job)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            await asyncio.sleep(0)  # another client asked for the same, and has gone: once more
        except Exception as error:  # a defect; one job must not take the others' verdicts with it
            _log.exception("a job of language %s could not be judged", job.language)
            detail = f"glotsmith failed on this job ({type(error).__name__}); its log has more"
            return Verdict(id=job.id, language=job.language, status="infra:refused", detail=detail)
