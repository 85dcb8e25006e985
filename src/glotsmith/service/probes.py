"""``GET /health``, ``/ready``, ``/metrics``: for clients, orchestrators and Prometheus."""

import functools
from http import HTTPStatus
from importlib.metadata import version

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from glotsmith.service.http import JSON, Refused
from glotsmith.service.state import Service


def routes(service: Service) -> list[Route]:
    """Return the endpoints."""
    return [
        Route("/health", functools.partial(_health, service)),
        Route("/ready", functools.partial(_ready, service)),
        Route("/metrics", functools.partial(_metrics, service)),
    ]


async def _health(service: Service, _: Request) -> Response:
    """Say that it lives, and what it promises (``sandbox/base.py``)."""
    told = {
        "status": "draining" if service.admission.draining else "ok",
        "isolation": service.sandbox.name,
        "promises": sorted(service.sandbox.promises),
        "jobs": service.settings.jobs,
        "queue": service.settings.queue,
        "version": version("glotsmith"),
    }
    return Response(msgspec.json.encode(told), media_type=JSON)


async def _ready(service: Service, _: Request) -> Response:
    """Say whether it takes more: not while it drains."""
    if service.admission.draining:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the service is about to end")
    return Response(b'{"status":"ready"}', media_type=JSON)


async def _metrics(service: Service, _: Request) -> Response:
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)
