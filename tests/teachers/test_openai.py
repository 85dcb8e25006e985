"""The openai teacher against a real server on this machine, in good moods and bad ones."""

import asyncio
import html
import logging
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from glotsmith.cache import Cache
from glotsmith.errors import TeacherError, TeacherOutage, UsageError
from glotsmith.teachers.base import Message, Reply, Request, Sampling, TeacherLoad
from glotsmith.teachers.openai import OpenAI, OpenAIOptions
from glotsmith.teachers.wrappers import CachedTeacher

KEY = "sk-proj-4f8a+/<secret>&\"'9b1c"
CHAT = Request(call="translate", item="i1", messages=(Message(role="user", content="Say hi — 你好"),), seed=7)
PROMPT = Request(call="translate", item="i1", prompt="local function f()")


def chat(text: Any = "hi", finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    return {"id": "1", "choices": [choice], "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}}


def completion(text: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"text": text, "finish_reason": "length", **more}], "usage": None}


def says(value: Any, status: int = 200, **headers: str) -> Callable[[Any], None]:
    return lambda handler: handler.send_json(status, value, **headers)


def sends(body: bytes, status: int = 200, length: int | None = None, **headers: str) -> Callable[[Any], None]:
    return lambda handler: handler.send(status, body, length, **headers)


def fails(status: int, message: str = "no", code: Any = None, **headers: str) -> Callable[[Any], None]:
    return says({"error": {"message": message, "type": "some_error", "code": code}}, status, **headers)


def resets(handler: Any) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def hangs_up(handler: Any) -> None:
    handler.close_connection = True


def sleeps(handler: Any) -> None:
    time.sleep(1)
    handler.close_connection = True


def cut_off(handler: Any) -> None:
    handler.send(200, b'{"choices": [{"mess', length=500)
    handler.close_connection = True


OK = says(chat())


def ask(server: Any, fake_time: Any, request: Request = CHAT, **options: Any) -> Reply:
    """Ask one thing of a teacher made for it."""

    async def main() -> Reply:
        teacher = OpenAI(OpenAIOptions(**{"model": "small", "base_url": server.url, **options}), clock=fake_time.clock)
        try:
            return await teacher.reply(request)
        finally:
            await teacher.close()

    return asyncio.run(main())


# ------------------------------------------------------------------------------------------ what goes out


def test_a_chat_request_says_all_of_it(server: Any, fake_time: Any) -> None:
    server.answers = [OK]
    sampling = Sampling(temperature=0.8, top_p=0.95, max_tokens=99, stop=("\nend", "```"), logprobs=5)
    request = Request(call="c", item="i", messages=CHAT.messages, sampling=sampling, seed=7, sample=3)
    reply = ask(server, fake_time, request, input_price=2.0, output_price=10.0)
    assert (reply.text, reply.finish_reason, reply.input_tokens, reply.output_tokens) == ("hi", "stop", 11, 3)
    assert reply.cost == pytest.approx((11 * 2 + 3 * 10) / 1e6)
    [(path, body, headers)] = server.seen
    assert path == "/v1/chat/completions"
    assert 0 <= body.pop("seed") < 2**31
    assert body == {
        "model": "small",
        "messages": [{"role": "user", "content": "Say hi — 你好"}],
        "temperature": 0.8,
        "top_p": 0.95,
        "max_tokens": 99,
        "stop": ["\nend", "```"],
        "logprobs": True,
        "top_logprobs": 5,
    }
    assert "Authorization" not in headers


def test_a_completion_request_says_all_of_it(server: Any, fake_time: Any) -> None:
    server.answers = [says(completion(" return 1"))]
    request = Request(call="c", item="i", prompt="local function f()", sampling=Sampling(logprobs=2))
    reply = ask(server, fake_time, request)
    assert (reply.text, reply.finish_reason, reply.input_tokens) == (" return 1", "length", 5)
    [(path, body, _)] = server.seen
    assert path == "/v1/completions"
    assert (body["prompt"], body["logprobs"], "stop" in body) == ("local function f()", 2, False)


