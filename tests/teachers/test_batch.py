"""The teacher for batches: its files, the server, kills at each moment, and results that are not as they should be."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from batch_server import BatchState, answer_file, batch_server, check_file, result_line, say
from glotsmith.errors import GlotsmithError, RepliesPendingError, TeacherError, TeacherOutage, UsageError
from glotsmith.teachers import open_teacher
from glotsmith.teachers.api_key import ApiKey
from glotsmith.teachers.base import Message, Reply, Request, Sampling
from glotsmith.teachers.batch import BatchOptions, BatchTeacher
from glotsmith.teachers.batch.request_files import RequestId
from glotsmith.teachers.batch.server import BatchServer, RetryPolicy
from glotsmith.teachers.http_client import HttpClient, HttpResponse
from glotsmith.teachers.limiter import Clock
from glotsmith.teachers.openai import OpenAI, OpenAIOptions
from glotsmith.teachers.wrappers import MonitoredTeacher
from glotsmith.unanswered import RequestPostponed

CHATS = [
    Request(call="translate", item=f"i{n}", sample=n, messages=(Message(role="user", content=f"question {n}"),))
    for n in range(6)
]
COMPLETIONS = [
    Request(call="translate", item="i", sample=n, prompt="-- é\n", sampling=Sampling(stop=("\n\n",), logprobs=5))
    for n in range(3)
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchState]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-a-test")
    with batch_server() as state:
        state.answer = lambda body: say(f"reply to {body.get('messages', [{}])[-1].get('content', body['seed'])}")
        yield state


class SkippedTime:
    """A clock that does not wait."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.on_sleep: Callable[[], object] = lambda: None

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.on_sleep()

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now_s, self.sleep)


def start(
    server: BatchState | None,
    folder: Path,
    requests: Sequence[Request] = CHATS,
    time: SkippedTime | None = None,
    **options: Any,
) -> tuple[list[Reply | None], str]:
    """Start a run that asks all requests; return the replies, None for those that arrive later, and the sentence."""

    async def main() -> tuple[list[Reply | None], str]:
        given = {"model": "m", "base_url": server.url if server else "http://127.0.0.1:9/v1", "attempts": 3, **options}
        teacher = BatchTeacher(BatchOptions(**given), clock=(time or SkippedTime()).clock)
        try:
            await teacher.rounds.open(folder)
            replies = await ask(teacher, requests)
            if None not in replies:
                return replies, ""
            await teacher.rounds.send()
            if await teacher.rounds.wait():
                replies = await ask(teacher, requests)
            return replies, teacher.rounds.pending_sentence() if None in replies else ""
        finally:
            await teacher.close()

    return asyncio.run(main())


async def ask(teacher: BatchTeacher, requests: Sequence[Request]) -> list[Reply | None]:
    found: list[Reply | None] = []
    for request in requests:
        try:
            found.append(await teacher.reply(request))
        except RequestPostponed as postponed:
            assert isinstance(postponed.error, RepliesPendingError)
            found.append(None)
    return found


def texts(replies: Sequence[Reply | None]) -> list[str | None]:
    return [reply and reply.text for reply in replies]


EXPECTED = [f"reply to question {n}" for n in range(6)]
NONE = [None] * 6


# --- files and batches ---------------------------------------------------------------------------------------------


