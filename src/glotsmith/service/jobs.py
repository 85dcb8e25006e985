"""``POST /verify``: returns the ``Verdict`` on a ``Job``, or the verdicts on a list of jobs, in the same order.

An item of a list that is not a job gets the verdict ``infra:refused``; the other items are verified. A list may be
longer than the queue (``admission.py``).
"""

import functools
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from glotsmith.languages import unknown_language
from glotsmith.languages.spelling import language_of_label
from glotsmith.records import Job, Verdict
from glotsmith.service.admission import answer_list
from glotsmith.service.openapi import Endpoint, Operation
from glotsmith.service.request_handling import (
    JSON,
    RequestRefused,
    decode_body,
    malformed_body,
    read_body,
    while_connected,
)
from glotsmith.service.state import SERVICE_MAX_LIMITS, Service
from glotsmith.verification.job_limits import judged_fields_error, limits_error, output_limit_kb
from glotsmith.verification.verifier import verify_one

_JOB = msgspec.json.Decoder(Job)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()
_SPACE = b" \t\r\n"  #: white space of JSON
#: an item of a list in the OpenAPI description: a job. Any other value gets the verdict ``infra:refused``.
_Item = Annotated[
    Any,
    msgspec.Meta(
        extra_json_schema={
            "anyOf": [{"$ref": "#/components/schemas/Job"}, {}],
            "description": "A job. Any other value gets the verdict infra:refused; the other items are judged.",
        }
    ),
]


def routes(service: Service) -> list[Endpoint]:
    """Return the endpoint."""
    jobs: Any = Annotated[list[_Item], msgspec.Meta(max_length=service.settings.list_items)]
    operation = Operation("Judge a job, or a list of jobs", Verdict | list[Verdict], Job | jobs)
    return [Endpoint("POST", "/verify", functools.partial(_verify, service), operation)]


async def _verify(service: Service, request: Request) -> Response:
    with service.admission.admit() as ticket:
        settings = service.settings
        body = await read_body(request, settings.body_mb * 2**20, settings.body_s)
        if body.lstrip(_SPACE).startswith(b"["):
            items = _split_items(body)
            service.admission.add_list(ticket, len(items))
            answer = functools.partial(_verify_item, service)
            refuse = functools.partial(_refuse_item, service)
            verdicts = await while_connected(request, answer_list(service.admission, items, answer, refuse))
            content = b"[" + b",".join(verdicts) + b"]"
        else:
            (verdict,) = await while_connected(request, verify_jobs(service, [_decode_job(body)]))
            content = msgspec.json.encode(verdict)
    return Response(content, media_type=JSON)


async def _verify_item(service: Service, position: int, raw: msgspec.Raw | bytes) -> bytes:
    found = parse_item(position, raw)
    verdict = (
        (await verify_jobs(service, [found]))[0] if isinstance(found, Job) else service.metrics.count_verdict(found)
    )
    return msgspec.json.encode(verdict)


def _refuse_item(service: Service, position: int, raw: msgspec.Raw | bytes, why: str) -> bytes:
    return msgspec.json.encode(service.metrics.count_verdict(_refused_verdict(position, raw, why)))


def _split_items(body: bytes) -> Sequence[msgspec.Raw | bytes]:
    """Return the JSON of each item of a list. An invalid byte or a NaN in an item affects only that item.

    Raises:
        RequestRefused: The body is not a JSON list.

    """
    try:
        return _ITEMS.decode(body)
    except (ValueError, RecursionError) as error:
        try:
            return [json.dumps(value).encode() for value in json.loads(body)]  # Python's parser also accepts these
        except (ValueError, RecursionError):
            raise malformed_body(error, body) from error


def _decode_job(body: bytes) -> Job:
    return check_job(decode_body(_JOB, body))


def parse_item(position: int, raw: msgspec.Raw | bytes) -> Job | Verdict:
    """Return an item of a list as a job, or the verdict ``infra:refused`` if it is not one.

    Args:
        position: The position of the item in the list, from 1.
        raw: The JSON of the item.

    """
    try:
        return check_job(_JOB.decode(raw))
    except RequestRefused as error:
        why = str(error)
    except (ValueError, RecursionError) as error:
        why = str(malformed_body(error, bytes(raw))).replace("the body", "it")
    return _refused_verdict(position, raw, f"item {position} of the list is not a job: {why}")


def _refused_verdict(position: int, raw: msgspec.Raw | bytes, detail: str) -> Verdict:
    given = _decode_fields(raw)
    name, language = given.get("id"), given.get("language")
    return Verdict(
        id=name if isinstance(name, str) else "",
        language=language_of_label(language) if isinstance(language, str) else "",
        status="infra:refused",
        line=position,
        detail=detail,
    )


def _decode_fields(raw: msgspec.Raw | bytes) -> dict[str, Any]:
    """Return the fields of an item that is not a job; {} if it is not an object."""
    try:
        found: Any = _ANY.decode(bytes(raw).decode(errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def check_job(job: Job) -> Job:
    """Check a job from a client, and return it with the id of its language.

    Raises:
        RequestRefused: The language is unknown, the job has no tests, or a limit is out of bounds.

    """
    wrong = ""
    language = language_of_label(job.language)
    if not language:
        wrong = unknown_language(job.language)
    elif found := judged_fields_error(job):
        wrong = f"it {found}"
    elif found := limits_error(job, SERVICE_MAX_LIMITS):
        wrong = found
    elif (needed := output_limit_kb(job)) > (maximum := SERVICE_MAX_LIMITS.output_kb):
        wrong = f"its tests expect an output that needs a limit of {needed} KB; the maximum is {maximum} KB"
    if wrong:
        raise RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, f"job {job.id!r}: {wrong}")
    return msgspec.structs.replace(job, language=language)


async def verify_jobs(service: Service, jobs: Sequence[Job]) -> list[Verdict]:
    """Return the verdicts on checked jobs, in order."""
    return [service.metrics.count_verdict(await verify_one(service.verifier, job)) for job in jobs]
