"""Encode requests and parse responses of the OpenAI API; no input or output.

Fields follow the OpenAI API reference (chat completions, completions). Servers omit different fields, set them to null
or use other types, so all fields except the text of the choice are optional and may have any type.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from glotsmith.records import content_hash
from glotsmith.teachers.base import Reply, Request, first_word_position
from glotsmith.teachers.lenient_json import (
    DONE,
    JsonBody,
    as_count,
    as_dict,
    as_list,
    as_number,
    as_text,
    parse_body,
)
from glotsmith.teachers.retries import TransientError
from glotsmith.teachers.server_errors import (
    ErrorInReply,
    ServerError,
    one_line,
    parse_server_error,
    read_server_error,
    replace_surrogates,
)

_BYTES_PER_TOKEN = 4
#: Finish reasons of servers for a reply that reached its length limit …
_LENGTH_REASONS = {
    *("length", "max_tokens", "max_length", "max_output_tokens", "max_new_tokens", "model_length", "token_limit"),
    *("model_context_window_exceeded",),
}
#: … for a reply that a filter stopped …
_FILTER_REASONS = {
    *("content_filter", "content_filtered", "safety", "recitation", "blocklist", "prohibited_content", "spii"),
    *("sensitive", "moderation", "guardrail_intervened", "refusal"),
}
#: … and for an aborted reply. With any other reason, the reply is complete.
_ABORT_REASONS = {
    *("error", "abort", "aborted", "cancelled", "canceled", "network_error", "model_error", "timeout"),
    *("insufficient_system_resource", "engine_overloaded"),
}
_TEXT_PARTS = ("text", "output_text", "")  #: types of content parts that belong to the reply


def endpoint_path(request: Request) -> str:
    """Return the path of the endpoint below the base URL: chat for messages, completions for a prompt."""
    return "/chat/completions" if request.messages else "/completions"


def request_body(request: Request, model: str, extra: Mapping[str, Any], rename: Mapping[str, str]) -> bytes:
    """Return the JSON of a request with ``extra`` fields, renamed by ``rename``; the name ``""`` omits a field."""
    s = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "temperature": s.temperature,
        "top_p": s.top_p,
        "max_tokens": s.max_tokens,
        "seed": request_seed(request),
    }
    if s.stop:
        body["stop"] = list(s.stop)
    if s.repetition_penalty != 1.0:
        body["repetition_penalty"] = s.repetition_penalty
    if request.messages:
        body["messages"] = [{"role": m.role, "content": m.content} for m in request.messages]
        body |= {"logprobs": True, "top_logprobs": s.logprobs} if s.logprobs else {}
        body |= {"response_format": _response_format(request.schema)} if request.schema else {}
    else:
        body["prompt"] = request.prompt
        body |= {"logprobs": s.logprobs} if s.logprobs else {}
    named = {rename.get(field, field): value for field, value in body.items()} | dict(extra)
    named.pop("", None)
    try:
        return msgspec.json.encode(named)
    except UnicodeEncodeError:  # lone surrogates in a prompt can be sent as escapes
        return json.dumps(named).encode()


def _response_format(schema: str) -> dict[str, Any]:
    """Return the field that restricts a reply to a JSON schema (OpenAI, vLLM, SGLang, llama.cpp)."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": msgspec.json.decode(schema)},
    }


def request_seed(request: Request) -> int:
    """Return the seed to send, of 31 bits, derived from the seed of the run and the sample."""
    return int(content_hash(str(request.seed), str(request.sample))[:8], 16) >> 1


def read_reply(body: str, request: Request) -> Reply:
    """Return the reply in a successful response; the caller adds costs and redacts the key.

    Raises:
        ErrorInReply: it states an error after all.
        TransientError: the body is cut off, not JSON, or holds no choice.

    """
    answer = _answer(parse_body(body), body)
    choice = _first_choice(answer)
    if not choice:
        raise _missing_choice_error(answer)
    return _reply(choice, answer, request)