def test_each_sample_has_a_seed_of_its_own(server: Any, fake_time: Any) -> None:
    server.answers = [OK]
    for seed, sample in [(1, 0), (1, 1), (2, 0), (1, 0)]:
        ask(server, fake_time, Request(call="c", item="i", prompt="p", seed=seed, sample=sample))
    first, second, third, again = [body["seed"] for body in server.bodies]
    assert len({first, second, third}) == 3
    assert again == first


def test_fields_are_added_renamed_and_left_out(server: Any, fake_time: Any) -> None:
    server.answers = [OK]
    rename = {"max_tokens": "max_completion_tokens", "seed": ""}
    ask(server, fake_time, extra={"repetition_penalty": 1.1}, rename=rename)
    [body] = server.bodies
    assert (body["max_completion_tokens"], body["repetition_penalty"]) == (512, 1.1)
    assert not {"max_tokens", "seed", ""} & set(body)


def test_fields_for_one_call_are_sent_with_it_alone(server: Any, fake_time: Any) -> None:
    server.answers = [OK]
    choice = {"structured_outputs": {"choice": ["Yes", "No"]}}
    voting, other = (Request(call=call, item="i", prompt="p") for call in ("vote", "score"))
    for request in (voting, other):
        ask(server, fake_time, request, extra={"top_k": 5}, by_call={"vote": choice})
    first, second = server.bodies
    assert (first["structured_outputs"], first["top_k"], second["top_k"]) == (choice["structured_outputs"], 5, 5)
    assert "structured_outputs" not in second
    plain, choosing = (OpenAI(OpenAIOptions(model="m", base_url=server.url, by_call=b)) for b in ({}, {"vote": choice}))
    assert choosing.address(voting) != plain.address(voting)  # another reply may come of it
    assert choosing.address(other) == plain.address(other) == plain.address(voting)


def test_a_repetition_penalty_is_sent_only_where_there_is_one(server: Any, fake_time: Any) -> None:
    server.answers = [OK]
    plain, penal = (
        Request(call="c", item="i", prompt="p", sampling=Sampling(repetition_penalty=x)) for x in (1.0, 1.1)
    )
    ask(server, fake_time, plain)
    ask(server, fake_time, penal, rename={"repetition_penalty": "repeat_penalty"})
    first, second = server.bodies
    assert "repetition_penalty" not in first
    assert second["repeat_penalty"] == 1.1
    assert plain.key == "d3d1102bd4101a1438db38f53e4c38aa"  # as it was before there was such a field
    assert penal.key != plain.key


def test_a_lone_surrogate_can_be_asked_about(server: Any, fake_time: Any) -> None:
    server.answers = [OK]
    assert ask(server, fake_time, Request(call="c", item="i", prompt="\ud800")).text == "hi"


