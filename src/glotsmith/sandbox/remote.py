"""A sandbox that sends programs to a ``glotsmith serve`` on another machine. The service states its promises.

``GLOTSMITH_REMOTE`` is its address, such as ``http://10.0.0.5:8707``, and ``GLOTSMITH_REMOTE_TOKEN`` its token if it
requires one. Commands refer to toolchains by path, so both machines need the same toolchains at the same paths.
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
from glotsmith.sandbox.base import CLOSED, CLOSED_DURING_RUN, Promise, SandboxLoad, infra_outcome
from glotsmith.sandbox.program_json import decode_outcome, encode_program, error_text

_CONNECT_TIMEOUT_S = 10.0
_MAX_RETRY_AFTER_S = 60.0  #: longer values of ``Retry-After`` are cut
_RETRY_TIMEOUT_S = 900.0  #: how long requests to an overloaded service are repeated
_QUEUE_TIMEOUT_S = 900.0  #: how long a program may wait in the queue of the service, beyond its own limits
_KEEPALIVE = (  # detect within two minutes a machine that has disappeared without closing the connection
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


class RemoteHealth(msgspec.Struct, frozen=True):
    """The answer of a service at ``/health``."""

    isolation: str
    promises: tuple[str, ...]
    jobs: int


class _Overloaded(Exception):
    """The service requested to retry later."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = wait_s


class _Connection:
    """The client of one event loop, with its slots. Consecutive event loops may use the same sandbox."""

    def __init__(self, loop: asyncio.AbstractEventLoop, address: str, token: str, jobs: int) -> None:
        limits = httpx.Limits(max_connections=jobs, max_keepalive_connections=jobs, keepalive_expiry=30)
        transport = httpx.AsyncHTTPTransport(limits=limits, socket_options=_KEEPALIVE)
        self.client = httpx.AsyncClient(base_url=address, headers=_headers(token), transport=transport)
        self.loop, self.slots, self.closed = loop, asyncio.Semaphore(jobs), asyncio.Event()
        self._guard: AsyncGenerator[None] | None = None

    async def open(self) -> httpx.AsyncClient:
        """Return the client. A loop closes its generators at its end, and with them this client."""
        if self._guard is None:
            self._guard = self._close_with_loop()
            await anext(self._guard)
        return self.client

    async def _close_with_loop(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self.client.aclose()

    async def close(self) -> None:
        self.closed.set()
        if self._guard is not None:
            await self._guard.aclose()


class Remote:
    """A sandbox that runs programs in the sandbox of a remote glotsmith."""

    name: ClassVar[str] = "remote"
    promises: frozenset[Promise]  #: the promises of the service

    def __init__(self, jobs: int | None = None) -> None:
        """Fetch the promises of the service; send ``jobs`` programs at once, by default as many as it runs.

        Raises:
            IsolationError: GLOTSMITH_REMOTE is not set, or no usable service answers there.

        """
        self._address = os.environ.get("GLOTSMITH_REMOTE", "").rstrip("/")
        if not self._address:
            raise IsolationError("set GLOTSMITH_REMOTE to the address of a 'glotsmith serve', such as http://host:8707")
        self._token = os.environ.get("GLOTSMITH_REMOTE_TOKEN", "")
        health = _fetch_health(self._address, self._token)
        self.promises = frozenset(cast(Promise, p) for p in health.promises if p in get_args(Promise))
        self._jobs = jobs or health.jobs
        self._connection: _Connection | None = None
        self._closed = False
        self._running = self._ended = 0  #: numbers of programs

    async def run(self, program: Program) -> Outcome:
        """Run one program to its end or its limits."""
        body, connection = encode_program(program), self._connect()
        async with connection.slots:
            if self._closed:
                return infra_outcome(CLOSED)
            self._running += 1
            sending = asyncio.ensure_future(self._send(connection, body, _answer_timeout_s(program.limits)))
            closed = asyncio.ensure_future(connection.closed.wait())
            try:
                await asyncio.wait({sending, closed}, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    return sending.result()
                return infra_outcome(CLOSED_DURING_RUN)
            finally:
                for task in (sending, closed):
                    task.cancel()
                await asyncio.gather(sending, closed, return_exceptions=True)
                self._running, self._ended = self._running - 1, self._ended + 1

    def load(self) -> SandboxLoad:
        """Return how many programs the service runs for this sandbox, and how many ended."""
        return SandboxLoad(self._running, self._jobs, self._ended)

    def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        if self._connection is None or self._connection.loop is not loop:
            self._connection = _Connection(loop, self._address, self._token, self._jobs)
        return self._connection

    async def _send(self, connection: _Connection, body: bytes, seconds: float) -> Outcome:
        client = await connection.open()
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_Overloaded),
            wait=_pause,
            stop=tenacity.stop_after_delay(_RETRY_TIMEOUT_S),
            reraise=True,
        )
        try:
            return await retrying(self._post, client, body, seconds)
        except _Overloaded:
            seconds = _RETRY_TIMEOUT_S
            return infra_outcome(f"the service at {self._address} was overloaded for {seconds:.0f} seconds")
        except httpx.ReadTimeout:
            return infra_outcome(f"the service at {self._address} did not answer within {seconds:.0f} seconds")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return infra_outcome(f"cannot reach the service at {self._address}: {error or type(error).__name__}")

    async def _post(self, client: httpx.AsyncClient, body: bytes, seconds: float) -> Outcome:
        timeout = httpx.Timeout(_CONNECT_TIMEOUT_S, read=seconds, write=120.0, pool=None)
        reply = await client.post("/run", content=body, headers={"content-type": "application/json"}, timeout=timeout)
        if reply.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise _Overloaded(_retry_after(reply))
        if reply.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise ValueError(error_text(reply.content) or "the service rejected the program")
        if reply.status_code != HTTPStatus.OK:
            return infra_outcome(_refusal(self._address, reply))
        try:
            return decode_outcome(reply.content)
        except ValueError as error:
            return infra_outcome(f"the service at {self._address} answered with an invalid outcome: {error}")

    async def close(self) -> None:
        """Close the connections; the service then kills the running programs. Idempotent."""
        self._closed = True
        if self._connection is not None and self._connection.loop is asyncio.get_running_loop():
            await self._connection.close()


