"""The HTTP connections of the service: one write for each response, and timeouts for requests and writes.

A response needs one system call, and the client wakes up once; uvicorn needs two. A client must send a complete request
within ``timeout_keep_alive``, and must read some of the response within the same time. The timer of uvicorn stops at
the first byte, or never starts.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

LINGER_S = 2.0  #: seconds during which a refused client may still send before the connection is closed


class Connection(H11Protocol):
    """The HTTP protocol of uvicorn, with timeouts and one write for head and body."""

    _request_timer: asyncio.TimerHandle | None = None  #: ends a request that is not complete in time
    _write_timer: asyncio.TimerHandle | None = None  #: ends a connection whose client reads nothing of the response
    _linger_timer: asyncio.TimerHandle | None = None  #: closes a refused connection; until then, data is discarded

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the request (called by the event loop)."""
        super().connection_made(cast(asyncio.Transport, _BufferingTransport(transport, self.loop)))
        self._start_request_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers (called by the event loop)."""
        self._request_timer, self._write_timer = _cancel(self._request_timer), _cancel(self._write_timer)
        self._linger_timer = _cancel(self._linger_timer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received data (called by the event loop)."""
        if self._linger_timer is not None:
            return
        super().data_received(data)
        if self._in_request():
            self._request_timer = _cancel(self._request_timer)

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is not HTTP (called by uvicorn).

        Closing a connection with unread data resets it, and the client may lose the answer (RFC 9112 §9.6). Only the
        sending half is closed until the client has sent its request, or ``LINGER_S`` have passed.
        """
        transport = cast(_BufferingTransport, self.transport)
        self._request_timer = _cancel(self._request_timer)
        transport.half_closes = True
        super().send_400_response(msg)
        transport.half_closes = False
        self._linger_timer = self.loop.call_later(min(LINGER_S, self.timeout_keep_alive), transport.close)

    def on_response_complete(self) -> None:
        """Start the timer of the next request (called by uvicorn)."""
        super().on_response_complete()
        if not self._in_request():
            self._start_request_timer()

    def pause_writing(self) -> None:
        """Start the timer of the write (called by the event loop)."""
        super().pause_writing()
        self._start_write_timer()

    def resume_writing(self) -> None:
        """Resume (called by the event loop)."""
        super().resume_writing()
        self._write_timer = _cancel(self._write_timer)

    def _in_request(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request, unlike its type says
        return cycle is not None and not cycle.response_complete

    def _start_request_timer(self) -> None:
        _cancel(self._request_timer)
        self._request_timer = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _start_write_timer(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self.timeout_keep_alive, self._check_write_progress, left)

    def _check_write_progress(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._start_write_timer()
        else:
            self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


class _BufferingTransport:
    """A transport that joins writes until the next iteration of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held = list[bytes]()
        self.half_closes = False  #: ``close`` closes the sending half only

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def _flush(self) -> None:
        data, self._held = b"".join(self._held), []
        if data:
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        if self.half_closes:
            self._transport.write_eof()
        else:
            self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