def test_requests_are_answered_by_a_later_start(server: BatchState, tmp_path: Path) -> None:
    replies, sentence = start(server, tmp_path)
    assert replies == NONE
    assert sentence.startswith(f"6 requests wait in 1 batch at {server.url} (0 are answered). Run the same command")
    assert start(server, tmp_path)[0] == NONE  # it is in progress
    server.finish()
    replies, _ = start(server, tmp_path, input_price=1000, output_price=1000)
    assert texts(replies) == EXPECTED
    assert [(r.input_tokens, r.output_tokens, r.cost) for r in replies if r] == [(10, 20, pytest.approx(0.03))] * 6
    assert start(server, tmp_path)[0][0] is not None
    assert set(server.answered.values()) == {1}
    assert server.keys == {"Bearer sk-secret-of-a-test"}
    assert not any("sk-secret" in file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [3, 6]),  # chats and completions are in files of their own
        ({"max_requests": 4}, [2, 3, 4]),
        ({"max_requests": 1}, [1] * 9),
        ({"max_megabytes": 0.0009}, [3, 3, 3]),
    ],
)
def test_files_are_divided_at_the_limits(
    server: BatchState, tmp_path: Path, options: dict[str, Any], sizes: list[int]
) -> None:
    start(server, tmp_path, [*CHATS, *COMPLETIONS], **options)
    files = [server.files[batch["input_file_id"]] for batch in server.batches.values()]
    assert sorted(len(check_file(file)) for file in files) == sizes
    assert max(map(len, files)) <= options.get("max_megabytes", 200) * 1e6
    assert len({line["custom_id"] for line in server.requests}) == 9
    server.finish()
    replies, _ = start(server, tmp_path, [*CHATS, *COMPLETIONS], **options)
    assert None not in replies


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "GET"}, "'POST' was expected"),
        ({"url": "/chat/completions"}, "is not one of"),
        ({"custom_id": 5}, "is not of type 'string'"),
        ({"extra": 1}, "was unexpected"),
        ({"body": {"messages": []}}, "."),
    ],
)
def test_the_schema_refuses_other_files(change: dict[str, Any], words: str) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    assert check_file(json.dumps(line).encode())
    with pytest.raises(ValueError, match=words):
        check_file(json.dumps(line | change).encode())


def test_a_request_larger_than_a_file_is_refused(server: BatchState, tmp_path: Path) -> None:
    replies, _ = start(server, tmp_path, CHATS[:1], max_megabytes=0.0001)
    assert replies[0] is not None
    assert (replies[0].finish_reason, server.batches) == ("refused", {})


@pytest.mark.slow
def test_a_run_waits_as_long_as_it_may(server: BatchState, tmp_path: Path) -> None:
    time = SkippedTime()
    time.on_sleep = lambda: server.finish() if time.now_s >= 1800 else None
    assert texts(start(server, tmp_path, time=time, wait_h=1, poll_s=600)[0]) == EXPECTED
    assert 1800 <= time.now_s <= 2400
    other = SkippedTime()
    assert start(server, tmp_path / "other", time=other, wait_h=1, poll_s=600)[0] == NONE
    assert other.now_s == pytest.approx(3600)


def test_replies_are_those_of_the_teacher_openai(server: BatchState) -> None:
    options = {"model": "m", "base_url": server.url, "extra": {"min_p": 0.1}}
    batch, same = BatchTeacher(BatchOptions(**options)), OpenAI(OpenAIOptions(**options))
    assert [batch.address(r) for r in CHATS] == [same.address(r) for r in CHATS]
    assert batch.address(CHATS[0]) != BatchTeacher(BatchOptions(**options | {"model": "n"})).address(CHATS[0])


