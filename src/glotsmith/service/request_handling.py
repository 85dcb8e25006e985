"""Functions of all endpoints: error responses, reading of bodies, cancellation on disconnect."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from glotsmith.errors import decode_fault
from glotsmith.sandbox.program_json import ErrorMessage

JSON = "application/json"
EndpointHandler = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


class RequestRefused(Exception):
    """An error response: a status and a message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers

    def response(self) -> Response:
        """Return the response, with a JSON body."""
        return Response(msgspec.json.encode(ErrorMessage(error=str(self))), self.status, self.headers, JSON)


class ClientDisconnected(Exception):
    """The client has closed the connection."""


async def read_body(request: Request, most: int, seconds: float, media: str = JSON) -> bytes:
    """Return the body of a request.

    Args:
        request: The request.
        most: The maximum number of bytes.
        seconds: The time limit, in seconds.
        media: The required content type.

    Raises:
        RequestRefused: The body has another content type, is too large or arrives too slowly.
        ClientDisconnected: The client disconnected before the end of the body.

    """
    # A browser sends this type to other origins only after a preflight request, which the service refuses.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media:
        raise RequestRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the content-type of the body must be {media}")
    too_large = RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        raise RequestRefused(
            HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {seconds:.0f} seconds"
        ) from None
    except ClientDisconnect:
        raise ClientDisconnected from None
    return bytes(body)


def decode_body(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """Return the decoded body.

    Raises:
        RequestRefused: The body is not JSON, or does not have the expected fields. The message says where.

    """
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError) as error:
        raise malformed_body(error, body) from error


def malformed_body(error: Exception, data: bytes = b"") -> RequestRefused:
    """Return the error response for a body or a part of it: 422 if it is JSON, else 400."""
    if isinstance(error, RecursionError):
        return RequestRefused(HTTPStatus.BAD_REQUEST, "the body is nested too deeply")
    if isinstance(error, msgspec.DecodeError | UnicodeDecodeError) and not isinstance(error, msgspec.ValidationError):
        return RequestRefused(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {decode_fault(data, error)}")
    return RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


async def while_connected(request: Request, response: Coroutine[Any, Any, T]) -> T:
    """Await a response and return it; cancel it if the client disconnects.

    Raises:
        ClientDisconnected: The client disconnected.

    """
    task, disconnected = asyncio.ensure_future(response), asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait({task, disconnected}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnected
        return task.result()
    finally:
        task.cancel()
        disconnected.cancel()
        await asyncio.gather(task, disconnected, return_exceptions=True)


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
