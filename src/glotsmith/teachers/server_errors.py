"""Parse the error messages of servers, in all forms that servers use."""

import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from glotsmith.teachers.lenient_json import as_dict, as_list, as_number, as_text, parse_body
from glotsmith.teachers.retries import TransientError, parse_duration

_LONGEST_PAGE = 65536  #: characters of a page or a text that are parsed
_LONGEST_MESSAGE = 300  #: characters of a message that are shown to the user
_DEPTH = 6  #: depth of nested objects that are searched
_ITEMS = 5  #: items of a list of errors that are read
RETRIED = {408, 409, 425, 429}  #: statuses to retry, in addition to all 5xx
_TOO_LONG = ("context_length", "context length", "maximum context", "context size", "too long", "too many tokens")

#: Fields that hold the error.
_INNER = ("error", "errors", "Error", "fault", "base_resp")
#: Fields that hold its message, by priority.
_MESSAGES = (
    *("message", "Message", "msg", "detail", "error_message", "error_msg", "errorMessage", "error_description"),
    *("status_msg", "faultstring", "description", "reason", "title"),
)
#: Fields that hold its code.
_CODES = (
    *("code", "type", "status", "error_type", "error_code", "errorCode", "status_code", "statusCode"),
    *("__type", "@type"),
)
_STATUS_IN_TEXT = re.compile(r"(?:^|\b(?:error|status|http)(?: code)?[ :=]{1,3})(4\d\d|5\d\d)\b", re.IGNORECASE)
_CONGESTED_STATUS = (429, 503, 529)
_CONGESTED = re.compile(
    r"rate.?limit|too.?many.?(?:concurrent.?)?requests|overload|resource.?(?:has been )?exhausted|throttl"
    r"|(?:at|over|no|exceed\w*|insufficient|out of) capacity|\b(?:is|are|too|currently) busy|server.?busy"
    r"|slow.?down|queue.{0,12}full|(?:high|heavy) (?:demand|load|traffic)|insufficient_system_resource"
    r"|concurren\w+ limit|requests per (?:second|minute|day)|tokens per (?:minute|day)"
)
_TRY_AGAIN = re.compile(r"(?:try again|retry|wait)(?: in| after| for)? (\d[\d.]*\s?[a-z]+(?:\d[\d.]*\s?[a-z]+)*)")


class ServerError(NamedTuple):
    """An error that a server reports."""

    message: str  #: one line, not redacted yet
    code: str  #: machine-readable codes and types, in lower case; "" if there are none
    status: int = 0  #: the HTTP status in the body; 0 if there is none
    wait_s: float = 0.0  #: seconds to wait, as the body requests
    provider: str = ""  #: the provider whose error a router repeats; "" for an error of the server itself

    def mentions(self, *words: str) -> bool:
        """Return whether the code or the message contains one of ``words`` (lower case)."""
        text = f"{self.code} {self.message}".lower()
        return any(word in text for word in words)

    @property
    def congested(self) -> bool:
        """Whether the server is overloaded."""
        return self.status in _CONGESTED_STATUS or bool(_CONGESTED.search(f"{self.code} {self.message}".lower()))


class ErrorInReply(TransientError):
    """A response with a success status that contains an error."""

    def __init__(self, what: str, error: ServerError) -> None:
        super().__init__(f"{what}: {error.message}", congested=error.congested, wait_s=error.wait_s)
        self.error = error


def read_server_error(body: str) -> ServerError:
    """Return the error in the body of a response."""
    values = parse_body(body).values
    errors = [value for value in values if as_dict(value).get("error")]
    errors += [value for value in values if _has_content(value)]
    return parse_server_error(errors[0] if errors else _page_title_or_text(body[:_LONGEST_PAGE]))


def parse_server_error(value: object) -> ServerError:
    """Return the error in a JSON value."""
    messages, codes = _collect(value, _DEPTH)
    message = one_line(
        "; ".join(dict.fromkeys(messages)) or (value if isinstance(value, str) else _json_or_empty(value))
    )
    stated = [int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)]
    stated += [int(status) for status in _STATUS_IN_TEXT.findall(message)]
    code = " ".join(dict.fromkeys(codes)).lower()
    hints = [*_delays(value, _DEPTH), *(parse_duration(text) for text in _TRY_AGAIN.findall(message.lower()))]
    wait_s = max((hint for hint in hints if math.isfinite(hint)), default=0.0)
    return ServerError(message, code, stated[0] if stated else 0, wait_s, _provider(value))


