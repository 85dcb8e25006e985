"""Answers that are sent whole: one system call, and one time that the client wakes, where uvicorn takes two of each."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol


class WholeAnswers(H11Protocol):
    """uvicorn's HTTP, but head and body leave together."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin (called by the event loop)."""
        super().connection_made(cast(asyncio.Transport, _Gathered(transport, self.loop)))


class _Gathered:
    """A transport that holds what is written until the event loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held = list[bytes]()

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
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
