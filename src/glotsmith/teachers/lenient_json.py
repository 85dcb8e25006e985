"""Lenient parsing of response bodies: JSON with a byte order mark or NaN, several JSON values, or events.

Values of unexpected types count as missing. The functions raise no exceptions.
"""

import codecs
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

import msgspec

DONE = "[DONE]"  #: the last event of a stream

_BLANK = "\ufeff\0 \t\r\n"
_EVENT_LINE = re.compile(r"(?:data|event|id|retry)?:")
_BLANKS = re.compile(r"[\ufeff\0 \t\r\n]*")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_MOST_TOKENS = 1 << 40  #: larger counts are ignored
_JSON = json.JSONDecoder(strict=False)  # accepts line breaks in strings


class JsonBody(NamedTuple):
    """The JSON values of a body."""

    values: list[object]  #: empty if the body is broken
    streamed: bool  #: whether they are the events of a stream


def decode_text(body: bytes, content_type: str = "") -> str:
    """Decode a body as UTF-8, -16 or -32, or by the charset of its content type; invalid bytes become U+FFFD."""
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        named = _CHARSET.search(content_type)
    try:
        encoding = codecs.lookup(named[1] if named else "utf-8").name
        return body.decode(encoding, "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def parse_body(text: str) -> JsonBody:
    """Return the JSON values of a body."""
    text = text.lstrip(_BLANK)
    try:
        return JsonBody([msgspec.json.decode(text)], streamed=False)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    if _EVENT_LINE.match(text):
        return JsonBody(list(_events(text)), streamed=True)
    values = list(_values(text))
    return JsonBody(values, streamed=len(values) > 1)


def _values(text: str) -> Iterator[object]:
    """Yield consecutive JSON values up to the first syntax error."""
    at = 0
    while at < len(text):
        try:
            value, at = _JSON.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield value
        if blank := _BLANKS.match(text, at):
            at = blank.end()


def _events(text: str) -> Iterator[object]:
    """Yield the data of server-sent events: JSON values, ``DONE``, and objects with ``error`` for broken events."""
    for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        fields = [line.partition(":")[::2] for line in block.split("\n")]
        name = next((value.strip() for field, value in fields if field == "event"), "")
        data = [value.strip() for field, value in fields if field == "data"]
        yield from _event(name, [block] if block.lstrip(_BLANK).startswith("{") else data)


def _event(name: str, data: list[str]) -> Iterator[object]:
    """Yield the data of one event.

    If it is not JSON, parse each line as an event, because some servers omit the empty lines between events.
    """
    whole = "\n".join(data).strip(_BLANK)
    try:
        values: list[object] = [_JSON.decode(whole)] if whole not in ("", DONE) else [DONE] if whole else []
    except (ValueError, RecursionError):
        if len(data) > 1:
            yield from (value for line in data for value in _event(name, [line]))
            return
        values = [{"error": whole if name == "error" else f"an event holds no JSON: {whole[:200]}"}]
    for value in values:
        yield {"error": value} if name == "error" and "error" not in as_dict(value) else value


def as_dict(value: object) -> Mapping[str, object]:
    """Return the value if it is an object, else {}."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Return the value if it is a list, else []."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Return the value if it is a string, else ""."""
    return value if isinstance(value, str) else ""


def as_number(value: object) -> float | None:
    """Return the value if it is a finite number, also as a string, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_count(value: object) -> int:
    """Return the value as a whole number if it is a number from 0 to below ``_MOST_TOKENS``, else 0."""
    number = as_number(value) or 0.0
    return round(number) if 0 <= number < _MOST_TOKENS else 0
