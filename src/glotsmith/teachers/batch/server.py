"""The endpoints of the OpenAI Batch API: upload a file, make a batch, poll it, download its results.

Temporary failures are repeated. A batch is made once: before a repetition, and after a kill, the batches of the server
are searched for one with the same file.
"""

import random
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn

import msgspec

from glotsmith.errors import TeacherError, TeacherOutage
from glotsmith.teachers.api_key import ApiKey
from glotsmith.teachers.http_client import (
    ConnectionBroken,
    HttpClient,
    HttpResponse,
    ResponseTimeout,
    ResponseTooLarge,
    ServerUnreachable,
)
from glotsmith.teachers.lenient_json import as_count, as_dict, as_list, as_text, decode_text
from glotsmith.teachers.limiter import Clock
from glotsmith.teachers.retries import retry_after
from glotsmith.teachers.server_errors import read_server_error, shorten

_NO_API = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_RETRIED = (408, 409, 425, 429)
_PAGE = 100  #: batches in one page of a list
ENDED = ("completed", "failed", "expired", "cancelled")  #: states of a batch that has no further results


class NoBatchApi(Exception):
    """The server has no Batch API."""


class BatchState(NamedTuple):
    """A batch on the server."""

    id: str
    status: str
    files: Sequence[str]  #: ids of the files with results and errors
    error: str  #: why the whole batch failed
    done: int  #: requests that have a result

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "BatchState":
        """Return the state in a response."""
        files = [as_text(fields.get(name)) for name in ("output_file_id", "error_file_id")]
        errors = [as_dict(one) for one in as_list(as_dict(fields.get("errors")).get("data"))]
        counts = as_dict(fields.get("request_counts"))
        return cls(
            as_text(fields.get("id")),
            as_text(fields.get("status")),
            [one for one in files if one],
            "; ".join(as_text(one.get("message")) or as_text(one.get("code")) for one in errors),
            sum(as_count(counts.get(name)) for name in ("completed", "failed")),
        )

    @property
    def has_ended(self) -> bool:
        """Whether no further results arrive."""
        return self.status in ENDED


class RetryPolicy(NamedTuple):
    """How failed requests are repeated."""

    attempts: int
    backoff_s: float
    max_wait_s: float


class BatchServer:
    """A server with the Batch API."""

    def __init__(self, url: str, http: HttpClient, key: ApiKey, policy: RetryPolicy, clock: Clock) -> None:
        """Create a client of the server at ``url``; nothing is sent yet."""
        self.url = url
        self._http, self._key, self._policy, self._clock = http, key, policy, clock

    async def upload(self, name: str, content: bytes) -> str:
        """Upload a file of requests, and return its id.

        Raises:
            NoBatchApi: the server has no files.
            TeacherError: the server refuses the file, or cannot be reached.

        """
        boundary = secrets.token_hex(16)
        parts = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/jsonl\r\n\r\n"
        )
        body = b"".join((parts.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
        fields = await self._json("POST", "/files", body, f"multipart/form-data; boundary={boundary}")
        return self._id_in(fields, "/files")

    async def create(self, file_id: str, url: str, window: str) -> str:
        """Make the batch of a file, unless there is one, and return its id."""
        body = msgspec.json.encode({"input_file_id": file_id, "endpoint": url, "completion_window": window})
        for number in range(1, self._policy.attempts + 1):
            if number > 1 and (found := await self.find(file_id)):
                return found
            response = await self._try("POST", "/batches", body, "application/json", number)
            if response is not None:
                return self._id_in(self._fields(response, "/batches"), "/batches")
        raise AssertionError  # the last attempt raises

    async def find(self, file_id: str) -> str:
        """Return the id of the batch of a file; "" if the server has none."""
        after = ""
        while True:
            page = await self._json("GET", f"/batches?limit={_PAGE}{f'&after={after}' if after else ''}")
            batches = [as_dict(one) for one in as_list(page.get("data"))]
            for batch in batches:
                if batch.get("input_file_id") == file_id:
                    return as_text(batch.get("id"))
            after = as_text(batches[-1].get("id")) if batches else ""
            if not page.get("has_more") or not after:
                return ""

    async def state(self, batch_id: str) -> BatchState:
        """Return the state of a batch."""
        return BatchState.read(await self._json("GET", f"/batches/{batch_id}"))

    async def download(self, file_id: str) -> bytes:
        """Return the content of a file."""
        return (await self._send("GET", f"/files/{file_id}/content")).body

    async def close(self) -> None:
        """Release connections; idempotent."""
        await self._http.close()

    # --- HTTP ------------------------------------------------------------------------------------------------------

    async def _json(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> dict[str, Any]:
        return self._fields(await self._send(method, path, body, kind), path)

    def _fields(self, response: HttpResponse, path: str) -> dict[str, Any]:
        try:
            return msgspec.json.decode(response.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise TeacherError(f"the response of {self.url}{path} is not a JSON object") from None

    def _id_in(self, fields: Mapping[str, Any], path: str) -> str:
        if not isinstance(found := fields.get("id"), str) or not found:
            raise TeacherError(f"the response of {self.url}{path} has no id")
        return found

    async def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> HttpResponse:
        """Send a request until there is a response or no attempt is left."""
        for number in range(1, self._policy.attempts + 1):
            if (response := await self._try(method, path, body, kind, number)) is not None:
                return response
        raise AssertionError  # the last attempt raises

    async def _try(self, method: str, path: str, body: bytes | None, kind: str, number: int) -> HttpResponse | None:
        """Send a request once; wait and return None after a temporary failure, except after the last attempt."""
        wait_s, message = 0.0, ""
        try:
            headers = {"Content-Type": kind} if kind else None
            response = await self._http.request(method, path, body, headers, resend=path != "/batches")
        except ResponseTooLarge as error:
            raise TeacherError(
                f"{self.url}{path}: {error}. If it is a file of results, start a run with smaller files of requests in "
                "another folder: -o NEWFOLDER --set teacher.max_megabytes=20"
            ) from None
        except (ServerUnreachable, ResponseTimeout, ConnectionBroken) as error:
            message = f"{self.url}{path}: {self._readable(str(error))}"
        else:
            if 200 <= response.status < 300:
                return response
            message = self._failure(response, path)
            wait_s = retry_after(response.headers, self._policy.max_wait_s)
        if number >= self._policy.attempts:
            raise TeacherOutage(message)
        longest = min(self._policy.backoff_s * 2 ** (number - 1), self._policy.max_wait_s)
        await self._clock.sleep(max(wait_s, random.uniform(0, longest)))  # noqa: S311 (no secret)
        return None

    def _failure(self, response: HttpResponse, path: str) -> str:
        """Return the message of a temporary failure; raise the error of a permanent one."""
        error = read_server_error(decode_text(response.body, response.headers.get("content-type", "")))
        message = f"{self.url}{path}: {response.status} {self._readable(error.message)}"
        if response.status in _RETRIED or (response.status >= 500 and response.status not in _NO_API):
            return message
        self._raise_permanent(response.status, path, message)

    def _raise_permanent(self, status: int, path: str, message: str) -> NoReturn:
        if status in _NO_API and path in ("/files", "/batches"):
            raise NoBatchApi(message)
        if status in (401, 402, 403):
            raise TeacherError(
                f"{message}. The server refuses the key in the environment variable {self._key.variable}: correct it, "
                "or name another variable with --set teacher.api_key_env=NAME"
            )
        raise TeacherError(message)

    def _readable(self, text: str) -> str:
        return shorten(self._key.redact(text))
