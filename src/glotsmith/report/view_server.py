"""Serve the report of runs in progress on a loopback address: the page, its version and the details of its rows."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from glotsmith.errors import GlotsmithError
from glotsmith.report.listed_rows import ListLimits
from glotsmith.report.live_pages import LivePages
from glotsmith.service.app import host_name, is_loopback

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def build_view(pages: LivePages) -> ASGIApp:
    """Return the application: ``/`` is the page, ``/state`` is its version, ``/row/RUN/ROW`` the details of a row."""

    async def page(_: Request) -> Response:
        try:
            return FileResponse(await pages.page(), media_type="text/html", headers=_HEADERS)
        except GlotsmithError as error:
            return PlainTextResponse(f"{error}\n", HTTPStatus.SERVICE_UNAVAILABLE, _HEADERS)

    async def state(_: Request) -> Response:
        return JSONResponse({"version": pages.version()}, headers=_HEADERS)

    async def row(request: Request) -> Response:
        found = await asyncio.to_thread(pages.details, request.path_params["run"], request.path_params["row"])
        if found is None:
            return PlainTextResponse("The run has no such row.\n", HTTPStatus.NOT_FOUND, _HEADERS)
        return Response(found, media_type="application/json", headers=_HEADERS)

    routes = [Route("/", page), Route("/state", state), Route("/row/{run:int}/{row:int}", row)]
    return _LoopbackNames(Starlette(routes=routes))


class _LoopbackNames:
    """Refuses requests to other host names: a web page may resolve its own name to 127.0.0.1 (DNS rebinding)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_loopback(host_name(Headers(scope=scope).get("host", ""))):
            refused = PlainTextResponse("This server answers only requests to a loopback name.\n", 403, _HEADERS)
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def serve_view(
    runs: Sequence[Path], listening: socket.socket, on_ready: Callable[[], None], limits: ListLimits | None = None
) -> None:
    """Serve until a signal is received.

    Args:
        runs: The folders.
        listening: A listening socket on a loopback address.
        on_ready: Called when the first page is written.
        limits: The numbers of rows that the page lists.

    Raises:
        GlotsmithError: No report can be written about a folder.

    """
    pages = LivePages(runs, limits)
    try:
        await pages.page()
        on_ready()
        config = uvicorn.Config(
            build_view(pages), ws="none", lifespan="off", log_config=None, access_log=False, server_header=False
        )
        await _Server(config).serve([listening])
    finally:
        pages.close()


class _Server(uvicorn.Server):
    """A server that ends at the first signal with exit code 0."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal (called by uvicorn in its handler)."""
        self.force_exit = self.should_exit
        self.should_exit = True