def test_key_and_url_come_from_the_environment(server: Any, fake_time: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers = [OK]
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/")
    monkeypatch.setenv("OPENAI_API_KEY", "general-key")
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    ask(server, fake_time, base_url="")
    ask(server, fake_time, base_url="", api_key_env="MY_KEY")
    assert [h["Authorization"] for _, _, h in server.seen] == ["Bearer general-key", f"Bearer {KEY}"]


# ------------------------------------------------------------------------------------------ what comes back

TOP = [("Yes", -0.1), ("No", -2.5), ("\ufffd", -9.0), ("\ufffd", -8.0), ("?", None)]
FIRST_TOKEN = {"token": "Yes", "top_logprobs": [{"token": token, "logprob": logprob} for token, logprob in TOP]}
LOGPROBS = {"content": [FIRST_TOKEN, {"token": "x", "logprob": -1}]}
BEFORE = [{"token": token, "top_logprobs": [{"token": "Yes", "logprob": -20.0}]} for token in ("\n\n", "**")]
LONE = b'{"choices": [{"message": {"content": "a\\ud83d"}, "finish_reason": "stop"}]}'
REPLIES = {
    "cut by max_tokens": (says(chat("hi", "length")), Reply(text="hi", finish_reason="length")),
    "TGI's word for stop": (says(chat("hi", "eos_token")), Reply(text="hi")),
    "no finish reason": (says(chat("hi", None)), Reply(text="hi")),
    "content in parts": (
        says(chat([{"type": "thinking"}, {"type": "text", "text": "h"}, {"type": "text", "text": "i"}])),
        Reply(text="hi"),
    ),
    "null content": (says(chat(None)), Reply(text="", detail="the reply has no text")),
    "null content, cut": (says(chat(None, "length")), Reply(text="", finish_reason="length")),
    "refusal": (
        says(chat(None, refusal="I can't\nhelp.")),
        Reply(text="", finish_reason="refused", detail="the model refused: I can't help."),
    ),
    "content filter": (
        says(chat("half", "content_filter")),
        Reply(text="", finish_reason="refused", detail="the server's content filter stopped the reply"),
    ),
    "stop sequence handed out": (says(chat("hi\nend\nmore")), Reply(text="hi")),
    "no usage, unknown fields": (says({"choices": [{"message": {"content": "hi", "x": 1}}], "y": 2}), Reply(text="hi")),
    "lone surrogate": (sends(LONE), Reply(text="a�")),
    "invalid UTF-8": (sends(LONE.replace(b"\\ud83d", b"\xff")), Reply(text="a�")),
    "wrong content type": (sends(b'{"choices": [{"text": "hi"}]}', Content_Type="text/plain"), Reply(text="hi")),
    "400 too long": (
        fails(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
        "refused",
    ),
    "413": (fails(413), "refused"),
    "400 content filter": (fails(400, "The prompt was flagged", "content_filter"), "refused"),
    "403 moderation": (fails(403, "Your input was flagged"), "refused"),
    "400 something else": (fails(400, "what?"), "error"),
    "422 FastAPI": (says({"detail": [{"loc": ["body"], "msg": "bad"}]}, 422), "error"),
}


@pytest.mark.parametrize(("answer", "expected"), REPLIES.values(), ids=REPLIES)
def test_a_reply_is_read_at_the_first_attempt(server: Any, fake_time: Any, answer: Any, expected: Any) -> None:
    server.answers = [answer]
    request = Request(call="c", item="i", messages=CHAT.messages, sampling=Sampling(stop=("\nend",)))
    reply = ask(server, fake_time, request)
    if isinstance(expected, str):
        assert (reply.text, reply.finish_reason, bool(reply.detail)) == ("", expected, True)
    else:
        assert (reply.text, reply.finish_reason, reply.detail) == (
            expected.text,
            expected.finish_reason,
            expected.detail,
        )
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("answer", "request_", "expected"),
    [
        (
            chat() | {"choices": [{"message": {"content": "Y"}, "logprobs": LOGPROBS}]},
            CHAT,
            {"Yes": -0.1, "No": -2.5, "\ufffd": pytest.approx(-7.6867, abs=1e-4)},  # both parts of a character
        ),
        (  # the word stands behind a line break and a mark
            chat() | {"choices": [{"message": {"content": "Y"}, "logprobs": {"content": [*BEFORE, FIRST_TOKEN]}}]},
            CHAT,
            {"Yes": -0.1, "No": -2.5, "\ufffd": pytest.approx(-7.6867, abs=1e-4)},
        ),
        (
            completion("Y", logprobs={"tokens": ["\n", "Ġ", " No"], "top_logprobs": [{"\n": -0.1}, {}, {" No": -0.2}]}),
            PROMPT,
            {" No": -0.2},
        ),
        (completion("Y", logprobs={"tokens": [7, " No"], "top_logprobs": [{"x": -0.1}]}), PROMPT, {"x": -0.1}),
        (completion("Y", logprobs={"top_logprobs": [{"Yes": -0.1, "No": None}, {"x": -1.0}]}), PROMPT, {"Yes": -0.1}),
        (completion("Y", logprobs=None), PROMPT, {}),
        (chat() | {"choices": [{"message": {"content": ""}, "logprobs": {"content": []}}]}, CHAT, {}),
    ],
)
def test_logprobs_are_of_the_first_word(
    server: Any, fake_time: Any, answer: Any, request_: Request, expected: dict[str, float]
) -> None:
    server.answers = [says(answer)]
    sampling = Sampling(logprobs=5)
    request = Request(call="c", item="i", messages=request_.messages, prompt=request_.prompt, sampling=sampling)
    assert ask(server, fake_time, request).logprobs == expected


# ------------------------------------------------------------------------------------------ what may pass

PASSING = {
    "500": fails(500),
    "502 page of a proxy": sends(b"<html><title>502 Bad Gateway</title></html>", 502, Content_Type="text/html"),
    "503": fails(503),
    "529": fails(529, "overloaded"),
    "429": fails(429),
    "408": fails(408),
    "409": fails(409),
    "425": fails(425),
    "page with 200": sends(b"<html><title>Log in</title></html>", Content_Type="text/html"),
    "broken JSON": sends(b'{"choices": [{"message": {"content": "hi'),
    "deep JSON": sends(b"[" * 100_000),
    "empty body": sends(b""),
    "cut off": cut_off,
    "reset": resets,
    "hung up": hangs_up,
    "slow": sleeps,
    "no choices": says({"choices": []}),
    "choices of another form": says({"choices": [{"message": "hi"}]}),
    "not an object": says([1]),
    "error with 200": says({"error": {"message": "Provider returned error", "code": 502}}),
    "given up half-way": says(chat("h", "abort")),
    "not gzip": sends(b"not gzip", Content_Encoding="gzip"),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_tried_again(server: Any, fake_time: Any, answer: Any) -> None:
    server.answers = [answer, answer, OK]
    assert ask(server, fake_time, timeout_s=0.2).text == "hi"
    assert len(server.seen) == 3
    assert len(fake_time.waits) == 2
    assert all(0 <= wait <= 2 for wait in fake_time.waits)


@pytest.mark.parametrize("name", sorted(PASSING.keys() - {"429", "503", "page with 200"}))
def test_what_does_not_pass_costs_one_item(server: Any, fake_time: Any, name: str) -> None:
    server.answers = [PASSING[name]]
    reply = ask(server, fake_time, attempts=3, timeout_s=0.1)
    assert (reply.text, reply.finish_reason, reply.cost) == ("", "error", None)
    assert server.url in reply.detail
    assert len(server.seen) == 3


@pytest.mark.parametrize("name", ["429", "503", "page with 200"])
def test_a_server_that_turns_all_away_stops_the_run(server: Any, fake_time: Any, name: str) -> None:
    server.answers = [PASSING[name]]
    with pytest.raises(TeacherError, match=f"^{server.url}: .+") as raised:
        ask(server, fake_time, attempts=3)
    assert raised.value.exit_code == (2 if "page" in name else 3)
    assert len(server.seen) == 3


@pytest.mark.parametrize(("status", "limited"), [(429, True), (503, True), (500, False)])
def test_the_load_counts_retries_and_the_time_of_refusals(
    server: Any, fake_time: Any, status: int, limited: bool
) -> None:
    server.answers = [fails(status, Retry_After="7"), fails(status, Retry_After="7"), OK]

    async def main() -> TeacherLoad:
        teacher = OpenAI(OpenAIOptions(model="small", base_url=server.url), clock=fake_time.clock)
        await teacher.reply(Request(call="c", item="i", prompt="p"))
        await teacher.close()
        return teacher.load()

    load = asyncio.run(main())
    assert (load.in_flight, load.retries, load.rate_limited_s >= 14) == (0, 2, limited)


def test_an_item_that_alone_is_turned_away_costs_one_item(server: Any, fake_time: Any) -> None:
    server.answers = [lambda handler: (fails(429) if handler.body["prompt"] == "bad" else OK)(handler)]

    async def main() -> list[Reply]:
        teacher = OpenAI(OpenAIOptions(model="small", base_url=server.url, attempts=2), clock=fake_time.clock)
        requests = [Request(call="c", item=p, prompt=p) for p in ("bad", "good", "good", "good")]
        replies = await asyncio.gather(*map(teacher.reply, requests))
        await teacher.close()
        return replies

    assert [r.finish_reason for r in asyncio.run(main())] == ["error", "stop", "stop", "stop"]


def date_in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("17", 17, 17),
        (" 1.5 ", 1.5, 1.5),
        pytest.param(date_in(1e6), 40, 40, id="a date to come"),
        pytest.param(date_in(-1e6), 0, 0, id="a date gone by"),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
        ("3600", 40, 40),
        ("-5", 0, 0),
        ("nan", 0, 0),
        ("1e999", 0, 0),
        ("soon", 0, 0),
        ("Xyz, 99 Foo 2020 99:99:99 GMT", 0, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 500])
def test_retry_after_is_honoured(
    server: Any, fake_time: Any, value: str, least: float, most: float, status: int
) -> None:
    server.answers = [fails(status, Retry_After=value), OK]
    begin = fake_time.time
    assert ask(server, fake_time, backoff_s=0.0, max_wait_s=40.0).text == "hi"
    assert least <= fake_time.time - begin <= most


def test_a_short_date_is_waited_for_by_the_servers_own_clock(server: Any, fake_time: Any) -> None:
    def answer(handler: Any) -> None:
        handler.date_time_string = lambda: "Sun, 06 Nov 1994 08:49:37 GMT"
        fails(429, Retry_After="Sun, 06 Nov 1994 08:49:47 GMT")(handler)

    server.answers = [answer, OK]
    begin = fake_time.time
    ask(server, fake_time, backoff_s=0.0)
    assert fake_time.time - begin == 10


def test_a_huge_body_is_not_read_to_its_end(server: Any, fake_time: Any) -> None:
    def answer(handler: Any) -> None:
        handler.send(200, b"[", length=1 << 40)
        for _ in range(200):
            handler.wfile.write(b" " * (1 << 20))

    server.answers = [answer]
    assert ask(server, fake_time).detail == "a reply of more than 32 MiB"
    assert len(server.seen) == 1


def test_a_server_that_bears_little_is_asked_less_and_answers_all(server: Any, fake_time: Any) -> None:
    busy = rejected = 0
    first_burst = threading.Barrier(16)

    def capped(handler: Any) -> None:
        nonlocal busy, rejected
        with server.lock:
            busy += 1
            full = busy > 4
            rejected += full
            is_first = len(server.seen) <= 16
        if is_first:
            first_burst.wait(30)  # so that 16 are there at once, however slow this machine is
        time.sleep(0.002 if full else 0.01)
        with server.lock:
            busy -= 1
        (fails(429) if full else OK)(handler)

    server.answers = [capped]

    async def main() -> tuple[list[Reply], int]:
        options = OpenAIOptions(model="small", base_url=server.url, start_concurrency=16, attempts=30)
        teacher = OpenAI(options, clock=fake_time.clock)
        replies = await asyncio.gather(*(teacher.reply(CHAT) for _ in range(60)))
        await teacher.close()
        return replies, teacher.limiter.limit

    replies, limit = asyncio.run(main())
    assert {r.finish_reason for r in replies} == {"stop"}
    assert rejected >= 12
    assert 1 <= limit < 16  # 60 successes are too few to grow back from 8


def test_concurrency_grows_while_the_server_copes(server: Any, fake_time: Any) -> None:
    busy = peak = 0

    def counted(handler: Any) -> None:
        nonlocal busy, peak
        with server.lock:
            busy += 1
            peak = max(peak, busy)
        time.sleep(0.01)
        with server.lock:
            busy -= 1
        OK(handler)

    server.answers = [counted]

    async def main() -> int:
        options = OpenAIOptions(model="small", base_url=server.url, start_concurrency=2, max_concurrency=12)
        teacher = OpenAI(options, clock=fake_time.clock)
        await asyncio.gather(*(teacher.reply(CHAT) for _ in range(100)))
        await teacher.close()
        return teacher.limiter.limit

    assert asyncio.run(main()) == 12
    assert peak <= 12


# ------------------------------------------------------------------------------------------ what stops the run

STOPPING = {
    "401": (
        fails(401, "Incorrect API key"),
        "requires an API key: 401 Unauthorized: Incorrect.*OPENAI_API_KEY is not set",
    ),
    "403": (fails(403), "requires an API key: 403 Forbidden.*OPENAI_API_KEY is not set"),
    "402": (fails(402, "Insufficient balance"), "402 Payment Required: Insufficient balance"),
    "quota": (fails(429, "You exceeded your quota", "insufficient_quota"), "You exceeded your quota"),
    "404": (fails(404, "The model does not exist"), "'small'.*The model does not exist.*It serves: small, large"),
    "404 page": (sends(b"<h1>Not Found</h1>", 404), "Not Found. It serves"),
    "400 unknown model": (fails(400, "invalid model ID", "model_not_found"), "It serves: small, large"),
    "405": (sends(b"", 405), "405 Method Not Allowed"),
    "redirect": (sends(b"", 307, Location="http://elsewhere.test/v1"), "redirects to http://elsewhere.test/v1"),
    "unsupported": (
        fails(400, "Unsupported parameter: 'max_tokens'", "unsupported_parameter"),
        "option rename: .*max_completion_tokens",
    ),
}


@pytest.mark.parametrize(("answer", "sentence"), STOPPING.values(), ids=STOPPING)
def test_what_no_request_can_survive_is_an_error_at_once(
    server: Any, fake_time: Any, answer: Any, sentence: str
) -> None:
    server.answers = [answer]
    with pytest.raises(TeacherError, match=sentence):
        ask(server, fake_time)
    assert len(server.seen) == 1
    assert fake_time.waits == []


REFUSED_KEYS = {
    "401": (fails(401, "Incorrect API key"), "401 Unauthorized: Incorrect API key. Correct it, or name another"),
    "403": (fails(403, "Not your model"), "403 Forbidden: Not your model. Correct it, or name another variable"),
    "402": (fails(402, "Pay first"), "402 Payment Required: Pay first. The account of this key has no credit left"),
    "quota": (fails(429, "Too much", "insufficient_quota"), "429 .*Too much. The account of this key has no credit"),
    "in a 200": (says({"error": {"message": "Bad key", "code": 401}}), "Bad key. Correct it, or name another"),
}


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "MY_GATEWAY_KEY"])
@pytest.mark.parametrize(("answer", "sentence"), REFUSED_KEYS.values(), ids=REFUSED_KEYS)
def test_a_refused_key_is_another_matter_than_none(
    server: Any, fake_time: Any, monkeypatch: pytest.MonkeyPatch, answer: Any, sentence: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "sk-right-or-wrong-1234567890")
    named = {} if variable == "OPENAI_API_KEY" else {"api_key_env": variable}
    server.answers = [answer]
    with pytest.raises(TeacherError) as error:
        ask(server, fake_time, **named)
    assert re.search(rf"refuses the key in the environment variable {variable}: .*{sentence}", str(error.value))
    assert "not set" not in str(error.value)
    assert "right-or-wrong" not in str(error.value)


