"""The teacher for servers with the OpenAI API: vLLM, SGLang, Ollama, llama.cpp, TGI, and cloud services.

Chat requests go to ``/chat/completions``, prompts to ``/completions``. Temporary failures (overload, timeouts, dropped
connections, broken bodies) are retried with exponential backoff and full jitter. The number of requests in flight
adapts to the server. The key comes from the environment and is sent in one header only.
"""

import json
import logging
import os
import random
from collections.abc import Mapping
from http import HTTPStatus
from itertools import count
from typing import Annotated, Any, NamedTuple, NoReturn

import msgspec
from msgspec import Meta

from glotsmith.errors import TeacherError, TeacherOutage, UsageError
from glotsmith.records import Record, content_hash
from glotsmith.settings import CHANGEABLE, FILE, FIXED
from glotsmith.teachers import openai_wire as wire
from glotsmith.teachers.api_key import ApiKey
from glotsmith.teachers.base import FailedAttempt, Reply, Request, Teacher, TeacherFault, TeacherLoad
from glotsmith.teachers.base_url import checked_url
from glotsmith.teachers.http_client import (
    ConnectionBroken,
    HttpClient,
    HttpResponse,
    ResponseTimeout,
    ResponseTooLarge,
    ServerUnreachable,
)
from glotsmith.teachers.lenient_json import decode_text
from glotsmith.teachers.limiter import Clock, Limiter
from glotsmith.teachers.prices import find_price
from glotsmith.teachers.retries import TransientError, retry_after
from glotsmith.teachers.server_errors import (
    RETRIED,
    ErrorInReply,
    ServerError,
    is_too_long,
    is_unpaid,
    read_server_error,
    shorten,
    status_phrase,
)

_log = logging.getLogger(__name__)
_DEFAULT_URL = "https://api.openai.com/v1"
_DEFAULT_KEY = "OPENAI_API_KEY"
_LARGEST_BODY = 32 << 20  #: bytes; a reply of a million tokens takes a tenth of it
_FIRST_CONTACT_ATTEMPTS = 3  #: number of attempts before any server was reached: a wrong address fails quickly
_MOST_DOUBLINGS = 30  #: largest number of doublings of the wait between two attempts
_MAX_BAD_REQUESTS = 16  #: after this number of consecutive bad requests without a reply, all are considered invalid
_FILTERED = ("content_filter", "content_policy", "content management policy", "policyviolation", "flagged")
_TEMPLATE = ("jinja",)  #: a chat template may refuse a conversation (llama.cpp, vLLM)
_UNSUPPORTED = ("unsupported_parameter", "unsupported_value")

_Price = Annotated[float, Meta(ge=0)]


class OpenAIOptions(Record, frozen=True, kw_only=True):
    """The options, as ``key = value`` in the teacher table of a run configuration."""

    model: Annotated[str, FIXED] = ""  #: name of the model on the server; required
    #: including ``/v1``; default: ``$OPENAI_BASE_URL``, then OpenAI's own
    base_url: Annotated[str, CHANGEABLE] = ""
    #: environment variable with the key; default: ``OPENAI_API_KEY``, which may be unset
    api_key_env: Annotated[str, CHANGEABLE] = ""
    default_key: Annotated[bool, CHANGEABLE] = True  #: send the key in ``OPENAI_API_KEY`` if ``api_key_env`` is empty
    max_concurrency: Annotated[int, CHANGEABLE, Meta(ge=1)] = 64  #: maximum number of requests in flight
    start_concurrency: Annotated[int, CHANGEABLE, Meta(ge=1)] = 8  #: number of requests in flight at the start
    attempts: Annotated[int, CHANGEABLE, Meta(ge=1)] = 8  #: largest number of attempts for a request
    #: the first wait is random between 0 and this value, which doubles with each attempt
    backoff_s: Annotated[float, CHANGEABLE, Meta(ge=0)] = 1.0
    max_wait_s: Annotated[float, CHANGEABLE, Meta(ge=0)] = 120.0  #: longest wait, even if the server requests more
    connect_timeout_s: Annotated[float, CHANGEABLE, Meta(gt=0)] = 10.0
    timeout_s: Annotated[float, CHANGEABLE, Meta(gt=0)] = 300.0  #: time for a request and its response
    #: US dollars per million input tokens; by default those of ``prices``, then of the table of the package
    input_price: Annotated[_Price | None, CHANGEABLE] = None
    output_price: Annotated[_Price | None, CHANGEABLE] = None  #: US dollars per million output tokens
    prices: Annotated[str, CHANGEABLE, FILE] = ""  #: path of a TOML file with prices (``docs/costs.md``)
    #: additional fields of every request: ``{"repetition_penalty": 1.1}``
    extra: Annotated[dict[str, Any], FIXED] = {}
    #: additional fields of the requests of one call: ``{"vote": {"structured_outputs": {"choice": ["Yes", "No"]}}}``
    by_call: Annotated[dict[str, dict[str, Any]], FIXED] = {}
    #: the server supports ``response_format`` with a JSON schema: replies with several parts are requested as JSON
    structured: Annotated[bool, FIXED] = False
    #: other names for fields; "" omits a field: ``{"max_tokens": "max_completion_tokens", "seed": ""}``
    rename: Annotated[dict[str, str], FIXED] = {}


