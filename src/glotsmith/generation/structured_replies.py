"""Structured replies, read tolerantly: a JSON object or named sections becomes a record, or a named failure.

Models wrap what was asked for in prose, thoughts and fences, break lines inside JSON strings, leave a comma at the
end, and call a section ``## Problem``, ``**Problem:**`` or ``[Problem]``. All that is read; what is missing is not made
up. Nothing of a reply is executed here.
"""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

import msgspec

from glotsmith.languages.extract import spoken
from glotsmith.reasons import Reason
from glotsmith.teachers.base import Reply

T = TypeVar("T")

_MOST_STARTS = 64  #: braces at which an object is looked for: a reply of nothing but braces must not take forever
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[}\]])', re.DOTALL)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_SHOWN = 200  #: characters of a reply in a drop's detail


class UnusableReply(NamedTuple):
    """Why a reply can't be used; what a ``Dropped`` takes."""

    reason: Reason
    detail: str = ""


def reply_text(reply: Reply) -> str | UnusableReply:
    """Return what a reply says, without thoughts and marks of the end, or why it says nothing."""
    if reply.finish_reason == "refused":
        return UnusableReply(Reason.TEACHER_REFUSED, reply.detail)
    if reply.finish_reason == "error":
        return UnusableReply(Reason.TEACHER_FAILED, reply.detail)
    text = spoken(reply.text).strip()
    return text or UnusableReply(Reason.EMPTY_REPLY, "nothing but thoughts" if reply.text.strip() else "")


def read_object(reply: Reply, kind: type[T]) -> T | UnusableReply:
    """Return the first JSON object in a reply that converts to ``kind`` (a msgspec struct), or why there is none.

    Numbers and booleans may be strings (``strict=False``). A struct that is to accept further fields must not forbid
    them (``records.Record`` does).
    """
    text = reply_text(reply)
    if isinstance(text, UnusableReply):
        return text
    wrong = ""
    for found in _objects(text):
        try:
            return msgspec.convert(found, kind, strict=False)
        except msgspec.ValidationError as error:
            wrong = wrong or str(error)
    if wrong:
        return UnusableReply(Reason.INCOMPLETE_REPLY, wrong)
    return UnusableReply(Reason.UNPARSABLE_REPLY, f"no JSON object in: {text[:_SHOWN]}")


def _objects(text: str) -> Iterator[object]:
    """Yield the outermost JSON objects of a text, in order."""
    decoder = json.JSONDecoder(strict=False)  # accepts line breaks inside strings
    end = 0
    for start in islice((m.start() for m in re.finditer(r"\{", text)), _MOST_STARTS):
        if start < end:
            continue
        found = _decoded(decoder, text[start:])
        if found is not None:
            value, length = found
            end = start + length
            yield value


def _decoded(decoder: json.JSONDecoder, text: str) -> tuple[object, int] | None:
    for attempt in (text, _TRAILING_COMMA.sub(lambda m: m[1] or " ", text)):  # a blank for a comma: positions stay
        try:
            return decoder.raw_decode(attempt)
        except (ValueError, RecursionError):
            continue
    return None


def read_sections(reply: Reply, names: Sequence[str]) -> dict[str, str] | UnusableReply:
    """Return the text of each named section of a reply, or why one is missing or empty.

    A section begins with a line that holds nothing but its name, in any case, as a heading, in brackets, bold, or with
    a colon, behind which its text may begin; it ends at the next one. Lines in fenced blocks begin nothing. Where all
    sections stand in order, one that comes too early is text; of two of one name the first counts, as models repeat
    themselves at the end.
    """
    text = reply_text(reply)
    if isinstance(text, UnusableReply):
        return text
    found = _sections(text, names)
    if not found:
        return UnusableReply(Reason.UNPARSABLE_REPLY, f"no section {', '.join(names)} in: {text[:_SHOWN]}")
    missing = [name for name in names if not found.get(name, "").strip()]
    if missing:
        return UnusableReply(Reason.INCOMPLETE_REPLY, f"no section {', '.join(missing)}")
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
        fence = _after(fence, line)
        lines.append(line)
    found: dict[str, str] = {}
    for name, body in _in_order(parts, names):
        found.setdefault(name, "\n".join(body))
    return found


def _in_order(parts: list[tuple[str, list[str]]], names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the parts that stand in the order of ``names``, if all do: what comes too early is text of another.

    So a line ``Examples:`` in the midst of an instruction begins nothing.
    """
    ordered: list[tuple[str, list[str]]] = []
    for name, body in parts:
        ahead = list(names).index(name) - len(ordered)
        if ahead == 0:
            ordered.append((name, list(body)))
        elif ordered and ahead > 0:
            ordered[-1][1].extend([f"{name}: {body[0]}".rstrip(), *body[1:]])
    return ordered if len(ordered) == len(names) else parts


def _after(fence: str, line: str) -> str:
    """Return the mark of the fence that is open behind a line, "" for none."""
    mark = _FENCE.match(line)
    if not mark:
        return fence
    if not fence:
        return mark[1]
    return "" if mark[1].startswith(fence) and not line.strip(" \t`~") else fence
