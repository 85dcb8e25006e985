"""The ASGI application: the table of endpoints, access control, and error responses."""

import asyncio
import base64
import hmac
import ipaddress
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glotsmith.service import agnostics, jobs, probes, programs, sandbox_fusion
from glotsmith.service.admission import ListTooLong, ServiceDraining, ServiceFull
from glotsmith.service.openapi import Endpoint, openapi_endpoint
from glotsmith.service.request_handling import ClientDisconnected, RequestRefused
from glotsmith.service.state import Service

#: the functions that make the endpoints, one for each group
ENDPOINTS: tuple[Callable[[Service], list[Endpoint]], ...] = (
    programs.routes,
    jobs.routes,
    sandbox_fusion.routes,
    agnostics.routes,
    probes.routes,
)

PUBLIC_PATHS = frozenset({"/health", "/ready"})  #: endpoints without a token
_CLIENT_DISCONNECTED = 499  #: status that is counted and not sent
_log = logging.getLogger("glotsmith.service")


def build_app(service: Service) -> ASGIApp:
    """Return the application of a service."""
    table = [endpoint for routes in ENDPOINTS for endpoint in routes(service)]
    table.append(openapi_endpoint(table, token=bool(service.settings.token)))
    known = {route.path for route in table}
    app = Starlette(
        routes=table,
        exception_handlers={
            RequestRefused: _respond_refused,
            ServiceFull: _respond_full,
            ListTooLong: _respond_too_long,
            ServiceDraining: _respond_draining,
            ClientDisconnected: _respond_disconnected,
            HTTPException: _respond_http_error,
            Exception: _respond_internal_error,
        },
    )
    return _AccessControl(app, service, known)


class _AccessControl:
    """Refuses unauthorized requests, and counts all requests."""

    def __init__(self, app: ASGIApp, service: Service, known: set[str]) -> None:
        self._app, self._service, self._known = app, service, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = cast(str, scope["path"])
        requests = self._service.metrics.requests

        begun = False

        async def counted(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                requests.labels(path if path in self._known else "other", str(message["status"])).inc()
            await send(message)

        refused = self._refuse(path, Headers(scope=scope))
        try:
            await (refused.response() if refused else self._app)(scope, receive, counted)
        except asyncio.CancelledError:  # the second signal: requests are cancelled
            if begun or not self._service.admission.draining:
                raise
            await _stopped_error().response()(scope, receive, counted)

    def _refuse(self, path: str, headers: Headers) -> RequestRefused | None:
        token = self._service.settings.token
        if not token:
            # A web page may resolve its own host name to 127.0.0.1 (DNS rebinding).
            if is_loopback(host_name(headers.get("host", ""))):
                return None
            return RequestRefused(
                HTTPStatus.FORBIDDEN,
                "the service has no token, so the Host of a request must be a loopback name, such as localhost",
            )
        if path in PUBLIC_PATHS:
            return None
        if _has_token(token, headers.get("authorization", "")):
            return None
        message = "the token of the service is missing or wrong: send 'Authorization: Bearer TOKEN'"
        return RequestRefused(HTTPStatus.UNAUTHORIZED, message, {"WWW-Authenticate": "Bearer"})


def _has_token(token: str, header: str) -> bool:
    """Return whether a header contains the token, as ``Bearer`` or as a password (``http://USER:TOKEN@HOST``)."""
    scheme, _, rest = header.partition(" ")
    given = rest.encode("latin-1")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).partition(b":")[2]
        except ValueError:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given, token.encode())


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address or ``localhost``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """Return the name in a ``Host`` header without its port; "" if it has none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


async def _respond_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    return error.response()


async def _respond_full(_: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceFull)
    headers = {"Retry-After": str(error.retry_after)}
    return RequestRefused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests; retry later", headers).response()


async def _respond_too_long(_: Request, error: Exception) -> Response:
    return RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)).response()


async def _respond_draining(_: Request, __: Exception) -> Response:
    message = "the service is shutting down and accepts no new requests"
    return RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, message, {"Connection": "close"}).response()


def _stopped_error() -> RequestRefused:
    return RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, "the service was stopped during this request")


async def _respond_disconnected(_: Request, __: Exception) -> Response:
    return Response(status_code=_CLIENT_DISCONNECTED)


async def _respond_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return RequestRefused(error.status_code, error.detail, error.headers).response()


async def _respond_internal_error(request: Request, error: Exception) -> Response:
    _log.error("%s failed", request.url.path, exc_info=error)
    return RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "an internal error; see the log of the service").response()