class RedactedResponse(NamedTuple):
    """A response of a server."""

    status: int
    headers: Mapping[str, str]
    body: str  #: without the key, in case the server returned it


class OpenAI(Teacher):
    """A model on an OpenAI-compatible server."""

    Options = OpenAIOptions
    name = "openai"

    def __init__(self, options: Options, *, key: ApiKey | None = None, clock: Clock | None = None) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            options: the server, and how to send to it.
            key: the key, if it does not come from the environment.
            clock: for tests.

        Raises:
            UsageError: the model is missing, the URL is invalid, or the environment variable of the key is not set.

        """
        self.model = options.model
        self.url = checked_url(options.base_url or os.environ.get("OPENAI_BASE_URL", "") or _DEFAULT_URL)
        if not self.model:
            raise UsageError(f"no model is given. Name one that {self.url}/models lists: --model NAME")
        # The URL is left out: it does not affect replies, and the server of a job may have another port next time.
        self.fingerprint = content_hash(
            self.name, self.model, json.dumps(options.extra, sort_keys=True), json.dumps(options.rename, sort_keys=True)
        )
        self.structured = options.structured
        self._options = options
        self.slots = options.max_concurrency
        self.price = find_price(
            self.url,
            self.model,
            input_price=options.input_price,
            output_price=options.output_price,
            file=options.prices,
        )
        required = bool(options.api_key_env)
        wanted = options.api_key_env or (_DEFAULT_KEY if options.default_key else "")
        self._key = key or ApiKey.from_env(wanted, required=required)
        self._clock = clock or Clock()
        self.limiter = Limiter(options.start_concurrency, options.max_concurrency, self._clock)
        self._http = HttpClient(
            self.url,
            {"Content-Type": "application/json", "Accept": "application/json", **self._key.headers},
            connect_s=options.connect_timeout_s,
            timeout_s=options.timeout_s,
            largest=_LARGEST_BODY,
        )
        self._server_reached = False  # whether any server has ever answered anything
        self._answered = 0  # number of replies, including refusals
        self._bad_requests = 0
        self._retries = 0
        self._failure: tuple[str, float] | None = None  # why the last attempt failed, and when the next begins

    async def reply(self, request: Request) -> Reply:
        """Return the reply to one request; retry temporary failures.

        Raises:
            TeacherError: the server cannot be reached, refuses the key or does not serve the model.
            TeacherOutage: the server cannot be reached after it answered before, or it is overloaded.

        """
        answered = self._answered
        try:
            return await self._reply_with_retries(request)
        except TransientError as error:
            what = f"{self.url}: {error}"
            # If all attempts and all concurrent requests failed because of the server, the item is not the cause.
            if error.affects_all and self._answered == answered:
                what = what if error.server_reached else f"{what}; is the server running?"
                kind = TeacherOutage if self._answered or error.congested else TeacherError
                raise kind(what) from None
            return Reply(text="", finish_reason="error", detail=what)

    def address(self, request: Request) -> str:
        """Return the content address of the reply, including the fields of this call."""
        return address_with_fields(super().address(request), self._options.by_call.get(request.call))

    def failed_attempt(self) -> FailedAttempt | None:
        """Return the last attempt if it failed; None after a reply."""
        if self._failure is None:
            return None
        reason, begins = self._failure
        return FailedAttempt(reason, max(0.0, begins - self._clock.now(), self.limiter.pause_s))

    def load(self) -> TeacherLoad:
        """Return the requests in flight, their limit, and how often and how long the server has delayed them."""
        return TeacherLoad(self.limiter.in_flight, self.limiter.limit, self._retries, self.limiter.rate_limited_s)

    async def find_fault(self) -> TeacherFault | None:
        """Return why no request can succeed: no server, a refused key, or a model that the server does not list."""
        try:
            response = await self._send("GET", "/models")
        except TransientError as error:
            what = f"{self.url}: {error}; is the server running?"
            return None if error.server_reached else TeacherFault(what, certain=True)
        status = HTTPStatus.OK if response is None else response.status
        if response is not None and status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            message = self._readable(read_server_error(response.body).message)
            error = self._key_error(f"{status} {status_phrase(status)}: {message}", unpaid=False)
            return TeacherFault(str(error), certain=True)
        models = wire.read_model_names(response.body) if response is not None and status == HTTPStatus.OK else []
        if not models or any(self.model in (name, name.partition(":")[0]) for name in models):
            return None
        listed = self._readable(", ".join(models[:20]))
        return TeacherFault(f"{self.url} does not list the model {self.model!r}. It lists: {listed}", certain=False)

    async def close(self) -> None:
        """Release connections; idempotent."""
        await self._http.close()

    # ------------------------------------------------------------------------------------------ retries

    async def _reply_with_retries(self, request: Request) -> Reply:
        """Send a request until there is a reply or no attempt is left, with exponential backoff and full jitter."""
        for number in count(1):
            try:
                return await self._attempt(request)
            except TransientError as error:
                missing = not error.server_reached and not self._server_reached
                if number >= (_FIRST_CONTACT_ATTEMPTS if missing else self._options.attempts):
                    raise
                _log.info("attempt %d failed: %s; trying again", number, error)
                reason, refused = str(error), error.congested and error.affects_all
            wait_s = self._backoff(number)
            self._retries += 1
            if refused:
                self.limiter.record_rate_limit_wait(wait_s)
            self._failure = (reason, self._clock.now() + wait_s)
            await self._clock.sleep(wait_s)
        raise AssertionError  # count() has no end

    def _backoff(self, number: int) -> float:
        """Return the seconds to wait after the attempt with this number, from 1."""
        longest = self._options.backoff_s * 2 ** min(number - 1, _MOST_DOUBLINGS)
        return random.uniform(0.0, min(longest, self._options.max_wait_s))  # noqa: S311 (no secret)

    async def _attempt(self, request: Request) -> Reply:
        async with self.limiter.slot() as cut_number:
            try:
                reply = await self._request_reply(request)
            except TransientError as error:
                if error.congested:
                    self.limiter.congested(cut_number)
                self.limiter.pause(error.wait_s)
                raise
            self._failure = None
            self._answered += reply.finish_reason != "error"
            self.limiter.succeeded()
            return reply

    # ------------------------------------------------------------------------------------------ one request

    async def _request_reply(self, request: Request) -> Reply:
        extra = self._options.extra | self._options.by_call.get(request.call, {})
        body = wire.request_body(request, self.model, extra, self._options.rename)
        response = await self._send("POST", wire.endpoint_path(request), body)
        self._server_reached = True
        if response is None:
            return Reply(text="", finish_reason="error", detail=f"a reply of more than {_LARGEST_BODY >> 20} MiB")
        return await self._read_response(response, request)

    async def _read_response(self, response: RedactedResponse, request: Request) -> Reply:
        """Return the reply in a response; raise ``TransientError`` if another attempt may succeed."""
        if not 200 <= response.status < 300:
            return await self._handle_error_status(
                response, read_server_error(response.body), wire.endpoint_path(request)
            )
        try:
            return self._with_cost(wire.with_token_counts(wire.read_reply(response.body, request), request))
        except ErrorInReply as stated:
            return await self._handle_error_in_reply(stated, response, wire.endpoint_path(request))
        except TransientError as error:
            what = self._readable(str(error))
            raise TransientError(what, congested=error.congested, affects_all=error.affects_all) from None

    def _with_cost(self, reply: Reply) -> Reply:
        cost = self.price.cost(reply.input_tokens, reply.output_tokens) if self.price else None
        text, detail = self._key.redact_reply(reply.text), self._readable(reply.detail)
        return msgspec.structs.replace(reply, text=text, detail=detail, cost=cost)

    async def _send(self, method: str, path: str, body: bytes | None = None) -> RedactedResponse | None:
        """Send one HTTP request; return None if the response is too large."""
        try:
            return self._read(await self._http.request(method, path, body))
        except ResponseTooLarge:
            return None
        except ServerUnreachable as error:
            failure = TransientError(
                f"cannot reach the server ({self._readable(str(error))})", affects_all=True, server_reached=False
            )
        except ResponseTimeout:
            failure = TransientError(f"no reply within {self._options.timeout_s:g} s", congested=True)
        except ConnectionBroken as error:
            failure = TransientError(f"the connection broke ({self._readable(str(error))})")
        raise failure

    def _read(self, response: HttpResponse) -> RedactedResponse:
        text = decode_text(response.body, response.headers.get("content-type", ""))
        redact = self._key.redact_reply if 200 <= response.status < 300 else self._key.redact
        return RedactedResponse(response.status, response.headers, redact(text))

    # ------------------------------------------------------------------------------------------ errors

    async def _handle_error_status(self, response: RedactedResponse, error: ServerError, path: str) -> Reply:
        """Return the reply for an error status that concerns this item; raise an error for other causes."""
        message = f"{response.status} {status_phrase(response.status)}: {self._readable(error.message)}"
        if response.status in (403, 400) and error.mentions(*_FILTERED):
            return Reply(text="", finish_reason="refused", detail=message)
        refuses_key = response.status in (401, 402) or is_unpaid(error)
        if error.congested and not refuses_key and not is_too_long(response.status, error):
            self._raise_transient(response, error, message)
        if refuses_key or response.status == HTTPStatus.FORBIDDEN:
            raise self._key_error(message, unpaid=response.status == HTTPStatus.PAYMENT_REQUIRED or is_unpaid(error))
        if response.status in (404, 405) or error.mentions("model_not_found"):
            raise TeacherError(
                f"{self.url}{path} refuses the model {self.model!r}: {message}. {await self._served_models()}"
            )
        if response.status < 400:
            location = self._key.redact(response.headers.get("location", "elsewhere"))
            raise TeacherError(f"{self.url}{path} redirects to {location}: set the base URL to the final address")
        if response.status in RETRIED or response.status >= 500:
            self._raise_transient(response, error, message)
        return self._handle_bad_request(response.status, error, message)

    def _key_error(self, message: str, *, unpaid: bool) -> TeacherError:
        """Return the error for a request that the server refuses because of its key, or because it has none."""
        variable = self._key.variable
        if not variable:
            return TeacherError(
                f"{self.url} requires an API key: {message}. "
                "Set api_key_env, in the options of the role, to the environment variable with the key"
            )
        if not self._key.headers:
            return TeacherError(
                f"{self.url} requires an API key: {message}. "
                f"The environment variable {variable} is not set. Set it to your API key"
            )
        if unpaid:
            advice = "The account of this key has no credit left: add some, or put another key into the variable"
        else:
            advice = "Correct it, or name another variable with --set teacher.api_key_env=NAME"
        return TeacherError(f"{self.url} refuses the key in the environment variable {variable}: {message}. {advice}")

    async def _handle_error_in_reply(self, stated: ErrorInReply, response: RedactedResponse, path: str) -> Reply:
        """Return the reply for an error in a response with a success status, or raise an error.

        A router may repeat the error of a provider. If the provider refuses the key or the model, retry.
        """
        error, message = stated.error, self._readable(str(stated))
        if error.mentions(*_FILTERED):
            return Reply(text="", finish_reason="refused", detail=message)
        refuses_key = error.status in (401, 402) or is_unpaid(error)
        refuses_item = error.status in (400, 413, 422) and not error.congested
        if refuses_item or (refuses_key and not error.provider):
            return await self._handle_error_status(
                response._replace(status=error.status or response.status), error, path
            )
        self._raise_transient(response, error, message)

    def _raise_transient(self, response: RedactedResponse, error: ServerError, message: str) -> NoReturn:
        """Raise ``TransientError``, with the wait that the server requests and whether it is overloaded."""
        congested = response.status in (429, 503, 529) or error.congested
        affects_all = congested and not {response.status, error.status}.isdisjoint({429, 503})
        wait_s = retry_after(response.headers, self._options.max_wait_s)
        wait_s = max(wait_s, min(error.wait_s, self._options.max_wait_s))
        raise TransientError(message, wait_s=wait_s, congested=congested, affects_all=affects_all)

    def _handle_bad_request(self, status: int, error: ServerError, message: str) -> Reply:
        if is_too_long(status, error):
            return Reply(text="", finish_reason="refused", detail=message)
        self._bad_requests += 1
        none_accepted = self._answered == 0 and self._bad_requests >= _MAX_BAD_REQUESTS
        if none_accepted or error.mentions(*_UNSUPPORTED):
            raise TeacherError(
                f"{self.url} refuses the requests: {message}. To rename or omit fields of the requests, set the option "
                'rename: --set \'teacher.rename={"max_tokens": "max_completion_tokens", "seed": ""}\''
            )
        refused = error.mentions(*_TEMPLATE)
        return Reply(text="", finish_reason="refused" if refused else "error", detail=message)

    async def _served_models(self) -> str:
        try:
            response = await self._send("GET", "/models")
        except TransientError:
            response = None
        models = wire.read_model_names(response.body) if response and response.status == HTTPStatus.OK else []
        if not models:
            return "Is the base URL right? It usually ends in /v1"
        return self._readable(f"It serves: {', '.join(models[:20])}{', …' if len(models) > 20 else ''}")

    def _readable(self, text: str) -> str:
        return shorten(self._key.redact(text))


def address_with_fields(address: str, fields: Mapping[str, Any] | None) -> str:
    """Return the content address of a reply whose request has further fields; None or {} for none."""
    return content_hash(address, json.dumps(fields, sort_keys=True)) if fields else address
