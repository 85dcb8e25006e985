"""Answers as servers really send them: a good reply is used, an error is told in the server's words."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from glotsmith.errors import TeacherError
from glotsmith.teachers.base import Message, Reply, Request, Sampling
from glotsmith.teachers.openai import OpenAI, OpenAIOptions
from glotsmith.teachers.openai_wire import read_model_names, read_reply, request_body

CHAT = Request(call="c", item="i", messages=(Message(role="user", content="Say hi"),), sampling=Sampling(logprobs=2))


def choice(content: Any = "hi", **more: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"} | more


def answer(*choices: Any, **more: Any) -> dict[str, Any]:
    return {"choices": list(choices or (choice(),)), "usage": {"prompt_tokens": 11, "completion_tokens": 3}} | more


def message(**fields: Any) -> dict[str, Any]:
    return answer({"message": fields, "finish_reason": "stop"})


def chunk(finish: str | None = None, **delta: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def events(*data: str, name: str = "", end: str = "\n") -> str:
    head = f"event: {name}{end}" if name else ""
    return "".join(f"{head}data: {line}{end}{end}" for line in data)


OK = json.dumps(answer())
USAGE = [
    ({"prompt_tokens": 11.0, "completion_tokens": 3.0}, (11, 3)),
    ({"prompt_tokens": "11", "completion_tokens": "3"}, (11, 3)),
    ({"prompt_tokens": 1.1e1, "completion_tokens": None}, (11, 0)),
    ({"input_tokens": 11, "output_tokens": 3}, (11, 3)),
    ({"prompt_tokens": {"total": 11}, "completion_tokens": {"total_tokens": 3}}, (11, 3)),
    ({"tokens": {"prompt_tokens": 11, "completion_tokens": 3.0}}, (11, 3)),
    ({"prompt_tokens": 11, "completion_tokens": 3, "prompt_tokens_details": None, "cost": "0.1"}, (11, 3)),
    ({"prompt_tokens": -1, "completion_tokens": -3.5}, (0, 0)),
    ({"prompt_tokens": "many", "completion_tokens": [3]}, (0, 0)),
    ({"prompt_tokens": True, "completion_tokens": 1e300}, (0, 0)),
    (None, (0, 0)),
    ([], (0, 0)),
    ("11", (0, 0)),
    (14, (0, 0)),
]


@pytest.mark.parametrize(("usage", "expected"), USAGE)
def test_a_reply_is_used_whatever_its_usage(usage: Any, expected: tuple[int, int]) -> None:
    reply = read_reply(json.dumps(answer(usage=usage)), CHAT)
    assert (reply.text, reply.finish_reason, reply.input_tokens, reply.output_tokens) == ("hi", "stop", *expected)


def top(*pairs: Any) -> dict[str, Any]:
    table = [{"token": token, "logprob": logprob} for token, logprob in pairs]
    return {"content": [{"token": pairs[0][0], "logprob": -0.1, "top_logprobs": table}]}


LOGPROBS = [
    ([], {}),
    ({}, {}),
    (None, {}),
    ("none", {}),
    (0, {}),
    ({"content": []}, {}),
    ({"content": None}, {}),
    ({"content": {}}, {}),
    ({"content": [None]}, {}),
    ({"content": [{"token": "hi", "top_logprobs": None}]}, {}),
    ({"content": [{"token": None, "top_logprobs": []}]}, {}),
    ({"tokens": None, "top_logprobs": [None]}, {}),
    ({"tokens": [1, None], "top_logprobs": {}}, {}),
    (top(("hi", -0.5), ("no", None), ("x", "-inf")), {"hi": -0.5}),
    (top(("hi", "-0.5"), ("no", [])), {"hi": -0.5}),
    (top(("hi", -1), ("no", True)), {"hi": -1.0}),
    ({"content": [{"token": "hi", "top_logprobs": {"hi": -0.5}}]}, {"hi": -0.5}),
    (top(("hi", -0.5))["content"], {"hi": -0.5}),
    ({"tokens": ["hi"], "top_logprobs": [{"hi": -0.5}]}, {"hi": -0.5}),
]


@pytest.mark.parametrize(("logprobs", "expected"), LOGPROBS)
def test_a_reply_is_used_whatever_its_logprobs(logprobs: Any, expected: dict[str, float]) -> None:
    reply = read_reply(json.dumps(answer(choice(logprobs=logprobs))), CHAT)
    assert (reply.text, reply.logprobs) == ("hi", expected)


CONTENTS = [
    (answer(choice(None)), "", "stop", "the reply has no text"),
    (answer(choice("")), "", "stop", ""),
    (
        message(content=None, reasoning_content="```lua\n1\n```"),
        "```lua\n1\n```",
        "stop",
        "is in reasoning_content",
    ),
    (message(content="", reasoning="local x"), "local x", "stop", "the reply is in reasoning"),
    (message(content="hi", reasoning_content="hm"), "hi", "stop", ""),
    (message(content=None, tool_calls=[{"id": "1"}]), "", "refused", "the model called a tool"),
    (message(content=None, function_call={"name": "f"}), "", "refused", "the model called a tool"),
    (message(content="hi", tool_calls=[]), "hi", "stop", ""),
    (message(content=None, refusal="No."), "", "refused", "the model refused: No."),
    (message(content="hi", refusal=""), "hi", "stop", ""),
    (answer(choice(["h", {"text": "i"}])), "hi", "stop", ""),
    (answer(choice([{"type": "output_text", "text": "hi"}, {"type": "reasoning", "text": "x"}])), "hi", "stop", ""),
    (answer(choice([{"type": "text", "text": {"value": "hi"}}, None])), "hi", "stop", ""),
    (answer(choice({"type": "text", "text": "hi"})), "hi", "stop", ""),
    (answer({"message": None, "text": "hi"}), "hi", "stop", ""),
    (answer(choice(12)), "12", "stop", ""),
    (answer(choice({"answer": "é"})), '{"answer": "é"}', "stop", ""),
    ({"code": 200, "message": "ok", "data": answer()}, "hi", "stop", ""),
    ({"success": True, "result": answer(), "errors": []}, "hi", "stop", ""),
    (answer({"delta": {"content": "hi"}}), "hi", "stop", ""),
    (answer(None, choice()), "hi", "stop", ""),
    (answer() | {"choices": choice()}, "hi", "stop", ""),
    ([answer()], "hi", "stop", ""),
    (json.dumps(answer()), "hi", "stop", ""),
    (answer(error=None, base_resp={"status_code": 0, "status_msg": ""}), "hi", "stop", ""),
    (answer(error={"message": "a warning"}), "hi", "stop", ""),
]


@pytest.mark.parametrize(("body", "text", "finish", "detail"), CONTENTS)
def test_a_reply_is_read_in_any_form(body: Any, text: str, finish: str, detail: str) -> None:
    reply = read_reply(json.dumps(body), CHAT)
    assert (reply.text, reply.finish_reason, bool(reply.detail)) == (text, finish, bool(detail))
    assert detail in reply.detail


@pytest.mark.parametrize(
    ("given", "finish"),
    [
        *((word, "stop") for word in ("stop", "eos", "end_turn", "STOP", "eos_token", "stop_sequence", "done", "")),
        *((word, "stop") for word in (None, 0, [], {}, {"type": "stop", "matched": 2}, "tool_calls", "unheard of")),
        *((word, "length") for word in ("length", "max_tokens", "MAX_TOKENS", "model_length", {"type": "length"})),
        *((word, "refused") for word in ("content_filter", "SAFETY", "recitation", "sensitive")),
    ],
)
def test_a_finish_reason_is_read_in_any_words(given: Any, finish: str) -> None:
    reply = read_reply(json.dumps(answer(choice(finish_reason=given))), CHAT)
    assert (reply.text, reply.finish_reason) == ("" if finish == "refused" else "hi", finish)


STREAM = (chunk(role="assistant", content=""), chunk(content="h"), chunk(content="i"), chunk("stop"))
LAST = json.dumps({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3}})
BODIES = {
    "byte order mark": b"\xef\xbb\xbf" + OK.encode(),
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + OK.encode(),
    "UTF-16": OK.encode("utf-16"),
    "UTF-32": OK.encode("utf-32-be"),
    "blanks before": b"\n\n  \r\n" + OK.encode(),
    "text behind": OK.encode() + b"\nOK",
    "an end of file mark behind": OK.encode() + b"\0\0",
    "NaN": json.dumps(answer(score=float("nan"), other=float("-inf"))).encode(),
    "a line break in a string": OK.replace('"role": "assistant"', '"role": "assis\ntant"').encode(),
    "a key twice": OK.replace('"hi"', '"ho", "content": "hi"').encode(),
    "a huge number": OK.replace("11", "1" * 400).encode().replace(b"1" * 400, b'11, "n": ' + b"9" * 400),
    "events": events(*STREAM, LAST, "[DONE]").encode(),
    "events without an end mark": events(*STREAM, LAST).encode(),
    "events without a finish reason": events(*STREAM[:3], LAST, "[DONE]").encode(),
    "events with CRLF": events(*STREAM, LAST, "[DONE]", end="\r\n").encode(),
    "events without empty lines": events(*STREAM, LAST, "[DONE]").replace("\n\n", "\n").encode(),
    "events with comments": (": PROCESSING\n\n" + events(*STREAM, LAST)).encode(),
    "events without blanks": events(*STREAM, LAST).replace("data: ", "data:").encode(),
    "one event with a whole reply": events(OK).encode(),
    "named events": events(*STREAM, LAST, "[DONE]", name="message").encode(),
    "events, then an error": (events(*STREAM, LAST) + events('{"message": "late"}', name="error")).encode(),
    "JSON behind a comment": (": PROCESSING\n\n" + OK).encode(),
    "lines of JSON": "\n".join((*STREAM, LAST)).encode(),
    "events of completions": events(
        *(json.dumps({"choices": [{"text": t, "finish_reason": f}]}) for t, f in (("h", None), ("i", "stop"))), LAST
    ).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_is_read_in_any_form(server: Any, fake_time: Any, body: bytes) -> None:
    server.answers = [lambda handler: handler.send(200, body)]
    reply, _ = ask(server, fake_time)
    assert (reply.text, reply.finish_reason, reply.detail) == ("hi", "stop", "")
    assert (reply.input_tokens, reply.output_tokens, len(server.seen)) == (11, 3, 1)


ACCENT = json.dumps(answer(choice("né")), ensure_ascii=False)


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        (
            ACCENT.encode("latin-1"),
            "application/json; charset=latin-1",
            "né",
        ),
        (ACCENT.encode(), "application/json; charset=latin-1", "né"),
        (ACCENT.encode("cp1252"), "text/plain; charset='x'", "n\ufffd"),
    ],
)
def test_a_charset_is_believed_when_the_body_is_not_utf_8(
    server: Any, fake_time: Any, body: bytes, headers: str, text: str
) -> None:
    server.answers = [lambda handler: handler.send(200, body, Content_Type=headers)]
    assert ask(server, fake_time)[0].text == text


def test_a_stream_keeps_logprobs_and_reasoning() -> None:
    parts = [{"choices": [{"delta": {"reasoning_content": t}, "logprobs": top((t, -0.5))}]} for t in ("\n", "hi")]
    reply = read_reply(events(*map(json.dumps, parts), chunk("stop"), LAST), CHAT)
    assert (reply.text, reply.logprobs) == ("\nhi", {"hi": -0.5})


def ask(server: Any, fake_time: Any, request: Request = CHAT, **options: Any) -> tuple[Reply, int]:
    """Ask once; return the reply and the last limit of the limiter."""

    async def main() -> tuple[Reply, int]:
        made = OpenAIOptions(**{"model": "small", "base_url": server.url, "backoff_s": 0.0, **options})
        teacher = OpenAI(made, clock=fake_time.clock)
        try:
            return await teacher.reply(request), teacher.limiter.limit
        finally:
            await teacher.close()

    return asyncio.run(main())


def sends(body: Any, status: int = 200, **headers: str) -> Callable[[Any], None]:
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return lambda handler: handler.send(status, data, **headers)


def error(message: str = "Slow there", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


OPENROUTER = error(
    "Provider returned error",
    code=429,
    metadata={"raw": '{"error": {"message": "upstream is full"}}', "provider_name": "P"},
)
CONGESTED = {
    "429 in a 200": (sends(error(code=429)), "Slow there"),
    "429 as text in a 200": (sends(error(code="429", type=None)), "Slow there"),
    "429 beside null choices": (sends({"choices": None, **error(code=429)}), "Slow there"),
    "503 beside no choices": (sends({"choices": [], **error(code=503)}), "Slow there"),
    "a choice with an error": (sends(answer(choice(None, finish_reason="error", **error(code=429)))), "Slow there"),
    "a half choice with an error": (sends(answer(choice("h", finish_reason="error", **error(code=429)))), "Slow there"),
    "RESOURCE_EXHAUSTED": (sends({"choices": None, "error": {"status": "RESOURCE_EXHAUSTED", "message": "m1"}}), "m1"),
    "RESOURCE_EXHAUSTED with 500": (sends({"error": {"status": "RESOURCE_EXHAUSTED", "message": "m2"}}, 500), "m2"),
    "RESOURCE_EXHAUSTED in a list": (sends([{"error": {"code": 429, "message": "m3"}}], 400), "m3"),
    "vLLM": (sends({"object": "error", "message": "m4", "type": "RateLimitError", "code": 429}), "m4"),
    "a code in words": (sends(error("m5", type="rate_limit_exceeded", code=None), 400), "m5"),
    "overloaded_error": (sends({"type": "error", "error": {"type": "overloaded_error", "message": "m6"}}), "m6"),
    "a router": (sends(OPENROUTER), "Provider returned error; P: upstream is full"),
    "a router with 502": (sends(OPENROUTER, 502), "P: upstream is full"),
    "a text": (sends({"error": "Model is overloaded", "error_type": "overloaded"}), "Model is overloaded"),
    "a list": (sends({"error": ["Too many requests", "try later"]}), "Too many requests; try later"),
    "several": (sends({"success": False, "errors": [{"code": 971, "message": "rate limited"}]}, 400), "rate limited"),
    "a base_resp": (
        sends({"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}}),
        "rate limit",
    ),
    "a bare message": (sends({"code": "Throttling", "message": "m7", "request_id": "r"}), "m7"),
    "a detail": (sends({"detail": "Server is busy"}), "Server is busy"),
    "JSON in a message": (sends(error('{"error": {"code": 429, "message": "m8"}}'), 500), "m8"),
    "a status in a message": (sends(error("Error code: 429 - m9"), 500), "m9"),
    "a 403 about a rate": (sends(error("Rate limit exceeded for your plan"), 403), "Rate limit exceeded"),
    "529": (sends(error("m10"), 529), "m10"),
    "an event": (sends(events(json.dumps(error(code=429)))), "Slow there"),
    "an event called error": (sends(events('{"code": 429, "message": "m11"}', name="error")), "m11"),
    "an event called error, in words": (sends(events("rate limit reached", name="error")), "rate limit reached"),
    "an event half-way": (sends(events(STREAM[0], STREAM[1], json.dumps(error(code=429)))), "Slow there"),
    "an event with a 500": (sends(events(json.dumps(error(code=429))), 500), "Slow there"),
    "a reason": (
        sends(answer(choice("h", finish_reason="insufficient_system_resource"))),
        "insufficient_system_resource",
    ),
    "a page with 200": (sends(b"<html><title>503 Service Unavailable</title>"), "503 Service Unavailable"),
    "a text without JSON": (sends(b"Too Many Requests"), "Too Many Requests"),
    "compressed": (sends(gzip.compress(json.dumps(error(code=429)).encode()), Content_Encoding="gzip"), "Slow there"),
}


@pytest.mark.parametrize(("first", "words"), CONGESTED.values(), ids=CONGESTED)
def test_congestion_slows_the_limiter_wherever_it_is_stated(
    server: Any, fake_time: Any, first: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    server.answers = [first, sends(OK)]
    reply, limit = ask(server, fake_time, start_concurrency=8)
    assert (reply.text, limit, len(server.seen)) == ("hi", 4, 2)
    assert words in caplog.text


ERRORS = {
    "a code of its own": (error("out of luck", code="e17"), "out of luck"),
    "null choices": ({"choices": None, "error": {"message": "out of luck"}}, "out of luck"),
    "an upstream's 401": (error("m1", code=401, metadata={"provider_name": "P", "raw": "bad key"}), "m1; P: bad key"),
    "a 502": (error("Bad gateway", code=502), "Bad gateway"),
    "a broken stream": (events(*STREAM[:2]), "the stream ends before the reply does"),
    "broken events": (events("{", *STREAM), "an event holds no JSON"),
    "a stream of nothing": (events("[DONE]"), "the stream ends before the reply does"),
    "control characters": ({"error": "\x1b[31mout of\x07luck"}, ": [31mout of luck"),
    "no object": ("[]", "not an object"),
    "a number": ("17", "not an object"),
    "nothing": ("", "an empty body"),
    "a string": ('"upstream failed"', "upstream failed"),
    "an answer of another kind": ({"id": "1", "note": "hello"}, "hello"),
    "a choice of another kind": (answer({"index": 0, "note": "hello"}), "hello"),
    "given up": (answer(choice("h", finish_reason="error", error={"message": "lost a GPU"})), "lost a GPU"),
    "no memory": (answer(choice("h", finish_reason="abort")), "finish_reason abort"),
}


@pytest.mark.parametrize(("body", "words"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_told_in_the_servers_words(server: Any, fake_time: Any, body: Any, words: str) -> None:
    server.answers = [sends(body)]
    reply, limit = ask(server, fake_time, attempts=2)
    assert (reply.finish_reason, limit, len(server.seen)) == ("error", 8, 2)
    assert words in reply.detail


@pytest.mark.parametrize(
    ("body", "status", "finish", "words"),
    [
        (error("maximum context length is 8", code=400), 200, "refused", "maximum context length"),
        (error("The prompt was flagged", code=403), 200, "refused", "flagged"),
        (error("what?", code=400), 200, "error", "what?"),
        ({"detail": [{"loc": ["body", "seed"], "msg": "extra"}]}, 422, "error", "body.seed: extra"),
        ({"detail": [{"msg": "one"}, {"msg": "two"}]}, 422, "error", "one; two"),
        ({"object": "error", "message": "one", "type": "BadRequestError", "code": 400}, 400, "error", "one"),
        ({"title": "one", "status": 400}, 400, "error", "one"),
        ({"fault": {"faultstring": "one", "detail": {"errorcode": "x"}}}, 400, "error", "one"),
        ('{"message": "one"} trailing', 400, "error", "one"),
        ('{"message": NaN, "error": "one"}', 400, "error", "one"),
        (error("Request too large for tokens per minute", code="rate_limit_exceeded"), 413, "refused", "too large"),
    ],
)
def test_a_refusal_is_told_at_the_first_attempt(
    server: Any, fake_time: Any, body: Any, status: int, finish: str, words: str
) -> None:
    server.answers = [sends(body, status)]
    reply, limit = ask(server, fake_time)
    assert (reply.finish_reason, limit, len(server.seen)) == (finish, 8, 1)
    assert words in reply.detail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (error("No credit", code=402), "requires an API key: .*No credit"),
        (error("Bad key", code="401"), "requires an API key: .*Bad key"),
        (error("You exceeded your quota", code="insufficient_quota"), "requires an API key: .*You exceeded your quota"),
    ],
)
def test_a_refused_key_in_a_200_stops_the_run(server: Any, fake_time: Any, body: Any, words: str) -> None:
    server.answers = [sends(body)]
    with pytest.raises(TeacherError, match=words):
        ask(server, fake_time)
    assert len(server.seen) == 1


WAITS = [
    ({"retry_after_ms": "1500"}, {}, 1.5),
    ({"x_ms_retry_after_ms": "250.5", "retry_after": "9"}, {}, 0.2505),
    ({"retry_after": "2.5"}, {}, 2.5),
    ({"retry_after": "1m30s"}, {}, 90),
    ({"retry_after": "4 seconds"}, {}, 4),
    ({"retry_after_ms": "soon", "retry_after": "3"}, {}, 3),
    ({"x_ratelimit_reset_requests": "1s", "x_ratelimit_reset_tokens": "6m0s"}, {}, 1),
    ({"x_ratelimit_reset_tokens": "20ms", "x_ratelimit_remaining_tokens": "0"}, {}, 0.02),
    (
        {
            "x_ratelimit_reset_requests": "1s",
            "x_ratelimit_remaining_requests": "7",
            "x_ratelimit_reset_tokens": "1m",
            "x_ratelimit_remaining_tokens": "0",
        },
        {},
        60,
    ),
    ({"ratelimit_reset": "7"}, {}, 7),
    ({"x_ratelimit_reset": "784111787000", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}, {}, 120),
    ({"x_ratelimit_reset": "1784111787000", "date": "Wed, 15 Jul 2026 10:36:17 GMT"}, {}, 10),
    ({"x_ratelimit_reset": "1784111787", "date": "Wed, 15 Jul 2026 10:36:17 GMT"}, {}, 10),
    ({"x_ratelimit_reset_tokens": "soon"}, {}, 0),
    ({}, {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}]}, 37),
    ({}, {"message": "Rate limit reached. Please try again in 6m0s. Visit"}, 120),
    ({}, {"message": "Please try again in 1.2s."}, 1.2),
    ({}, {"message": "Please retry after 12 seconds."}, 12),
    ({}, {"message": "Please retry after 300 milliseconds."}, 0.3),
    ({}, {"message": "Please try again in 5 attempts."}, 0),
]


@pytest.mark.parametrize(("headers", "more", "seconds"), WAITS)
@pytest.mark.parametrize("status", [429, 200])
def test_the_server_says_when_to_come_back(
    server: Any, fake_time: Any, headers: dict[str, str], more: Any, seconds: float, status: int
) -> None:
    def limited(handler: Any) -> None:
        given = dict(headers)
        if "date" in given:
            date = given.pop("date")
            handler.date_time_string = lambda: date
        sends({"error": {"code": 429, "message": "no", **more}}, status, **given)(handler)

    server.answers = [limited, sends(OK)]
    begun = fake_time.time
    assert ask(server, fake_time)[0].text == "hi"
    assert fake_time.time - begun == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(
    ("body", "models"),
    [
        ('{"data": [{"id": "a"}, {"id": "b", "owned_by": 1}]}', ["a", "b"]),
        ('\ufeff{"data": [{"id": "a"}, {"name": "b"}, null]}', ["a"]),
        ('[{"id": "a"}]', ["a"]),
        ('{"data": null}', []),
        ("<html>", []),
    ],
)
def test_models_are_listed(body: str, models: list[str]) -> None:
    assert read_model_names(body) == models


def test_a_schema_restricts_the_reply_of_a_chat() -> None:
    schema = '{"type":"object","properties":{"a":{"type":"integer"}}}'
    restricted = msgspec.structs.replace(CHAT, schema=schema)
    body = json.loads(request_body(restricted, "m", {}, {}))
    format_ = {"name": "reply", "strict": True, "schema": json.loads(schema)}
    assert body["response_format"] == {"type": "json_schema", "json_schema": format_}
    assert "response_format" not in json.loads(request_body(CHAT, "m", {}, {}))
    assert "response_format" not in json.loads(request_body(restricted, "m", {}, {"response_format": ""}))
    assert restricted.key != CHAT.key