@pytest.mark.parametrize(
    "answer",
    [fails(401), fails(403), fails(402), fails(429, "Too much", "insufficient_quota")],
    ids=["401", "403", "402", "quota"],
)
def test_without_a_key_its_variable_is_named(
    server: Any, fake_time: Any, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    server.answers = [answer]
    with pytest.raises(
        TeacherError, match=r"requires an API key: .*The environment variable OPENAI_API_KEY is not set"
    ):
        ask(server, fake_time)


@pytest.mark.slow
def test_when_all_requests_are_bad_the_run_stops(server: Any, fake_time: Any) -> None:
    server.answers = [fails(422, "extra_forbidden: seed")]

    async def main() -> list[Any]:
        teacher = OpenAI(OpenAIOptions(model="small", base_url=server.url), clock=fake_time.clock)
        replies = [await teacher.reply(CHAT) for _ in range(15)]
        with pytest.raises(TeacherError, match="extra_forbidden"):
            await teacher.reply(CHAT)
        await teacher.close()
        return replies

    assert {r.finish_reason for r in asyncio.run(main())} == {"error"}


def test_a_server_that_is_not_there(fake_time: Any) -> None:
    with socket.socket() as taken:  # bound, not listening: refuses connections
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"

        async def main() -> None:
            teacher = OpenAI(OpenAIOptions(model="small", base_url=url), clock=fake_time.clock)
            with pytest.raises(TeacherError, match=f"^{url}: cannot reach the server .*; is the server running?"):
                await teacher.reply(CHAT)
            await teacher.close()

        asyncio.run(main())
    assert len(fake_time.waits) == 2


def test_a_server_that_goes_away_stops_the_run(server: Any, fake_time: Any) -> None:
    def last(handler: Any) -> None:
        OK(handler)
        handler.close_connection = True

    server.answers = [last]

    async def main() -> None:
        teacher = OpenAI(OpenAIOptions(model="small", base_url=server.url), clock=fake_time.clock)
        await teacher.reply(CHAT)
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        with pytest.raises(TeacherOutage, match="is the server running"):
            await teacher.reply(CHAT)
        await teacher.close()

    asyncio.run(main())
    assert 6 <= len(fake_time.waits) <= 7  # one fewer where the old connection broke first


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": ""}, "no model is given"),
        ({"base_url": "localhost:8000/v1"}, "is not a base URL"),
        ({"base_url": "ftp://host/v1"}, "is not a base URL"),
        ({"base_url": "http://"}, "is not a base URL"),
        ({"base_url": "http://[::1/v1"}, "cannot be parsed"),
        ({"base_url": "http://user:hunter2@host/v1"}, "no password"),
        ({"base_url": "http://host/v1?key=hunter2"}, "no query"),
        ({"api_key_env": "NOT_SET"}, "NOT_SET is not set"),
        ({"api_key_env": "BAD_KEY"}, "BAD_KEY does not contain a valid key"),
    ],
)
def test_options_that_cannot_be_right(monkeypatch: pytest.MonkeyPatch, options: Any, sentence: str) -> None:
    monkeypatch.setenv("BAD_KEY", "hunter2 with spaces")
    with pytest.raises(UsageError, match=sentence) as error:
        OpenAI(OpenAIOptions(**{"model": "small", **options}))
    assert "hunter2" not in str(error.value)


