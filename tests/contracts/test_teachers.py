"""What every teacher keeps to (``teachers/base.py``), whichever way it comes by its replies."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batch_server import answer_file
from glotsmith.teachers import TEACHERS, open_teacher
from glotsmith.teachers.base import Message, Reply, Request, Teacher
from glotsmith.teachers.batch import BatchOptions, BatchTeacher
from glotsmith.teachers.openai import OpenAI, OpenAIOptions
from glotsmith.teachers.wrappers import CachedTeacher
from glotsmith.unanswered import RequestPostponed
from small_model import saying, saying_gguf

SOURCE = "def add(a, b):\n    return a + b"
GOOD = Request(
    call="translate",
    item="i1",
    messages=(Message(role="user", content=SOURCE),),
    context={"source": SOURCE, "language": "lua", "name": "add", "signature": "def add(a: int, b: int) -> int"},
)
HOPELESS = Request(
    call="translate",
    item="i2",
    messages=(Message(role="user", content="hopeless"),),
    context={"source": "def f(", "language": "cobol", "name": "f", "signature": "def f() -> int"},
)


class Memory:
    """A cache in a dict."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        return self.entries.get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self.entries.setdefault((kind, key), value)


class Server(BaseHTTPRequestHandler):
    """A server of the OpenAI API that knows one answer."""

    protocol_version = "HTTP/1.1"
    choice = {"message": {"content": "function add(a, b) return a + b end"}, "finish_reason": "stop"}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if "hopeless" in body:
            self.send(400, {"error": {"message": "maximum context length is 8"}})
        else:
            self.send(200, {"choices": [self.choice]})

    def send(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Threads(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@pytest.fixture(scope="module", autouse=True)
def address() -> Iterator[None]:
    with Threads(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        URL.append(f"http://127.0.0.1:{server.server_port}/v1")
        yield
        server.shutdown()


URL: list[str] = []  #: of the server


def openai(_: Path) -> Teacher:
    return OpenAI(OpenAIOptions(model="m", base_url=URL[-1]))


def scripted(folder: Path) -> Teacher:
    row = {"call": "translate", "item": "add", "reply": "function add(a, b) return a + b end"}
    path = folder / "replies.jsonl"
    path.write_text(json.dumps(row), "utf-8")
    return open_teacher("scripted", model=str(path))


def offline(_: Path) -> Teacher:
    return open_teacher("offline")


def transformers(folder: Path) -> Teacher:
    saying(folder, ["function", "add(a,", "b)"])
    return open_teacher("transformers", model=str(folder), options={"device": "cpu"})


def local(folder: Path) -> Teacher:
    model = saying_gguf(folder / "model.gguf", ["function", "▁add(a,", "▁b)"])
    return open_teacher("local", model=str(model), options={"context": 512, "slots": 4})


class CarriedBatch(BatchTeacher):
    """The teacher batch, and a person who carries its files to the server and back at once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(BatchOptions(model="m", submit="manual", wait_h=1, poll_s=0.001))
        self.folder, self.lock, self.files = folder, asyncio.Lock(), 0

    async def reply(self, request: Request) -> Reply:
        async with self.lock:
            if not self.files:
                await self.rounds.open(self.folder)
            with suppress(RequestPostponed):
                return await super().reply(request)
            await self.rounds.send()
            self.files += 1
            lines = answer_file((self.folder / f"requests-{self.files:04d}.jsonl").read_bytes(), self.answer)
            (self.folder / "results" / f"{self.files}.jsonl").write_text("\n".join(lines))
            assert await self.rounds.wait()
            return await super().reply(request)

    @staticmethod
    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        if "hopeless" in json.dumps(body):
            return 400, {"error": {"message": "maximum context length is 8"}}
        return 200, {"choices": [Server.choice]}


MAKE: dict[str, Callable[[Path], Teacher]] = {
    "batch": CarriedBatch,
    "local": local,
    "offline": offline,
    "openai": openai,
    "scripted": scripted,
    "transformers": transformers,
    "cached batch": lambda folder: CachedTeacher(CarriedBatch(folder), Memory()),
    "cached local": lambda folder: CachedTeacher(local(folder), Memory()),
    "cached offline": lambda folder: CachedTeacher(offline(folder), Memory()),
    "cached openai": lambda folder: CachedTeacher(openai(folder), Memory()),
    "cached scripted": lambda folder: CachedTeacher(scripted(folder), Memory()),
    "cached transformers": lambda folder: CachedTeacher(transformers(folder), Memory()),
}


#: Loading a model takes longer than all the rest.
SLOW = ("transformers", "local")
PARAMETERS = [pytest.param(name, marks=[pytest.mark.slow] if name.endswith(SLOW) else []) for name in MAKE]


@pytest.fixture(params=PARAMETERS)
def using(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Teacher], Awaitable[Any]]], Any]:
    """Run something with a teacher of each kind, in an event loop, and close the teacher."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def run(use: Callable[[Teacher], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            teacher = MAKE[request.param](tmp_path)
            try:
                return await use(teacher)
            finally:
                await teacher.close()

        return asyncio.run(main())

    return run


def test_every_teacher_is_held_to_this() -> None:
    assert set(TEACHERS) <= set(MAKE)


def test_it_says_who_it_is(using: Any) -> None:
    async def use(teacher: Teacher) -> tuple[str, str, str]:
        return teacher.name, teacher.model, teacher.fingerprint

    name, model, fingerprint = using(use)
    assert name in TEACHERS
    assert isinstance(model, str)
    assert fingerprint


def test_it_answers_with_a_reply_that_survives_the_cache(using: Any) -> None:
    reply = using(lambda teacher: teacher.reply(GOOD))
    assert reply.finish_reason == "stop"
    assert "function add(a, b)" in reply.text
    assert msgspec.json.decode(msgspec.json.encode(reply), type=Reply) == reply


def test_what_it_cannot_do_is_a_reply_too(using: Any) -> None:
    reply = using(lambda teacher: teacher.reply(HOPELESS))
    assert (reply.text, reply.finish_reason) == ("", "refused")
    assert reply.detail


def test_it_is_asked_concurrently_and_does_not_mix_replies_up(using: Any) -> None:
    async def use(teacher: Teacher) -> list[Reply]:
        requests = [GOOD if i % 3 else HOPELESS for i in range(60)]
        return list(await asyncio.gather(*map(teacher.reply, requests)))

    replies = using(use)
    assert [r.finish_reason for r in replies] == ["stop" if i % 3 else "refused" for i in range(60)]


def test_its_addresses_tell_apart_what_it_tells_apart(using: Any) -> None:
    async def use(teacher: Teacher) -> list[str]:
        return [teacher.address(request) for request in (GOOD, HOPELESS, GOOD)]

    good, hopeless, again = using(use)
    assert good == again != hopeless


def test_it_survives_being_cancelled(using: Any) -> None:
    async def use(teacher: Teacher) -> Reply:
        task = asyncio.create_task(teacher.reply(GOOD))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await teacher.reply(GOOD)

    assert using(use).finish_reason == "stop"


def test_it_can_be_closed_unused_and_twice(using: Any) -> None:
    using(lambda teacher: teacher.close())


def test_it_can_be_closed_twice_after_use(using: Any) -> None:
    async def use(teacher: Teacher) -> None:
        await teacher.reply(GOOD)
        await teacher.close()

    using(use)