def _page_title_or_text(text: str) -> str:
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
    return html.unescape(title[1]) if title else re.sub(r"<[^>]*>", " ", text)


def _json_or_empty(value: object) -> str:
    return json.dumps(value) if value else ""


def _collect(value: object, depth: int) -> tuple[list[str], list[str]]:
    """Return the messages and the codes in a JSON value."""
    if depth <= 0:
        return [], []
    if isinstance(value, str):
        return _collect_text(value, depth)
    if fields := as_dict(value):
        return _collect_fields(fields, depth)
    found = [_collect(item, depth - 1) for item in as_list(value)[:_ITEMS]]
    return [m for messages, _ in found for m in messages], [c for _, codes in found for c in codes]


def _collect_text(text: str, depth: int) -> tuple[list[str], list[str]]:
    """Return the messages in a text, which may be JSON: routers put the body of the provider into a string."""
    if text.lstrip().startswith(("{", "[")):
        messages, codes = _collect(next(iter(parse_body(text).values), None), depth - 1)
        if messages:
            return messages, codes
    return ([text] if text.strip() else []), []


def _collect_fields(fields: Mapping[str, object], depth: int) -> tuple[list[str], list[str]]:
    inner = next((fields[name] for name in _INNER if _has_content(fields.get(name))), None)
    messages, codes = _collect(inner, depth - 1)
    if isinstance(inner, str) and " " not in inner and _message_fields(fields, depth)[0]:
        messages, codes = [], [inner]  # a code next to its message
    if not messages:
        messages, more = _message_fields(fields, depth)
        codes = [*codes, *more]
    codes += [str(fields[name]) for name in _CODES if isinstance(fields.get(name), str | int) and fields.get(name)]
    metadata = as_dict(fields.get("metadata"))
    codes += [code for code in [as_text(metadata.get("error_type"))] if code]
    return [*_with_location(fields, messages), *_from_provider(metadata, depth)], codes


def _has_content(value: object) -> bool:
    return bool(as_dict(value) or as_list(value) or as_text(value))


def _message_fields(fields: Mapping[str, object], depth: int) -> tuple[list[str], list[str]]:
    for name in _MESSAGES:
        messages, codes = _collect(fields.get(name), depth - 1)
        if messages:
            return messages, codes
    return [], []


def _with_location(fields: Mapping[str, object], messages: Sequence[str]) -> list[str]:
    """Prefix messages with the location of the error: ``body.seed: Extra inputs are not permitted`` (FastAPI)."""
    place = ".".join(str(part) for part in as_list(fields.get("loc")))
    return [f"{place}: {message}" if place else message for message in messages]


def _from_provider(metadata: Mapping[str, object], depth: int) -> list[str]:
    """Return the messages of the provider behind a router (``metadata`` of OpenRouter)."""
    name, (messages, _) = as_text(metadata.get("provider_name")), _collect(metadata.get("raw"), depth - 1)
    return [f"{name}: {message}" if name else message for message in messages] or ([name] if name else [])


def _provider(value: object) -> str:
    error = as_dict(as_dict(value).get("error", value))
    return as_text(as_dict(error.get("metadata")).get("provider_name"))


def _delays(value: object, depth: int) -> list[float]:
    """Return the seconds in all fields called ``retryDelay`` or ``retry_after`` (RetryInfo of Google, and others)."""
    inner = [*as_dict(value).values(), *as_list(value)] if depth > 0 else []
    found = [as_dict(value).get(name) for name in ("retryDelay", "retry_delay", "retry_after", "retryAfter")]
    own = [as_number(delay) or parse_duration(as_text(delay)) for delay in found if delay]
    return [
        *own,
        *(delay for part in inner for delay in _delays(part, depth - 1)),
    ]


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates by U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters; ``no message`` if it is empty."""
    printable = (char if char.isprintable() else " " for char in replace_surrogates(text[:_LONGEST_PAGE]))
    return " ".join("".join(printable).split()) or "no message"


def shorten(text: str) -> str:
    """Shorten a message. Redact it first, because the cut could leave a part of a key."""
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]} …"


def is_unpaid(error: ServerError) -> bool:
    """Return whether an account has no credit left."""
    return error.mentions("insufficient_quota")


def status_phrase(status: int) -> str:
    """Return the name of an HTTP status."""
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "(unknown status)"


def is_too_long(status: int, error: ServerError) -> bool:
    """Return whether a request is refused because its prompt is too long."""
    too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return too_large or (status not in RETRIED and status < 500 and error.mentions(*_TOO_LONG))
