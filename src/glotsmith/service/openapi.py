"""The endpoint ``GET /openapi.json``: a description of all endpoints (OpenAPI 3.1), generated from their records.

Every ``Endpoint`` has a description. ``tests/service/test_openapi.py`` sends requests that fit the description and
requests that do not, and checks every response against the description.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from glotsmith import __version__
from glotsmith.languages import language_names
from glotsmith.sandbox.program_json import ErrorMessage
from glotsmith.service.request_handling import JSON, EndpointHandler
from glotsmith.service.state import SERVICE_MAX_LIMITS, min_limit
from glotsmith.verification.job_limits import JUDGED_FIELDS, LIMIT_FIELDS, MIN_LIMITS, TOLERANCE_FIELDS

#: error statuses of all requests
_COMMON_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
#: additional error statuses of requests with a body
_BODY_REFUSALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


class Operation(NamedTuple):
    """The request and the response of an endpoint."""

    summary: str
    reply: Any  #: the type of the response; str for text
    body: Any = None  #: the type of the request body; None if there is none
    media: str = JSON
    lines: tuple[Any, ...] = ()  #: types of a line of the request and of the response, for JSON lines
    note: str = ""  #: a sentence to add to the description
    query: dict[str, Sequence[str]] = {}  #: name of a required query parameter → allowed values
    refusals: tuple[HTTPStatus, ...] = ()  #: additional error statuses


class Endpoint(Route):
    """A route with a description."""

    def __init__(self, method: str, path: str, handler: EndpointHandler, operation: Operation) -> None:
        super().__init__(path, handler, methods=[method])
        self.method, self.operation = method, operation


def openapi_endpoint(endpoints: Sequence[Endpoint], *, token: bool) -> Endpoint:
    """Return the endpoint that describes the given endpoints and itself."""

    async def answer(_: Request) -> Response:
        return Response(text, media_type=JSON)

    own = Endpoint("GET", "/openapi.json", answer, Operation("This description, OpenAPI 3.1", dict[str, Any]))
    text = msgspec.json.encode(document([*endpoints, own], token=token))
    return own


def document(endpoints: Sequence[Endpoint], *, token: bool) -> dict[str, Any]:
    """Return the description of endpoints; ``token`` is whether they need a token."""
    operations = [e.operation for e in endpoints]
    types = [t for o in operations for t in (o.body, o.reply, *o.lines) if t not in (None, str)]
    schemas, components = msgspec.json.schema_components(
        [*types, ErrorMessage], ref_template="#/components/schemas/{name}"
    )
    known = dict(zip(map(_type_key, [*types, ErrorMessage]), schemas, strict=True))
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _describe_operation(endpoint, known)
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "glotsmith serve", "version": __version__},
        "paths": paths,
        "components": {"schemas": _with_bounds(components)},
    }
    if token:
        described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
    return described


def _describe_operation(endpoint: Endpoint, known: dict[str, Any]) -> dict[str, Any]:
    operation = endpoint.operation
    reply = {"type": "string"} if operation.reply is str else known[_type_key(operation.reply)]
    refusals = {*_COMMON_REFUSALS, *operation.refusals, *(_BODY_REFUSALS if operation.body is not None else ())}
    lines = [
        f"[{schema['$ref'].rpartition('/')[2]}]({schema['$ref']})"
        for schema in (known[_type_key(t)] for t in operation.lines)
    ]
    typed = f"A line is a {' and is answered by a '.join(lines)}." if lines else ""
    description = " ".join(filter(None, (typed, operation.note)))
    described: dict[str, Any] = {
        "operationId": endpoint.path.strip("/").replace("/", "_").replace(".", "_"),
        "summary": operation.summary,
        **({"description": description} if description else {}),
        "responses": {
            "200": {"description": "The answer.", "content": {operation.media: {"schema": reply}}},
            **{str(int(s)): _describe_refusal(s, known[_type_key(ErrorMessage)]) for s in sorted(refusals)},
        },
    }
    if operation.query:
        described["parameters"] = [
            {"name": name, "in": "query", "required": True, "schema": {"type": "string", "enum": [*values]}}
            for name, values in operation.query.items()
        ]
    if operation.body is not None:
        body = {"type": "string"} if operation.body is str else known[_type_key(operation.body)]
        described["requestBody"] = {"required": True, "content": {operation.media: {"schema": body}}}
    return described


def _describe_refusal(status: HTTPStatus, schema: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": status.phrase, "content": {JSON: {"schema": schema}}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        described["headers"] = {
            "Retry-After": {"description": "seconds", "required": True, "schema": {"type": "integer"}}
        }
    return described


def _with_bounds(components: dict[str, Any]) -> dict[str, Any]:
    """Add the bounds of limits and the list of languages to the schemas of the records."""
    limits = cast(dict[str, Any], components["Limits"]["properties"])
    for name, schema in limits.items():
        schema |= {"minimum": min_limit(name), "maximum": getattr(SERVICE_MAX_LIMITS, name)}
    job = components["Job"]
    job["properties"]["language"] |= {"enum": [*language_names()]}
    for name in TOLERANCE_FIELDS:
        job["properties"][name] |= {"minimum": 0}
    for name, limit in LIMIT_FIELDS.items():
        job["properties"][name]["anyOf"][0] |= {
            "minimum": getattr(MIN_LIMITS, limit),
            "maximum": getattr(SERVICE_MAX_LIMITS, limit),
        }
    job["anyOf"] = [
        {
            "required": [name],
            "properties": {
                other: {_size_keyword(other, wanted=other == name): int(other == name)} for other in JUDGED_FIELDS
            },
        }
        for name in JUDGED_FIELDS
    ]
    components["ProgramMessage"]["properties"]["argv"] |= {"minItems": 1}
    return components


def _size_keyword(demand: str, *, wanted: bool) -> str:
    """Return the keyword that requires a field of a job to be filled, or to be empty."""
    return ("min" if wanted else "max") + ("Length" if demand == "program" else "Items")


def _type_key(kind: Any) -> str:
    return repr(kind)