# ------------------------------------------------------------------------------------------ the key


def echo(status: int) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        sent = handler.headers["Authorization"]
        handler.send_json(status, {"error": {"message": f"{'.' * 280} bad {sent}"}, **chat(f"You sent {sent}")})

    return answer


def echo_page(handler: Any) -> None:
    handler.send(500, f"<p>{html.escape(handler.headers['Authorization'], quote=False)}</p>".encode())


@pytest.mark.parametrize(
    "answers",
    [[echo(200)], [echo(400)], [echo(401)], [echo(404)], [echo(429), OK], [echo(500)], [echo_page], [resets, OK]],
    ids=["200", "400", "401", "404", "429", "500", "page", "reset"],
)
def test_the_key_is_shown_nowhere(
    server: Any,
    fake_time: Any,
    answers: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.answers = answers
    server.models = [f"model-{KEY}"]
    shown: list[str] = []

    async def main() -> None:
        teacher = OpenAI(OpenAIOptions(model="small", base_url=server.url, attempts=3), clock=fake_time.clock)
        cache = Cache(tmp_path / "cache.sqlite")
        cached = CachedTeacher(teacher, cache)
        try:
            shown.append(repr(await cached.reply(CHAT)))
        except TeacherError as error:
            shown.extend((repr(error), str(error), repr(error.__cause__), repr(error.__context__)))
        shown.extend((repr(teacher), repr(vars(teacher)), teacher.fingerprint))
        await cached.close()
        cache.close()

    asyncio.run(main())
    assert server.seen[0][2]["Authorization"] == f"Bearer {KEY}"
    shown += [record.getMessage() + repr(record.__dict__) for record in caplog.records]
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for part in (KEY, KEY[:12], KEY[-8:]):
        assert part not in "\n".join(shown)
        assert part.encode() not in files


@pytest.mark.parametrize(
    ("answer", "reason", "next_s"),
    [
        (fails(429, "slow down", retry_after="20"), "429 Too Many Requests: slow down", 20),
        (fails(503, "overloaded", retry_after="7"), "503 Service Unavailable: overloaded", 7),
        (fails(500, "oops"), "500 Internal Server Error: oops", 0),
    ],
    ids=["429", "503", "500"],
)
def test_a_failed_attempt_is_told_until_a_reply_comes(
    server: Any, fake_time: Any, answer: Any, reason: str, next_s: float
) -> None:
    seen = list[Any]()

    async def main() -> None:
        options = OpenAIOptions(model="small", base_url=server.url, backoff_s=0.0)
        teacher = OpenAI(options, clock=fake_time.clock)

        async def sleep(seconds: float) -> None:
            seen.append(teacher.failed_attempt())
            fake_time.time += seconds

        teacher._clock = teacher._clock._replace(sleep=sleep)
        teacher.limiter._clock = teacher._clock
        assert teacher.failed_attempt() is None
        await teacher.reply(CHAT)
        assert teacher.failed_attempt() is None
        await teacher.close()

    server.answers = [answer, says(chat())]
    asyncio.run(main())
    assert seen[0] == (reason, next_s)