def _answer(body: JsonBody, text: str) -> Mapping[str, object]:
    """Return the object in a response, which may be a stream, a list, or JSON in a string."""
    if not body.values:
        raise _broken_body_error(text)
    value = assemble_stream(body.values) if body.streamed else body.values[0]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = next(iter(parse_body(value).values), value)
    fields = as_dict(next(iter(as_list(value)), value))
    if not fields:
        raise TransientError(f"the server answered with JSON that is not an object ({one_line(text)[:100]})")
    wrapped = [inner for inner in map(as_dict, fields.values()) if inner.get("choices")]
    return wrapped[0] if wrapped and not fields.get("choices") else fields


def _broken_body_error(text: str) -> TransientError:
    start = text.lstrip()[:1]
    if start in ("", "{", "["):
        return TransientError(
            "the server answered with broken JSON" if start else "the server answered with an empty body"
        )
    problem = read_server_error(text)
    what = "a page" if start == "<" else "a text"
    message = f"the server answered with {what} instead of JSON ({problem.message})"
    return TransientError(message, affects_all=start == "<", congested=problem.congested)


def _first_choice(answer: Mapping[str, object]) -> Mapping[str, object]:
    choices = answer.get("choices")
    found = [as_dict(choices), *map(as_dict, as_list(choices))]
    return next((choice for choice in found if choice), found[0])


def _missing_choice_error(answer: Mapping[str, object]) -> TransientError:
    without = {name: value for name, value in answer.items() if name != "choices"}
    if (stated := _stated_error(answer)) is not None:
        return ErrorInReply("the server answered with an error", stated)
    how = "an empty list of choices" if answer.get("choices") == [] else "no choices"
    return ErrorInReply(f"the server answered with {how}", parse_server_error(without))


def _stated_error(answer: Mapping[str, object]) -> ServerError | None:
    """Return the error in an object, or None."""
    codes = [as_dict(answer.get("base_resp")).get("status_code"), answer.get("error"), answer.get("errors")]
    if any(codes) or "error" in (answer.get("object"), answer.get("type")):
        return parse_server_error({name: value for name, value in answer.items() if name != "choices"})
    return None


def _reply(choice: Mapping[str, object], answer: Mapping[str, object], request: Request) -> Reply:
    text, finish, detail = _outcome(choice, answer)
    usage = as_dict(answer.get("usage"))
    return Reply(
        text=cut_at_stop(replace_surrogates(text), request.sampling.stop),
        finish_reason=finish,
        detail=detail,
        logprobs=_first_logprobs(choice.get("logprobs")) if request.sampling.logprobs else {},
        input_tokens=_token_count(usage, "prompt", "input"),
        output_tokens=_token_count(usage, "completion", "output"),
    )


