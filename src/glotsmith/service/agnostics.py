"""``POST /agnostics?language=…``: answers each JSON line by ``verification/agnostics_protocol.py``."""

import functools
import logging
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from glotsmith.errors import UsageError
from glotsmith.languages import language_names, resolve_language
from glotsmith.service.admission import answer_list
from glotsmith.service.openapi import Endpoint, Operation
from glotsmith.service.request_handling import RequestRefused, read_body, while_connected
from glotsmith.service.state import Service
from glotsmith.verification.agnostics_protocol import AgnosticsAnswer, AgnosticsItem, answer_line, refused_answer

LINES = "application/x-ndjson"
_log = logging.getLogger(__name__)


def routes(service: Service) -> list[Endpoint]:
    """Return the endpoint."""
    operation = Operation(
        "Test programs: JSON lines of Agnostics' executors, answered in the same order",
        str,
        str,
        media=LINES,
        lines=(AgnosticsItem, AgnosticsAnswer),
        query={"language": language_names()},
        note=f"A request may have up to {service.settings.list_items} lines.",
    )
    return [Endpoint("POST", "/agnostics", functools.partial(_answer_request, service), operation)]


async def _answer_request(service: Service, request: Request) -> Response:
    try:
        language = resolve_language(request.query_params.get("language", ""))
    except UsageError as error:
        raise RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    with service.admission.admit() as place:
        body = await read_body(request, service.settings.body_mb * 2**20, service.settings.body_s, LINES)
        lines = [line for line in body.split(b"\n") if line.strip()]
        service.admission.add_list(place, len(lines))
        answered = functools.partial(_answer_line, service, language)
        answers = await while_connected(request, answer_list(service.admission, lines, answered, _refuse_line))
    return Response(b"".join(answers), media_type=LINES)


async def _answer_line(service: Service, language: str, _: int, line: bytes) -> bytes:
    return _encode(await _answer(service, language, line))


def _refuse_line(_: int, __: bytes, why: str) -> bytes:
    return _encode(refused_answer("infra:refused", why))


def _encode(answer: AgnosticsAnswer) -> bytes:
    return msgspec.json.encode(answer) + b"\n"


async def _answer(service: Service, language: str, line: bytes) -> AgnosticsAnswer:
    """Return the answer to one line; an internal error is logged and affects only this line."""
    try:
        return await answer_line(service.sandbox.run, language, line)
    except Exception as error:
        _log.exception("a line of language %s could not be judged", language)
        return refused_answer(
            "infra:refused", f"an internal error on this line ({type(error).__name__}); see the log of the service"
        )
