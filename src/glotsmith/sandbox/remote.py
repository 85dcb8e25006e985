"""Programs run by another machine's ``glotsmith serve``: as isolated as they are there, and as fast as the way to it.

``GLOTSMITH_REMOTE`` is its address, such as ``http://10.0.0.5:8707``, and ``GLOTSMITH_REMOTE_TOKEN`` its token, if it
wants one. Commands name toolchains by their paths, so both machines need the same ones in the same places.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import ClassVar, cast, get_args

import httpx
import msgspec
import tenacity

from glotsmith.errors import IsolationError
from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox.base import Promise
from glotsmith.sandbox.program_json import decode_outcome, encode_program, error_text

_CONNECT_S = 10.0
_LONGEST_WAIT_S = 60.0  #: between two tries, whatever ``Retry-After`` says
_PATIENCE_S = 900.0  #: for a service that has too much to do
_QUEUE_S = 900.0  #: how much longer than its own limits allow a program may take: it may wait its turn there
_ALIVE = (  # a machine that vanished without a word is found out within two minutes
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


class RemoteHealth(msgspec.Struct, frozen=True):
    """What a service says of itself at ``/health``."""

    isolation: str
    promises: tuple[str, ...]
    jobs: int


class _Full(Exception):
    """The service asked to come again later."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = wait_s


class _Connection:
    """The client of one event loop, with its slots. A sandbox may be used by one loop after another."""

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str, token: str, jobs: int) -> None:
        limits = httpx.Limits(max_connections=jobs, max_keepalive_connections=jobs, keepalive_expiry=30)
        transport = httpx.AsyncHTTPTransport(limits=limits, socket_options=_ALIVE)
        self.client = httpx.AsyncClient(base_url=address, headers=_headers(token), transport=transport)
        self.loop, self.slots, self.closed = loop, asyncio.Semaphore(jobs), asyncio.Event()
        self._guard: AsyncGenerator[None] | None = None

    async def open(self) -> httpx.AsyncClient:
        """Return the client. A loop that ends closes its generators, and so this client, in time."""
        if self._guard is None:
            self._guard = self._close_at_the_end()
            await anext(self._guard)
        return self.client

    async def _close_at_the_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self.client.aclose()

    async def close(self) -> None:
        self.closed.set()
        if self._guard is not None:
            await self._guard.aclose()


class Remote:
    """Programs in another glotsmith's sandbox."""

    name: ClassVar[str] = "remote"
    promises: frozenset[Promise]  #: the service's

    def __init__(self, jobs: int | None = None) -> None:
        """Ask the service what it promises; ``jobs`` programs are there at once, by default as many as it runs.

        Raises:
            IsolationError: no address is given, or nothing that can be used answers there.

        """
        self._address = os.environ.get("GLOTSMITH_REMOTE", "").rstrip("/")
        if not self._address:
            raise IsolationError("set GLOTSMITH_REMOTE to the address of a 'glotsmith serve', such as http://host:8707")
        self._token = os.environ.get("GLOTSMITH_REMOTE_TOKEN", "")
        health = _ask(self._address, self._token)
        self.promises = frozenset(cast(Promise, p) for p in health.promises if p in get_args(Promise))
        self._jobs = jobs or health.jobs
        self._connection: _Connection | None = None
        self._closed = False

    async def run(self, program: Program) -> Outcome:
        """Run one program to its end or its limits."""
        body, connection = encode_program(program), self._connect()
        async with connection.slots:
            if self._closed:
                return _infra("the sandbox is closed")
            work = asyncio.ensure_future(self._send(connection, body, _seconds(program.limits)))
            closed = asyncio.ensure_future(connection.closed.wait())
            try:
                await asyncio.wait({work, closed}, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    return work.result()
                return _infra("the sandbox was closed while the program ran")
            finally:
                for task in (work, closed):
                    task.cancel()
                await asyncio.gather(work, closed, return_exceptions=True)

    def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        if self._connection is None or self._connection.loop is not loop:
            self._connection = _Connection(loop, self._address, self._token, self._jobs)
        return self._connection

    async def _send(self, connection: _Connection, body: bytes, seconds: float) -> Outcome:
        client = await connection.open()
        patience = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_Full),
            wait=_pause,
            stop=tenacity.stop_after_delay(_PATIENCE_S),
            reraise=True,
        )
        try:
            return await patience(self._post, client, body, seconds)
        except _Full:
            return _infra(f"the service at {self._address} had too much to do for {_PATIENCE_S:.0f} seconds")
        except httpx.ReadTimeout:
            return _infra(f"the service at {self._address} did not answer within {seconds:.0f} seconds")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _infra(f"the service at {self._address} can't be reached: {error or type(error).__name__}")

    async def _post(self, client: httpx.AsyncClient, body: bytes, seconds: float) -> Outcome:
        timeout = httpx.Timeout(_CONNECT_S, read=seconds, write=120.0, pool=None)
        reply = await client.post("/run", content=body, headers={"content-type": "application/json"}, timeout=timeout)
        if reply.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise _Full(_retry_after(reply))
        if reply.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise ValueError(error_text(reply.content) or "the service takes this for no program")
        if reply.status_code != HTTPStatus.OK:
            return _infra(_refusal(self._address, reply))
        try:
            return decode_outcome(reply.content)
        except ValueError as error:
            return _infra(f"what the service at {self._address} answered is no outcome: {error}")

    async def close(self) -> None:
        """Close the connections, at which the service kills what is left; idempotent."""
        self._closed = True
        if self._connection is not None and self._connection.loop is asyncio.get_running_loop():
            await self._connection.close()


def _ask(address: str, token: str) -> RemoteHealth:
    """Ask a service how it is.

    Raises:
        IsolationError: it does not answer, or is no glotsmith.

    """
    try:
        with httpx.Client(transport=httpx.HTTPTransport(), timeout=_CONNECT_S) as client:  # by no proxy
            reply = client.get(f"{address}/health", headers=_headers(token))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise IsolationError(f"nothing answers at {address}: {error}. Is 'glotsmith serve' running there?") from error
    if reply.status_code != HTTPStatus.OK:
        raise IsolationError(_refusal(address, reply))
    try:
        return msgspec.json.decode(reply.content, type=RemoteHealth)
    except (ValueError, RecursionError) as error:
        raise IsolationError(f"what answers at {address} is no 'glotsmith serve': {error}") from error


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def _refusal(address: str, reply: httpx.Response) -> str:
    told = error_text(reply.content)
    if reply.status_code == HTTPStatus.UNAUTHORIZED:
        told = f"{told or 'it wants another token'}; set GLOTSMITH_REMOTE_TOKEN"
    return f"the service at {address} refused with {reply.status_code}{f': {told}' if told else ''}"


def _seconds(limits: Limits) -> float:
    """Return how long a program's answer may take."""
    return 2 * limits.wall_s + limits.build_cpu_s + _QUEUE_S


_jitter = tenacity.wait_random_exponential(multiplier=0.1, max=5.0)


def _pause(state: tenacity.RetryCallState) -> float:
    """Wait as long as was asked, and a little longer: not all at the same time."""
    full = state.outcome.exception() if state.outcome else None
    return (full.wait_s if isinstance(full, _Full) else 0.0) + _jitter(state)


def _retry_after(reply: httpx.Response) -> float:
    """Return the seconds that ``Retry-After`` asks for; a service of ours says them as a number."""
    asked = reply.headers.get("retry-after", "").strip()
    return min(float(asked), _LONGEST_WAIT_S) if asked.isdecimal() else 1.0


def _infra(detail: str) -> Outcome:
    return Outcome(ending="infra", detail=detail)
