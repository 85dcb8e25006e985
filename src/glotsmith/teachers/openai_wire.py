"""What goes over the wire to an OpenAI-compatible server, and what comes back; no input or output happens here.

Fields follow the OpenAI API reference (chat completions, completions). Servers differ in what they leave out or set
to null, so that everything but the choice itself is optional.
"""

import html
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast

import msgspec

from glotsmith.records import content_hash
from glotsmith.teachers.base import Reply, Request, first_word
from glotsmith.teachers.retries import Transient

_LONGEST_PROBLEM = 65536  #: characters of an error body that are looked at
_LONGEST_MESSAGE = 300  #: characters of a server's message that are repeated to the user


class _Token(msgspec.Struct):
    token: str
    logprob: float | None = None
    top_logprobs: list["_Token"] | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None  # chat: one per position
    tokens: list[Any] | None = None  # completions: a text per position
    top_logprobs: list[dict[str, float | None] | None] | None = None  # likewise


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None  # chat
    text: str | None = None  # completions
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class Problem(NamedTuple):
    """What an error body says."""

    message: str  #: one line, not redacted yet
    code: str  #: machine-readable code or type, lower case; "" where there is none

    def mentions(self, *words: str) -> bool:
        """Whether the code or the message contains one of ``words`` (lower case)."""
        text = f"{self.code} {self.message}".lower()
        return any(word in text for word in words)


def path_of(request: Request) -> str:
    """Return the endpoint, relative to the base URL: chat for messages, completions for a prompt."""
    return "/chat/completions" if request.messages else "/completions"


def body_of(request: Request, model: str, extra: Mapping[str, Any], rename: Mapping[str, str]) -> bytes:
    """Write the request's JSON: ``extra`` fields are added, fields in ``rename`` renamed, or left out for ``""``."""
    s = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "temperature": s.temperature,
        "top_p": s.top_p,
        "max_tokens": s.max_tokens,
        "seed": seed_of(request),
    }
    if s.stop:
        body["stop"] = list(s.stop)
    if s.repetition_penalty != 1.0:
        body["repetition_penalty"] = s.repetition_penalty
    if request.messages:
        body["messages"] = [{"role": m.role, "content": m.content} for m in request.messages]
        body |= {"logprobs": True, "top_logprobs": s.logprobs} if s.logprobs else {}
    else:
        body["prompt"] = request.prompt
        body |= {"logprobs": s.logprobs} if s.logprobs else {}
    named = {rename.get(field, field): value for field, value in body.items()} | dict(extra)
    named.pop("", None)
    return json.dumps(named).encode()  # ASCII, so that even lone surrogates in a prompt can be sent


def seed_of(request: Request) -> int:
    """Return the seed to send, of 31 bits: one for each sample of a run's seed."""
    return int(content_hash(str(request.seed), str(request.sample))[:8], 16) >> 1


def read_reply(body: str, request: Request) -> Reply:
    """Read a successful answer; costs and redaction are the caller's.

    Raises:
        Transient: the body is cut off, not JSON, holds an error after all, or holds no choice.

    """
    raw = _json(body)
    if isinstance(raw, dict) and "choices" not in raw:
        raise Transient(f"the server answered without choices: {read_problem(body).message}")
    try:
        answer = msgspec.convert(raw, _Answer)
    except msgspec.ValidationError as error:
        raise Transient(f"the server answered in an unknown form ({error})") from None
    if not answer.choices:
        raise Transient("the server answered with an empty list of choices")
    return _reply(answer.choices[0], answer.usage or _Usage(), request)


