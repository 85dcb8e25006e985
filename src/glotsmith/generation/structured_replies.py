"""Parse structured replies of teachers: a JSON object into a record, or named sections into texts; and their schemas.

The parsers accept what models write around and inside the requested structure: prose, thoughts, fences, line breaks
in JSON strings, trailing commas, and section headings such as ``## Problem``, ``**Problem:**`` or ``[Problem]``. They
do not invent missing values and do not execute anything. A reply that cannot be parsed becomes an ``UnusableReply``.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.languages.extract_code import strip_reasoning
from glotsmith.teachers.base import Reply

T = TypeVar("T", bound=msgspec.Struct)

_MAX_STARTS = 64  #: braces at which the parser tries to read an object; it bounds the time for a reply full of braces
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[}\]])', re.DOTALL)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_MAX_ITEMS = 8  #: largest number of items of a list in a schema
_SHOWN = 200  #: characters of a reply in the detail of a drop


def object_schema(kind: type[msgspec.Struct]) -> str:
    """Return the JSON schema of a reply that ``read_object`` reads.

    All fields are required and no others are allowed, as the strict mode of OpenAI's structured outputs requires.
    """
    _, components = msgspec.json.schema_components([kind])
    fields = cast(Mapping[str, Mapping[str, Any]], components[kind.__name__]["properties"])
    return _schema({name: _bounded(field) for name, field in fields.items()})


def _bounded(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a field's schema without its default; a list is bounded, because small models do not end one."""
    bound = {"maxItems": _MAX_ITEMS} if field.get("type") == "array" else {}
    return {key: value for key, value in field.items() if key != "default"} | bound


def sections_schema(names: Sequence[str], lists: Sequence[str] = ()) -> str:
    """Return the JSON schema of a reply that ``read_sections`` reads: sections are texts, ``lists`` lists of lines."""
    lines = _bounded({"type": "array", "items": {"type": "string"}})
    return _schema({name.lower(): lines if name in lists else {"type": "string"} for name in names})


def _schema(properties: Mapping[str, Mapping[str, Any]]) -> str:
    wanted = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    return msgspec.json.encode(wanted).decode()


class UnusableReply(NamedTuple):
    """Why a reply cannot be used, as the drop reason and its detail."""

    reason: Reason
    detail: str = ""


def reply_text(reply: Reply) -> str | UnusableReply:
    """Return the text of a reply without thoughts and end marks, or why it has none."""
    if reply.finish_reason == "refused":
        return UnusableReply(Reason.TEACHER_REFUSED, reply.detail)
    if reply.finish_reason == "error":
        return UnusableReply(Reason.TEACHER_FAILED, reply.detail)
    text = strip_reasoning(reply.text).strip()
    return text or UnusableReply(Reason.EMPTY_REPLY, "nothing but thoughts" if reply.text.strip() else "")


def read_object(reply: Reply, kind: type[T]) -> T | UnusableReply:
    """Return the first JSON object in a reply that converts to ``kind``, a msgspec struct, or why there is none.

    Numbers and booleans may be strings (``strict=False``). ``kind`` must not forbid unknown fields if replies may
    have more fields; ``records.Record`` forbids them.
    """
    text = reply_text(reply)
    if isinstance(text, UnusableReply):
        return text
    mismatch = ""
    for found in _objects(text):
        try:
            return msgspec.convert(found, kind, strict=False)
        except msgspec.ValidationError as error:
            mismatch = mismatch or str(error)
    if mismatch:
        return UnusableReply(Reason.INCOMPLETE_REPLY, mismatch)
    return _cut_off(reply) or UnusableReply(Reason.UNPARSABLE_REPLY, f"no JSON object in: {text[:_SHOWN]}")


def _cut_off(reply: Reply) -> UnusableReply | None:
    """Return why a reply lacks something if it reached its length limit; None if it did not."""
    if reply.finish_reason != "length":
        return None
    return UnusableReply(Reason.CUT_OFF, f"{reply.output_tokens} tokens that end with: {reply.text[-_SHOWN:]}")