# --- kills and failures of the server ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment", ["POST /v1/files", "POST /v1/batches", "GET /v1/batches/batch-0", "GET /v1/files/file-1/content"]
)
def test_a_kill_at_any_moment_pays_nothing_twice(
    server: BatchState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The server has done what it was asked, and the process ends before it knows."""
    server.lose_response_of = moment

    class Killed(BaseException):
        pass

    async def end(self: object, seconds: float) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SkippedTime, "sleep", end)  # the next attempt would begin
        for _ in range(3):
            try:
                start(server, tmp_path)
            except Killed:
                break
            server.finish()
    server.lose_response_of = ""
    start(server, tmp_path)
    server.finish()
    assert texts(start(server, tmp_path)[0]) == EXPECTED
    assert (len(server.batches), set(server.answered.values())) == (1, {1})


def test_a_lost_response_does_not_make_a_second_batch(server: BatchState, tmp_path: Path) -> None:
    start(server, tmp_path / "another", CHATS[:2])  # batches of other runs are in the list, too
    server.lose_response_of = "POST /v1/batches"
    start(server, tmp_path)
    assert len(server.batches) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_temporary_failures_are_repeated(server: BatchState, tmp_path: Path, status: int) -> None:
    failures = iter([status, status, 0, status, 0, 0])
    server.fail = lambda method, path: next(failures, 0)
    start(server, tmp_path)
    assert len(server.batches) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "words"),
    [
        ("POST", "/v1/files", 401, TeacherError, "refuses the key in the environment variable OPENAI_API_KEY"),
        ("POST", "/v1/files", 400, TeacherError, "status 400"),
        ("POST", "/v1/batches", 500, TeacherOutage, "/batches: 500"),
        ("GET", "/v1/batches/batch-0", 404, TeacherError, "/batches/batch-0: 404"),
    ],
)
def test_permanent_failures_end_the_run_and_lose_nothing(
    server: BatchState, tmp_path: Path, method: str, path: str, status: int, kind: type[GlotsmithError], words: str
) -> None:
    server.fail = lambda *request: status if request == (method, path) else 0
    with pytest.raises(kind, match=words) as error:
        start(server, tmp_path)
        start(server, tmp_path)
    assert "sk-secret" not in str(error.value)
    server.fail = lambda method, path: 0
    start(server, tmp_path)
    server.finish()
    assert texts(start(server, tmp_path)[0]) == EXPECTED
    assert set(server.answered.values()) == {1}


def test_a_batch_that_failed_is_sent_again(server: BatchState, tmp_path: Path) -> None:
    start(server, tmp_path)
    server.finish("failed")
    with pytest.raises(TeacherOutage, match=r"batch-0 of requests-0001.jsonl failed: Enqueued token limit reached"):
        start(server, tmp_path)
    start(server, tmp_path)
    server.finish()
    assert texts(start(server, tmp_path)[0]) == EXPECTED
    assert len(server.batches) == 2


# --- results that are not as they should be ------------------------------------------------------------------------

Keep = Callable[[list[str]], list[str]]


def of_another_run(line: str) -> str:
    return json.dumps(fields := json.loads(line)).replace(fields["custom_id"][:16], "0" * 16)


CASES: dict[str, tuple[Keep, int]] = {  #: name → what arrives of six results, and how many are asked again
    "shuffled": (lambda lines: random.Random(1).sample(lines, 6), 0),
    "doubled": (lambda lines: [*lines, *lines[::-1]], 0),
    "partial": (lambda lines: lines[1:4], 3),
    "none": (lambda lines: [], 6),
    "cut": (lambda lines: [*lines[:2], lines[2][:40]], 4),
    "of another run": (lambda lines: [lines[0], *map(of_another_run, lines[1:])], 5),
    "with other fields": (lambda lines: [json.dumps({"x": 1} | json.loads(line)) for line in lines], 0),
    "not JSON": (lambda lines: ["<html>", "[]", "5", *lines[3:]], 3),
    "without ids": (lambda lines: [json.dumps({"response": {}}), json.dumps({"custom_id": None}), *lines[5:]], 5),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_missing_is_asked_again_and_nothing_else(server: BatchState, tmp_path: Path, name: str) -> None:
    keep, again = CASES[name]
    start(server, tmp_path)
    server.finish("expired", keep)
    replies, _ = start(server, tmp_path)
    assert [text for text in texts(replies) if text] == [t for t, r in zip(EXPECTED, replies, strict=True) if r]
    assert replies.count(None) == again == len(server.requests) - 6
    server.finish()
    assert texts(start(server, tmp_path)[0]) == EXPECTED
    bodies = Counter(json.dumps(line["body"]) for line in server.requests)
    assert len(bodies) == 6
    assert sum(bodies.values()) == 6 + again


@pytest.mark.parametrize(
    ("status", "body", "finish", "requests"),
    [
        (500, {"error": {"message": "crashed"}}, "error", 3),
        (429, {"error": {"message": "rate limit"}}, "error", 3),
        (0, {"code": "batch_expired", "message": "This request could not be executed"}, "error", 3),
        (200, {"choices": []}, "error", 3),
        (400, {"error": {"message": "maximum context length is 8"}}, "refused", 1),
        (400, {"error": {"message": "content_filter"}}, "refused", 1),
    ],
)
def test_an_error_of_one_line_concerns_this_line(
    server: BatchState, tmp_path: Path, status: int, body: Any, finish: str, requests: int
) -> None:
    answer = server.answer
    server.answer = lambda request: (status, body) if "question 2" in str(request) else answer(request)
    for _ in range(requests):
        replies, _ = start(server, tmp_path)
        assert replies[2] is None
        server.finish()
    replies, _ = start(server, tmp_path)
    assert [text for n, text in enumerate(texts(replies)) if n != 2] == [t for n, t in enumerate(EXPECTED) if n != 2]
    assert replies[2] is not None
    assert replies[2].finish_reason == finish
    assert len(server.requests) == 5 + requests
    assert "sk-secret" not in replies[2].detail


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"message": "no"}),
        (402, {"message": "no"}),
        (403, {"message": "no"}),
        (404, {"message": "no"}),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}),
    ],
)
def test_a_refusal_ends_the_run_once_and_the_next_start_sends_its_requests_again(
    server: BatchState, tmp_path: Path, status: int, error: dict[str, str]
) -> None:
    answer = server.answer
    server.answer = lambda request: (status, {"error": error}) if "question 0" not in str(request) else answer(request)
    start(server, tmp_path)
    server.finish()
    with pytest.raises(TeacherError):
        start(server, tmp_path)
    server.answer = answer  # the user has repaired the account
    for file in (tmp_path / "results").iterdir():
        file.write_bytes(file.read_bytes() + b"\n")  # the results are read again
    assert texts(start(server, tmp_path)[0]) == [EXPECTED[0], *NONE[1:]]
    assert start(server, tmp_path)[0].count(None) == 5
    server.finish()
    assert texts(start(server, tmp_path)[0]) == EXPECTED
    assert (len(server.batches), len(server.requests)) == (2, 6 + 5)


def test_a_refusal_after_a_repair_ends_the_run_again(server: BatchState, tmp_path: Path) -> None:
    server.answer = lambda request: (401, {"error": {"message": "no"}})
    for batches in (1, 2, 3):
        assert start(server, tmp_path)[0] == NONE
        assert len(server.batches) == batches
        server.finish()
        with pytest.raises(TeacherError, match="refuses the key"):
            start(server, tmp_path)


def test_bad_requests_do_not_end_a_run_that_has_replies(server: BatchState, tmp_path: Path) -> None:
    answer = server.answer
    server.answer = lambda request: answer(request) if "question 0" in str(request) else (400, {"error": "bad"})
    start(server, tmp_path)
    server.finish()
    start(server, tmp_path, CHATS[:1])
    replies, _ = start(server, tmp_path, CHATS[1:] * 5)  # the reply to the first is in the cache of the run
    assert {reply and reply.finish_reason for reply in replies} == {"error"}


def change_results(server: BatchState, change: Callable[[bytes], bytes]) -> None:
    """Change the file of results of the latest batch."""
    batch = [*server.batches.values()][-1]
    server.files[batch["output_file_id"]] = change(server.files[batch["output_file_id"]])


NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("line", [b"", NESTED, b'{"custom_id": "cut'], ids=["missing", "nested", "cut"])
def test_requests_without_a_readable_result_are_sent_again_a_bounded_number_of_times(
    server: BatchState, tmp_path: Path, line: bytes
) -> None:
    for _ in range(6):
        replies, _ = start(server, tmp_path, again=2)
        if any(batch["status"] == "in_progress" for batch in server.batches.values()):
            server.finish()
            change_results(server, lambda found: b"\n".join([line, *found.splitlines()[1:]]))
    assert texts(replies)[1:] == EXPECTED[1:]
    assert replies[0] is not None
    assert replies[0].finish_reason == "error"
    assert "an error in each of 3 batches; the last: 500" in replies[0].detail
    assert "no readable line" in replies[0].detail
    assert (len(server.batches), len(server.requests)) == (3, 6 + 2)


@pytest.mark.parametrize(
    ("text", "expected"), [("a \ud83d b", "a \ufffd b"), ("\ud83d\ude00", "\U0001f600"), ("a\u2028b", "a\u2028b")]
)
def test_a_reply_with_any_characters_is_read(server: BatchState, tmp_path: Path, text: str, expected: str) -> None:
    server.answer = lambda request: say(text)
    start(server, tmp_path)
    server.finish()
    assert texts(start(server, tmp_path)[0]) == [expected] * 6
    assert len(server.batches) == 1


def test_lines_that_are_joined_are_read(server: BatchState, tmp_path: Path) -> None:
    start(server, tmp_path)
    server.finish()
    change_results(server, lambda found: found.replace(b"\n", b""))
    assert texts(start(server, tmp_path)[0]) == EXPECTED


def test_a_batch_that_was_cancelled_ends_the_start_and_the_next_one_sends_the_rest(
    server: BatchState, tmp_path: Path
) -> None:
    start(server, tmp_path)
    for again in range(4):  # whoever cancels does so on purpose: it counts as no error
        server.finish("cancelled", lambda lines: lines[:2] if len(lines) == 6 else [])
        with pytest.raises(TeacherOutage, match=r"batch-\d of requests-000\d.jsonl was cancelled .* the same command"):
            start(server, tmp_path)
        assert len(server.batches) == again + 1
        assert texts(start(server, tmp_path)[0]) == [*EXPECTED[:2], *NONE[2:]]
        assert len(server.batches) == again + 2
    server.finish()
    assert texts(start(server, tmp_path)[0]) == EXPECTED


def test_the_server_answers_with_nested_json(tmp_path: Path) -> None:
    class Client(HttpClient):
        async def request(self, *_: Any, **__: Any) -> HttpResponse:
            return HttpResponse(200, {}, b'{"id": %s}' % NESTED)

    async def state() -> None:
        client = Client("http://127.0.0.1:9", {}, connect_s=1, timeout_s=1, largest=1)
        await BatchServer("http://u", client, ApiKey("", ""), RetryPolicy(1, 1, 1), SkippedTime().clock).state("b")

    with pytest.raises(TeacherError, match="is not a JSON object"):
        asyncio.run(state())


def test_health_asks_nothing_and_counts_nothing(server: BatchState, tmp_path: Path) -> None:
    async def health(folder: Path) -> list[bool]:
        teacher = BatchTeacher(BatchOptions(model="m", base_url=server.url), clock=SkippedTime().clock)
        repeated = list[Reply]()
        monitored = MonitoredTeacher(teacher)
        monitored.on_repeated = lambda request, reply: repeated.append(reply)
        try:
            await teacher.rounds.open(folder)
            found = [await monitored.works("translate")]
            with suppress(RequestPostponed):
                await monitored.reply(CHATS[0])
            found.append(await monitored.works("translate"))
            await teacher.rounds.send()
            assert not repeated
            return found
        finally:
            await teacher.close()

    assert asyncio.run(health(tmp_path)) == [False, False]
    server.finish()
    assert asyncio.run(health(tmp_path)) == [False, True]
    assert asyncio.run(health(tmp_path)) == [True, True]
    assert len(server.requests) == 1


# --- files that are carried by hand --------------------------------------------------------------------------------


def test_files_can_be_carried_by_hand(tmp_path: Path) -> None:
    replies, sentence = start(None, tmp_path, submit="manual", max_requests=4)
    assert replies == NONE
    assert (
        f"6 requests wait in 2 files in {tmp_path}: requests-0001.jsonl, requests-0002.jsonl. Answer each" in sentence
    )
    assert "vllm run-batch -i" in sentence
    lines = [line for n in (2, 1) for line in answer_file((tmp_path / f"requests-000{n}.jsonl").read_bytes(), reply)]
    (tmp_path / "results" / "all of them.jsonl").write_text("\n".join(lines))
    assert texts(start(None, tmp_path, submit="manual")[0]) == EXPECTED


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        (CHATS, ", for example with vllm run-batch -i {folder}/requests-0001.jsonl -o "),
        (COMPLETIONS, "Answer each file (vllm run-batch answers chats only, and these are completions), put "),
        ([*COMPLETIONS, *CHATS], ", for example with vllm run-batch -i {folder}/requests-0002.jsonl -o "),
    ],
)
def test_the_example_is_a_file_that_vllm_answers(requests: Sequence[Request], words: str, tmp_path: Path) -> None:
    assert words.format(folder=tmp_path) in start(None, tmp_path, requests, submit="manual")[1]


def reply(body: dict[str, Any]) -> tuple[int, Any]:
    return say(f"reply to {body['messages'][0]['content']}")


def test_partial_results_by_hand_wait_for_the_others_unless_they_are_to_be_sent_again(tmp_path: Path) -> None:
    start(None, tmp_path, submit="manual")
    lines = answer_file((tmp_path / "requests-0001.jsonl").read_bytes(), reply)
    (tmp_path / "results" / "first.jsonl").write_text("\n".join(lines[:2]))
    replies, sentence = start(None, tmp_path, submit="manual")
    assert texts(replies) == [*EXPECTED[:2], *NONE[2:]]
    assert "2 have a result; --set teacher.resend_missing=true sends the others again" in sentence
    assert not (tmp_path / "requests-0002.jsonl").exists()
    (tmp_path / "results" / "first.jsonl").write_text("\n".join(lines[:3]))  # the file has grown
    assert start(None, tmp_path, submit="manual")[0].count(None) == 3
    start(None, tmp_path, submit="manual", resend_missing=True)
    assert len(check_file((tmp_path / "requests-0002.jsonl").read_bytes())) == 3
    (tmp_path / "results" / "late.jsonl").write_text("\n".join(lines[3:]))  # the first file after all
    assert texts(start(None, tmp_path, submit="manual")[0]) == EXPECTED


def test_results_of_another_run_are_told_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        start(None, tmp_path / name, submit="manual")
    one, two = (answer_file((tmp_path / n / "requests-0001.jsonl").read_bytes(), reply) for n in ("one", "two"))
    (tmp_path / "one" / "results" / "r.jsonl").write_text("\n".join(two))
    assert start(None, tmp_path / "one", submit="manual")[0] == NONE
    (tmp_path / "one" / "results" / "r.jsonl").write_text("\n".join([*two, *one]))
    assert texts(start(None, tmp_path / "one", submit="manual")[0]) == EXPECTED


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_the_batch_api_leaves_the_files(server: BatchState, tmp_path: Path, status: int) -> None:
    server.fail = lambda method, path: status if path == "/v1/files" else 0
    replies, sentence = start(server, tmp_path)
    assert replies == NONE
    assert f"6 requests wait in 1 file in {tmp_path} ({server.url}/files: {status}" in sentence
    lines = answer_file((tmp_path / "requests-0001.jsonl").read_bytes(), server.answer)
    (tmp_path / "results" / "r.jsonl").write_text("\n".join(lines))
    assert texts(start(server, tmp_path)[0]) == EXPECTED


def test_a_draft_that_a_kill_left_is_removed(tmp_path: Path) -> None:
    start(None, tmp_path, CHATS[:2], submit="manual")
    (tmp_path / ".requests-0002.part").write_bytes(b'{"custom_id": "cut')
    assert start(None, tmp_path, submit="manual")[0] == NONE
    assert [len(check_file(f.read_bytes())) for f in sorted(tmp_path.glob("requests-*.jsonl"))] == [2, 4]


# --- options and ids -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"submit": "mail"}, {"max_requests": 0}, {"max_requests": 50_001}, {"max_megabytes": 201}, {"wait_h": -1},
        {"poll_s": 0}, {"again": -1}, {"unknown": 1},
    ],
)  # fmt: skip
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        open_teacher("batch", model="m", options=options)


def test_a_command_without_a_run_folder_refuses_the_teacher() -> None:
    async def main() -> None:
        await open_teacher("batch", model="m").reply(CHATS[0])

    with pytest.raises(UsageError, match="use openai"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{'a' * 16}-0001-0-{'b' * 32}", RequestId("a" * 16, 1, 0, "b" * 32)),
        (f"{'a' * 16}-12345-2-{'b' * 32}", RequestId("a" * 16, 12345, 2, "b" * 32)),
        ("request-1", None),
        (f"{'a' * 16}-0001-0-{'b' * 31}", None),
        (f"{'A' * 16}-0001-0-{'b' * 32}", None),
        (f"{'a' * 16}-0001-0-{'b' * 32}\n", None),
    ],
)
def test_ids(text: str, found: RequestId | None) -> None:
    assert RequestId.parse(text) == found
    assert found is None or str(found) == text


def test_a_line_of_results_has_the_form_of_the_api() -> None:
    assert json.loads(result_line("a", 200, {"choices": []}))["response"]["status_code"] == 200
    assert json.loads(result_line("a", 0, {"code": "x"}))["response"] is None
