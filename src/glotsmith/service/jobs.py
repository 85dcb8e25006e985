"""``POST /verify``: a ``Job``, or a list of them → a ``Verdict``, or a list of them in the same order."""

import functools
import math
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from glotsmith.languages import unknown_language
from glotsmith.languages.spelling import label_language
from glotsmith.records import Job, Verdict
from glotsmith.service.http import JSON, Refused, decode, read_body, while_connected
from glotsmith.service.limits import MOST
from glotsmith.service.openapi import Endpoint, Operation
from glotsmith.service.state import Service
from glotsmith.verification.allowance import output_kb
from glotsmith.verification.batch import verify_all

_JOBS: msgspec.json.Decoder[Job | list[Job]] = msgspec.json.Decoder(Job | list[Job])


def routes(service: Service) -> list[Endpoint]:
    """Return the endpoint."""
    asked = Operation("Judge a job, or a list of jobs", Verdict | list[Verdict], Job | list[Job])
    return [Endpoint("POST", "/verify", functools.partial(_verify, service), asked)]


async def _verify(service: Service, request: Request) -> Response:
    with service.admission.enter():
        settings = service.settings
        asked = decode(_JOBS, await read_body(request, settings.body_mb * 2**20, settings.body_s))
        jobs = asked if isinstance(asked, list) else [asked]
        service.admission.bound(len(jobs))
        jobs = [checked(job) for job in jobs]
        with service.admission.extend(max(len(jobs) - 1, 0)):
            verdicts = await while_connected(request, judge(service, jobs))
    return Response(msgspec.json.encode(verdicts if isinstance(asked, list) else verdicts[0]), media_type=JSON)


def checked(job: Job) -> Job:
    """Return a stranger's job with its language's id, after making sure that it can be judged.

    Raises:
        Refused: its language is unknown, it says not what is to hold, or a limit is out of bounds.

    """
    wrong = ""
    language = label_language(job.language)
    if not language:
        wrong = unknown_language(job.language)
    elif not (job.tests or job.io or job.program):
        wrong = "it has none of tests, io, program, so nothing could be judged"
    elif job.time_limit_s is not None and not 0.001 <= job.time_limit_s <= MOST.cpu_s:
        wrong = f"time_limit_s is {job.time_limit_s}; it must be from 0.001 to {MOST.cpu_s}"
    elif job.memory_limit_mb is not None and not 1 <= job.memory_limit_mb <= MOST.memory_mb:
        wrong = f"memory_limit_mb is {job.memory_limit_mb}; it must be from 1 to {MOST.memory_mb}"
    elif job.output_limit_kb is not None and not 1 <= job.output_limit_kb <= MOST.output_kb:
        wrong = f"output_limit_kb is {job.output_limit_kb}; it must be from 1 to {MOST.output_kb}"
    elif job.file_limit_mb is not None and not 1 <= job.file_limit_mb <= MOST.file_mb:
        wrong = f"file_limit_mb is {job.file_limit_mb}; it must be from 1 to {MOST.file_mb}"
    elif (needed := output_kb(job)) > MOST.output_kb:
        wrong = f"its tests expect an output that needs a limit of {needed} KB; at most {MOST.output_kb} are allowed"
    else:
        wrong = _wrong_tolerance(job)
    if wrong:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"job {job.id!r}: {wrong}")
    return msgspec.structs.replace(job, language=language)


def _wrong_tolerance(job: Job) -> str:
    """Return a sentence where a tolerance of a job is none."""
    for name, value in (("tolerance", job.tolerance), ("absolute_tolerance", job.absolute_tolerance)):
        if not (math.isfinite(value) and value >= 0):
            return f"{name} is {value}; it must be 0 or more"
    return ""


async def judge(service: Service, jobs: list[Job]) -> list[Verdict]:
    """Return the verdicts on jobs that were checked, in their order."""
    return [service.metrics.judged(verdict) for verdict in await verify_all(service.verifier, jobs)]
