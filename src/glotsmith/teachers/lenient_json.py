"""Bodies as servers send them: JSON with a byte order mark, with NaN, one value behind another, or as events.

A value of an unexpected type counts as missing. Nothing here raises.
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
_MOST_TOKENS = 1 << 40  #: a greater count is no count
_JSON = json.JSONDecoder(strict=False)  # line breaks in strings are read too


class JsonBody(NamedTuple):
    """The JSON values in a body."""

    values: list[object]  #: none where the body is broken
    streamed: bool  #: whether they are the events of a stream


def decode_text(body: bytes, content_type: str = "") -> str:
    """Decode a body as UTF-8, 16 or 32, or else by the charset of its content type; what is wrong becomes U+FFFD."""
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
    """Find the JSON values in a body."""
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
    """Yield JSON values that follow one another, up to the first fault."""
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
    """Yield what server-sent events carry: JSON values, ``DONE``, and objects with ``error`` for what is broken."""
    for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        fields = [line.partition(":")[::2] for line in block.split("\n")]
        name = next((value.strip() for field, value in fields if field == "event"), "")
        data = [value.strip() for field, value in fields if field == "data"]
        yield from _event(name, [block] if block.lstrip(_BLANK).startswith("{") else data)


def _event(name: str, data: list[str]) -> Iterator[object]:
    """Yield what one event carries; some servers leave out the empty lines between events."""
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
    """Return an object; an empty one for anything else."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Return a list; an empty one for anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Return a string; "" for anything else."""
    return value if isinstance(value, str) else ""


def as_number(value: object) -> float | None:
    """Return a finite number, also one that is written as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_count(value: object) -> int:
    """Return a number of things; 0 for what can be none."""
    number = as_number(value) or 0.0
    return round(number) if 0 <= number < _MOST_TOKENS else 0
