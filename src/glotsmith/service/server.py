"""Listen and serve. The first SIGTERM or SIGINT drains the service, and the second one ends it at once."""

import asyncio
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from glotsmith.counts import counted
from glotsmith.errors import UsageError
from glotsmith.sandbox.base import Sandbox
from glotsmith.service.app import build_app, is_loopback
from glotsmith.service.connections import Connection
from glotsmith.service.state import Service, ServiceSettings

_IDLE_CONNECTIONS = 1024  #: number of connections beyond the admitted requests
_CLIENT_TIMEOUT_S = 60  #: seconds in which a client must send a request, or read some of the response
_SHUTDOWN_TIMEOUT_S = 10  #: seconds for sending the remaining responses when no program runs


def listen(host: str, port: int, *, token: bool) -> socket.socket:
    """Return a listening socket.

    Raises:
        UsageError: The address is not available, or other machines can reach it and there is no token.

    """
    if not token and not is_loopback(host):
        raise UsageError(
            f"other machines can reach {host}, so a token is needed: "
            "set GLOTSMITH_TOKEN, or write a token into a file and give the file with --token-file"
        )
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UsageError(f"cannot listen on {host} port {port}: {error}") from error


def address(listening: socket.socket) -> str:
    """Return the address of a listening socket as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    sandbox: Sandbox, settings: ServiceSettings, listening: socket.socket, print_message: Callable[[str], None]
) -> None:
    """Serve until a signal is received and all accepted requests are answered."""
    try:
        await _Server(Service(sandbox, settings), print_message).serve([listening])
    finally:
        await sandbox.close()


class _Server(uvicorn.Server):
    """A server that still accepts connections after the first signal and refuses their requests, unlike uvicorn."""

    def __init__(self, service: Service, print_message: Callable[[str], None]) -> None:
        config = uvicorn.Config(
            build_app(service),
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=service.admission.capacity + _IDLE_CONNECTIONS,
            timeout_keep_alive=_CLIENT_TIMEOUT_S,
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
        )
        super().__init__(config)
        self._service, self._print_message = service, print_message
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal (called by uvicorn in its handler)."""
        if self._service.admission.draining:
            self.should_exit = self.force_exit = True
            return
        self._service.admission.drain()
        requests = counted(self._service.admission.admitted, "request")
        self._print_message(f"Stopping after {requests} in progress. Another signal stops at once.")
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._end = self._loop.create_task(self._finish())

    async def _finish(self) -> None:
        await self._service.admission.wait_until_idle()
        self.should_exit = True