def _fetch_health(address: str, token: str) -> RemoteHealth:
    """Return the health of a service.

    Raises:
        IsolationError: the service does not answer, or it is not ``glotsmith serve``.

    """
    try:
        with httpx.Client(transport=httpx.HTTPTransport(), timeout=_CONNECT_TIMEOUT_S) as client:  # without a proxy
            reply = client.get(f"{address}/health", headers=_headers(token))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise IsolationError(f"no service answers at {address}: {error}. Start 'glotsmith serve' there") from error
    if reply.status_code != HTTPStatus.OK:
        raise IsolationError(_refusal(address, reply))
    try:
        return msgspec.json.decode(reply.content, type=RemoteHealth)
    except (ValueError, RecursionError) as error:
        raise IsolationError(f"the service at {address} is not 'glotsmith serve': {error}") from error


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def _refusal(address: str, reply: httpx.Response) -> str:
    reason = error_text(reply.content)
    if reply.status_code == HTTPStatus.UNAUTHORIZED:
        reason = f"{reason or 'the token is wrong'}; set GLOTSMITH_REMOTE_TOKEN"
    return f"the service at {address} refused with {reply.status_code}{f': {reason}' if reason else ''}"


def _answer_timeout_s(limits: Limits) -> float:
    """Return the timeout of a request that runs a program."""
    return 2 * limits.wall_s + limits.build_cpu_s + _QUEUE_TIMEOUT_S


_jitter = tenacity.wait_random_exponential(multiplier=0.1, max=5.0)


def _pause(state: tenacity.RetryCallState) -> float:
    """Return the requested wait plus a random time, so that not all requests are repeated at once."""
    error = state.outcome.exception() if state.outcome else None
    return (error.wait_s if isinstance(error, _Overloaded) else 0.0) + _jitter(state)


def _retry_after(reply: httpx.Response) -> float:
    """Return the seconds in ``Retry-After``; ``glotsmith serve`` sends a number."""
    value = reply.headers.get("retry-after", "").strip()
    return min(float(value), _MAX_RETRY_AFTER_S) if value.isdecimal() else 1.0