def _objects(text: str) -> Iterator[object]:
    """Yield the outermost JSON objects of a text, in order."""
    decoder = json.JSONDecoder(strict=False)  # accepts line breaks inside strings
    end = 0
    for start in islice((m.start() for m in re.finditer(r"\{", text)), _MAX_STARTS):
        if start < end:
            continue
        found = _decode(decoder, text[start:])
        if found is not None:
            value, length = found
            end = start + length
            yield value


def _decode(decoder: json.JSONDecoder, text: str) -> tuple[object, int] | None:
    for attempt in (
        text,
        _TRAILING_COMMA.sub(lambda m: m[1] or " ", text),
    ):  # keeps positions
        try:
            return decoder.raw_decode(attempt)
        except (ValueError, RecursionError):
            continue
    return None


def read_sections(reply: Reply, names: Sequence[str]) -> dict[str, str] | UnusableReply:
    """Return the text of each named section of a reply, or why one is missing or empty.

    A section begins with a line that contains only its name: in any case, as a heading, in brackets, bold, or with a
    colon, after which its text may begin. It ends at the next section. Lines in fenced blocks do not begin a section.
    If all sections appear in order, a heading that comes too early is text of another section. Of two sections with
    one name the first one counts, because models repeat themselves at the end.

    A JSON object whose keys are the names, in any case, is read likewise; a list holds the lines of a section.
    """
    text = reply_text(reply)
    if isinstance(text, UnusableReply):
        return text
    found = _sections(text, names) or _sections_of_object(text, names)
    if not found:
        return _cut_off(reply) or UnusableReply(
            Reason.UNPARSABLE_REPLY, f"no section {', '.join(names)} in: {text[:_SHOWN]}"
        )
    missing = [name for name in names if not found.get(name, "").strip()]
    if missing:
        return _cut_off(reply) or UnusableReply(Reason.INCOMPLETE_REPLY, f"no section {', '.join(missing)}")
    return {name: found[name].strip("\n").rstrip() for name in names}


def _sections(text: str, names: Sequence[str]) -> dict[str, str]:
    known = {name.casefold(): name for name in names}
    heading = re.compile(
        rf"[\s#>*_\[]*(?:\d+[.)]\s*)?({'|'.join(map(re.escape, known))})(?:[\s*_\]]*:[\s*_]*(.*)|[\s*_\]#]*)\Z", re.I
    )
    parts: list[tuple[str, list[str]]] = []
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        start = None if fence else heading.match(line)
        if start:
            lines = [start[2] or ""]
            parts.append((known[start[1].casefold()], lines))
            continue
        fence = _open_fence(fence, line)
        lines.append(line)
    found: dict[str, str] = {}
    for name, body in _in_order(parts, names):
        found.setdefault(name, "\n".join(body))
    return found


def _sections_of_object(text: str, names: Sequence[str]) -> dict[str, str]:
    """Return the sections in the first JSON object that has any; null is a section that says ``none``."""
    known = {name.casefold(): name for name in names}
    for found in _objects(text):
        fields = cast(Mapping[str, object], found)
        sections = {known[key.casefold()]: _as_lines(value) for key, value in fields.items() if key.casefold() in known}
        if sections:
            return sections
    return {}


def _as_lines(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(_as_lines, cast(list[object], value))) or "none"
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _in_order(parts: list[tuple[str, list[str]]], names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the parts in the order of ``names``, with early headings as text; the parts unchanged if one is missing.

    A line ``Examples:`` within an instruction therefore does not begin a section.
    """
    ordered: list[tuple[str, list[str]]] = []
    for name, body in parts:
        ahead = list(names).index(name) - len(ordered)
        if ahead == 0:
            ordered.append((name, list(body)))
        elif ordered and ahead > 0:
            ordered[-1][1].extend([f"{name}: {body[0]}".rstrip(), *body[1:]])
    return ordered if len(ordered) == len(names) else parts


def _open_fence(fence: str, line: str) -> str:
    """Return the mark of the fence that is open after a line; "" for none."""
    mark = _FENCE.match(line)
    if not mark:
        return fence
    if not fence:
        return mark[1]
    return "" if mark[1].startswith(fence) and not line.strip(" \t`~") else fence
