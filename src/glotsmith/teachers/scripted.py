"""The teacher that returns replies from a file, written by hand for tests and examples.

The file has one JSON object per line, selected by call and item and not by the text of the prompt::

    {"call": "translate", "item": "add", "language": "lua", "replies": ["function add(a, b) … end", "…"]}
    {"call": "translate", "item": "sub", "sample": 3, "reply": "I cannot.", "finish_reason": "refused"}
    {"call": "write_tests", "item": "*", "reply": "assert add(1, 2) == 3"}
    {"call": "score", "item": "add", "reply": "Yes", "logprobs": {"Yes": -0.1, "No": -2.4}}
"""

from itertools import product
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from glotsmith.errors import InputError, UsageError
from glotsmith.records import Record, content_hash
from glotsmith.settings import FILE, FIXED
from glotsmith.teachers.base import Reply, Request, Teacher

_ANY_ITEM = "*"
_ReplyKey = tuple[str, str, str, int | None]  #: call, item, language ("" for any), sample (None for any)


class ScriptedOptions(Record, frozen=True, kw_only=True):
    """The options: the file with the replies."""

    replies: Annotated[str, FIXED, FILE] = ""  #: path of the JSONL file
    #: path of the JSONL file if the option ``--model`` names it, instead of ``replies``
    model: Annotated[str, FIXED, FILE] = ""


class ScriptedReply(Record, frozen=True, kw_only=True):
    """One line of the file, with either ``reply`` or ``replies``."""

    call: str  #: as in ``Request.call``
    item: str  #: key of the item, or the function's name (``Request.context["name"]``), or ``*`` for all
    language: str = ""  #: only for this ``Request.context["language"]``
    sample: int | None = None  #: only for this sample
    reply: str | None = None  #: the reply for this sample, or for every sample
    replies: tuple[str, ...] | None = None  #: the i-th reply is for sample i; further samples are refused
    finish_reason: Literal["stop", "length", "refused", "error"] = "stop"
    logprobs: dict[str, float] = {}  #: token → logprob at the first position, if logprobs are requested

    def text_for(self, sample: int) -> str | None:
        """Return the text for ``sample``, or None."""
        if self.replies is None:
            return self.reply
        return self.replies[sample] if sample < len(self.replies) else None


class Scripted(Teacher):
    """Returns the most specific reply of its file: by item, name or ``*``, then language, then sample."""

    Options = ScriptedOptions
    name = "scripted"
    is_free = True
    model = ""

    def __init__(self, options: Options) -> None:
        """Read the file.

        Raises:
            UsageError: no file is given, or two are given.
            InputError: the file cannot be read, or a line is malformed or repeats an earlier one.

        """
        if bool(options.replies) == bool(options.model):
            raise UsageError("the scripted teacher needs one file of replies. Give it by --model FILE.jsonl")
        path = Path(options.replies or options.model)
        text = _read(path)
        self.fingerprint = content_hash(self.name, text)
        self._replies = _parse_replies(path, text)

    def address(self, request: Request) -> str:
        """Return the content address, which does not depend on the prompt.

        It is a hash of the file, the call, the item, its name, its language and the sample, and of whether logprobs are
        requested.
        """
        c = request.context
        seen = [
            request.former_call or request.call,
            request.item,
            c.get("name", ""),
            c.get("language", ""),
            str(request.sample),
        ]
        seen += ["logprobs"] if request.sampling.logprobs else []
        return content_hash(self.fingerprint, *seen)

    async def reply(self, request: Request) -> Reply:
        """Return the reply of the file for this request, or a refusal."""
        row = self._find(request)
        text = row.text_for(request.sample) if row else None
        if row is None or text is None:
            where = f"call {request.call!r}, item {request.item!r}, sample {request.sample}"
            return Reply(text="", finish_reason="refused", detail=f"no scripted reply for {where}")
        detail = "" if row.finish_reason in ("stop", "length") else "the file of replies states this finish reason"
        logprobs = row.logprobs if request.sampling.logprobs else {}
        return Reply(text=text, finish_reason=row.finish_reason, detail=detail, logprobs=logprobs)

    async def close(self) -> None:
        """Do nothing."""

    def _find(self, request: Request) -> ScriptedReply | None:
        items = (request.item, request.context.get("name", ""), _ANY_ITEM)
        languages, samples = (request.context.get("language", ""), ""), (request.sample, None)
        keys = product((request.call, request.former_call), items, languages, samples)
        return next((self._replies[key] for key in keys if key in self._replies), None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise InputError.at(path, None, f"cannot read the scripted replies: {what}") from None


def _parse_replies(path: Path, text: str) -> dict[_ReplyKey, ScriptedReply]:
    rows: dict[_ReplyKey, ScriptedReply] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        row = _parse_line(path, number, line)
        key = (row.call, row.item, row.language, row.sample)
        if key in rows:
            raise InputError.at(
                path, number, "duplicate line: an earlier line has the same call, item, language and sample"
            )
        rows[key] = row
    return rows


def _parse_line(path: Path, number: int, line: str) -> ScriptedReply:
    try:
        row = msgspec.json.decode(line, type=ScriptedReply)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InputError.at(path, number, f"the line is not a scripted reply: {error}") from None
    if (row.reply is None) == (row.replies is None):
        raise InputError.at(path, number, "the line is not a scripted reply: give either 'reply' or 'replies'")
    if row.replies is not None and row.sample is not None:
        raise InputError.at(
            path, number, "the line is not a scripted reply: 'sample' is valid with 'reply', not with 'replies'"
        )
    return row