def _json(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        is_page = body.lstrip()[:1] == "<"
        what = f"a page instead of JSON ({read_problem(body).message})" if is_page else "broken JSON"
        raise Transient(f"the server answered with {what}", blames_server=is_page) from None


def _reply(choice: _Choice, usage: _Usage, request: Request) -> Reply:
    text, finish, detail = _outcome(choice)
    return Reply(
        text=until_stop(_whole(text), request.sampling.stop),
        finish_reason=finish,
        detail=detail,
        logprobs=_first_logprobs(choice.logprobs) if request.sampling.logprobs else {},
        input_tokens=max(usage.prompt_tokens or 0, 0),
        output_tokens=max(usage.completion_tokens or 0, 0),
    )


def _outcome(choice: _Choice) -> tuple[str, Literal["stop", "length", "refused"], str]:
    text = _text(choice)
    if choice.finish_reason in ("error", "abort"):  # OpenRouter's and vLLM's words for having given up
        raise Transient(f"the server stopped half-way (finish_reason {choice.finish_reason})")
    if choice.finish_reason == "length":
        return text or "", "length", ""
    if choice.finish_reason == "content_filter":
        return "", "refused", "the server's content filter stopped the reply"
    if choice.message and choice.message.refusal:
        return "", "refused", f"the model refused: {_line(choice.message.refusal)}"
    return (text, "stop", "") if text is not None else ("", "refused", "the reply has no text")


def _text(choice: _Choice) -> str | None:
    content = choice.message.content if choice.message else choice.text
    if isinstance(content, list):
        return "".join(part.text or "" for part in content if part.type == "text")
    return content


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def until_stop(text: str, stop: tuple[str, ...]) -> str:
    """Cut at the first stop sequence: some servers hand it out with the text, or ignore it."""
    return text[: min((at for s in stop if s and (at := text.find(s)) >= 0), default=len(text))]


def _first_logprobs(logprobs: _Logprobs | None) -> dict[str, float]:
    """Return the top tokens where the reply's first word stands; tokens of one text have their mass together."""
    pairs: list[tuple[str, float | None]] = []
    if logprobs and logprobs.content:
        at = first_word([t.token for t in logprobs.content])
        pairs = [(t.token, t.logprob) for t in logprobs.content[at].top_logprobs or ()]
    elif logprobs and logprobs.top_logprobs:
        tokens = (logprobs.tokens or [])[: len(logprobs.top_logprobs)]
        at = first_word([t if isinstance(t, str) else "" for t in tokens])
        pairs = list((logprobs.top_logprobs[at] or {}).items())
    mass: dict[str, float] = {}
    for token, logprob in dict.fromkeys(pairs):  # with and without a blank, or parts of a character
        if logprob is not None and math.isfinite(logprob):
            mass[_whole(token)] = _together(logprob, mass.get(_whole(token), -math.inf))
    return mass


def _together(a: float, b: float) -> float:
    """Return log(exp(a) + exp(b))."""
    return max(a, b) + math.log1p(math.exp(min(a, b) - max(a, b)))


def read_problem(body: str) -> Problem:
    """Find the message and the code in an error body, in any of the forms that servers use."""
    text = body[:_LONGEST_PROBLEM]
    try:
        raw: object = json.loads(text)
    except (ValueError, RecursionError):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
        return Problem(_line(html.unescape(title[1]) if title else re.sub(r"<[^>]*>", " ", text)), "")
    return _problem(raw)


def _problem(raw: object) -> Problem:
    if not isinstance(raw, dict):
        return Problem(_line(raw if isinstance(raw, str) else json.dumps(raw)), "")
    fields = cast(dict[str, object], raw)
    if isinstance(inner := fields.get("error"), dict | str) and inner:
        return _problem(cast(object, inner))
    message = fields.get("message") or fields.get("detail") or fields
    code = f"{fields.get('code') or ''} {fields.get('type') or ''}"
    return Problem(_line(message if isinstance(message, str) else json.dumps(message)), code.strip().lower())


def _line(text: str) -> str:
    return " ".join(_whole(text).split()) or "no message"


def shorten(text: str) -> str:
    """Cut a message to what a person reads; after redaction, as a cut could leave half a key."""
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]} …"


def read_models(body: str) -> list[str]:
    """Return the ids in an answer of ``/models``; none when it can't be read."""
    try:
        listing = msgspec.json.decode(body, type=_Models)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return []
    return [m.id for m in listing.data]


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]
