"""The endpoints ``GET /health``, ``/ready`` and ``/metrics`` for clients, orchestrators and Prometheus."""

import functools
from http import HTTPStatus
from typing import Literal

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from glotsmith import __version__
from glotsmith.records import Record
from glotsmith.service.openapi import Endpoint, Operation
from glotsmith.service.request_handling import JSON, RequestRefused
from glotsmith.service.state import Service


class HealthResponse(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The state of a service."""

    status: Literal["ok", "draining"]
    isolation: str
    promises: tuple[str, ...]  #: the promises of the isolation back end (``sandbox/base.py``)
    jobs: int  #: number of programs at once
    queue: int  #: number of additional requests that may wait
    list_items: int  #: maximum number of items of all lists in progress
    version: str


class ReadyResponse(Record, frozen=True, kw_only=True):
    """The service accepts requests."""

    status: Literal["ready"]


def routes(service: Service) -> list[Endpoint]:
    """Return the endpoints."""
    ready = Operation("Whether requests are accepted", ReadyResponse, refusals=(HTTPStatus.SERVICE_UNAVAILABLE,))
    metrics = Operation("Counters for Prometheus", str, media=CONTENT_TYPE_LATEST.partition(";")[0])
    return [
        Endpoint(
            "GET", "/health", functools.partial(_health, service), Operation("The state of the service", HealthResponse)
        ),
        Endpoint("GET", "/ready", functools.partial(_ready, service), ready),
        Endpoint("GET", "/metrics", functools.partial(_metrics, service), metrics),
    ]


async def _health(service: Service, _: Request) -> Response:
    """Return the state of the service."""
    health = HealthResponse(
        status="draining" if service.admission.draining else "ok",
        isolation=service.sandbox.name,
        promises=tuple(sorted(service.sandbox.promises)),
        jobs=service.settings.jobs,
        queue=service.settings.queue,
        list_items=service.settings.list_items,
        version=__version__,
    )
    return Response(msgspec.json.encode(health), media_type=JSON)


async def _ready(service: Service, _: Request) -> Response:
    """Return 200, or 503 while the service is shutting down."""
    if service.admission.draining:
        raise RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, "the service is shutting down")
    return Response(msgspec.json.encode(ReadyResponse(status="ready")), media_type=JSON)


async def _metrics(service: Service, _: Request) -> Response:
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)