def with_token_counts(reply: Reply, request: Request) -> Reply:
    """Return a reply with estimated token counts if the server states none, so that it does not seem to cost nothing.

    Four bytes count as one token, which is close to what tokenisers need for English and for code.
    """
    if reply.input_tokens or reply.output_tokens or reply.finish_reason == "refused":
        return reply
    inputs = math.ceil(request.prompt_bytes / _BYTES_PER_TOKEN)
    outputs = math.ceil(len(reply.text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN)
    return msgspec.structs.replace(reply, input_tokens=inputs, output_tokens=outputs)


def _token_count(usage: Mapping[str, object], *kinds: str) -> int:
    """Return a token count from ``usage``; 0 if there is none. Some servers nest their counts."""
    for kind in kinds:
        value = usage.get(f"{kind}_tokens")
        inner = as_dict(value)
        if count := as_count(inner.get("total") or inner.get("total_tokens") or value):
            return count
    nested = map(as_dict, usage.values())
    return next((count for inner in nested if (count := _token_count(inner, *kinds))), 0)


def _outcome(
    choice: Mapping[str, object], answer: Mapping[str, object]
) -> tuple[str, Literal["stop", "length", "refused"], str]:
    message = as_dict(choice.get("message") or choice.get("delta"))
    text, finish = _text(choice, message), _finish_reason(choice)
    _raise_stated_error(choice, answer, text, finish)
    if finish in _LENGTH_REASONS:
        return text or "", "length", ""
    if finish in _FILTER_REASONS:
        return "", "refused", "the server's content filter stopped the reply"
    if refusal := as_text(message.get("refusal")):
        return "", "refused", f"the model refused: {one_line(refusal)}"
    if text:
        return text, "stop", ""
    return _outcome_without_text(message, text)


def _raise_stated_error(
    choice: Mapping[str, object], answer: Mapping[str, object], text: str | None, finish: str
) -> None:
    """Raise the error in a choice, or in the response if the choice has no reply."""
    stated = _stated_error(choice) or (None if text and finish not in _ABORT_REASONS else _stated_error(answer))
    if stated is not None:
        raise ErrorInReply("the server answered with an error", stated)
    if finish in _ABORT_REASONS:
        raise ErrorInReply("the server stopped half-way", ServerError(f"finish_reason {finish}", finish))
    if text is None and not choice.keys() & {"message", "text", "delta"}:
        raise ErrorInReply("the server answered with a choice of an unknown form", parse_server_error(choice))
    if text is None and not isinstance(choice.get("message") or {}, dict):
        raise TransientError("the server answered with a message of an unknown form")


def _outcome_without_text(
    message: Mapping[str, object], text: str | None
) -> tuple[str, Literal["stop", "refused"], str]:
    """Return text, finish reason and detail for a message without text that was not aborted.

    Servers that separate reasoning from replies put the reply into the reasoning if the model does not mark its end.
    """
    for name in ("reasoning_content", "reasoning"):
        if (thoughts := as_text(message.get(name))).strip():
            return thoughts, "stop", f"the reply is in {name}"
    calls = [call for name in ("tool_calls", "function_call") if (call := message.get(name))]
    if calls:
        return "", "refused", "the reply has no text: the model called a tool"
    return "", "stop", "" if text is not None else "the reply has no text"


def _finish_reason(choice: Mapping[str, object]) -> str:
    """Return the finish reason in lower case; SGLang sends an object."""
    finish = choice.get("finish_reason") or choice.get("stop_reason")
    return as_text(as_dict(finish).get("type") or finish).lower()


def _text(choice: Mapping[str, object], message: Mapping[str, object]) -> str | None:
    texts = (_content(message.get("content")), _joined(choice.get("text")))
    return next((text for text in texts if text), next((text for text in texts if text is not None), None))


def _content(content: object) -> str | None:
    """Return a content as text; some proxies parse text that looks like JSON."""
    is_value = isinstance(content, int | float) or (as_dict(content) and not as_dict(content).keys() & {"type", "text"})
    return json.dumps(content, ensure_ascii=False) if is_value else _joined(content)


def _joined(content: object) -> str | None:
    """Return a text, or the joined texts of a content in parts."""
    if parts := as_list(content):
        return "".join(_joined(part) or "" for part in parts)
    if part := as_dict(content):
        inner = part.get("text", part.get("value"))
        return _joined(inner) if as_text(part.get("type")) in _TEXT_PARTS else None
    return content if isinstance(content, str) else None


def cut_at_stop(text: str, stop: tuple[str, ...]) -> str:
    """Cut a text at the first stop sequence, because some servers return or ignore it."""
    return text[: min((at for s in stop if s and (at := text.find(s)) >= 0), default=len(text))]


def _first_logprobs(logprobs: object) -> dict[str, float]:
    """Return the top tokens at the position of the first word; probabilities of equal tokens are added."""
    mass: dict[str, float] = {}
    for token, logprob in dict.fromkeys(_top_logprobs(logprobs)):  # tokens may be equal: parts of a character
        if logprob is not None:
            mass[replace_surrogates(token)] = _add_logprobs(logprob, mass.get(replace_surrogates(token), -math.inf))
    return mass


def _top_logprobs(logprobs: object) -> Iterable[tuple[str, float | None]]:
    """Return tokens and logprobs at the position of the first word: a list in chats, a table in completions."""
    fields = as_dict(logprobs)
    if positions := [as_dict(p) for p in as_list(fields.get("content")) or as_list(logprobs)]:
        at = first_word_position([as_text(p.get("token")) for p in positions])
        return _pairs(positions[at].get("top_logprobs"))
    if tables := as_list(fields.get("top_logprobs")):
        at = first_word_position([as_text(token) for token in as_list(fields.get("tokens"))[: len(tables)]])
        return _pairs(tables[at])
    return []


def _pairs(tokens: object) -> Iterable[tuple[str, float | None]]:
    """Return each token with its logprob, or None if it has none."""
    rows = [(as_text(row.get("token")), row.get("logprob")) for row in map(as_dict, as_list(tokens))]
    return [(token, as_number(value)) for token, value in [*as_dict(tokens).items(), *rows]]


def _add_logprobs(a: float, b: float) -> float:
    """Return log(exp(a) + exp(b))."""
    return max(a, b) + math.log1p(math.exp(min(a, b) - max(a, b)))


def read_model_names(body: str) -> list[str]:
    """Return the model names in a response of ``/models``; [] if it cannot be parsed."""
    value = next(iter(parse_body(body).values), None)
    models = as_list(as_dict(value).get("data")) or as_list(value)
    return [name for model in map(as_dict, models) if (name := as_text(model.get("id")))]


_BROKEN_OFF = "the stream ends before the reply does"
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal", "text")


def assemble_stream(chunks: Iterable[object]) -> Mapping[str, object]:
    """Join the chunks of a stream into one response, or return an error before the end of the reply."""
    choice: dict[str, Any] = {"message": {}}
    rest: dict[str, object] = {}
    begun = ended = False
    for chunk in chunks:
        fields = as_dict(chunk)
        if _is_error_chunk(fields) and not ended:
            return {**rest, **fields}
        part = _chunk_choice(fields)
        _add_chunk(choice, part)
        begun |= bool(part)
        ended |= chunk == DONE or bool(part.get("finish_reason")) or "message" in part
        rest |= {name: value for name, value in fields.items() if value and name not in ("choices", "error")}
    return {**rest, "choices": [choice]} if begun and ended else {"error": {"message": _BROKEN_OFF}}


def _is_error_chunk(fields: Mapping[str, object]) -> bool:
    return bool(fields.get("error")) or fields.get("object") == "error" or fields.get("type") == "error"


def _chunk_choice(fields: Mapping[str, object]) -> Mapping[str, object]:
    choices = map(as_dict, as_list(fields.get("choices")))
    empty: Mapping[str, object] = {}
    return next((choice for choice in choices if choice.get("index") in (None, 0)), empty)


def _add_chunk(choice: dict[str, Any], part: Mapping[str, object]) -> None:
    """Add the choice of a chunk to the joined choice."""
    _add_texts(choice["message"], as_dict(part.get("delta") or part.get("message")))
    _add_texts(choice, part)
    for name in ("finish_reason", "error"):
        if part.get(name):
            choice[name] = part[name]
    logprobs = choice.setdefault("logprobs", {})
    for name, values in as_dict(part.get("logprobs")).items():
        logprobs[name] = logprobs.get(name, []) + as_list(values)


def _add_texts(whole: dict[str, Any], part: Mapping[str, object]) -> None:
    for name in _TEXTS:
        piece = part.get(name)
        if isinstance(piece, str):
            whole[name] = whole.get(name, "") + piece
        elif as_list(piece):
            whole[name] = piece
