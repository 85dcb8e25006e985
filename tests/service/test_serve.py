"""``glotsmith serve`` as a process: listening, tokens, signals, and the back end that talks to it."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msgspec
import pytest

from glotsmith.cli import main
from glotsmith.errors import IsolationError, UsageError
from glotsmith.installation import install_command
from glotsmith.records import Job, Outcome, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.process_tree import list_pids
from glotsmith.sandbox.program_json import decode_outcome, encode_program
from serving import Serving

JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GLOTSMITH_TOKEN", "GLOTSMITH_REMOTE", "GLOTSMITH_REMOTE_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serving() -> Iterator[Callable[..., Serving]]:
    """Start services; all of them are dead afterwards."""
    started: list[Serving] = []

    def start(*options: str, **environment: str) -> Serving:
        # What is tried here needs no isolation, and so runs anywhere.
        started.append(Serving("--isolation", "none", *options, env=environment))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.stop(signal.SIGKILL)


def run(served: Serving, *argv: str, **headers: str) -> httpx.Response:
    body = encode_program(Program(files={}, argv=argv))
    return httpx.post(f"{served.address}/run", content=body, headers=JSON | headers, timeout=60)


def alive(marker: str) -> bool:
    lines: list[bytes] = []
    for pid in list_pids():
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            continue
    return any(marker.encode() in line for line in lines)


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# The command


@pytest.mark.slow
def test_programs_and_jobs(serving: Callable[..., Serving]):
    served = serving("--jobs", "2")
    outcome = decode_outcome(run(served, "sh", "-c", "echo $((6 * 7)); exit 3").content)
    assert (outcome.ending, outcome.code, outcome.stdout) == ("exit", 3, b"42\n")
    job = Job(id="a", language="python", code="def f(x):\n    return x + 1", tests=("assert f(1) == 2",))
    jobs = msgspec.json.encode([job, msgspec.structs.replace(job, id="b", tests=("assert f(1) == 3",))])
    verdicts = httpx.post(f"{served.address}/verify", content=jobs, headers=JSON, timeout=60).json()
    assert [(v["id"], v["status"]) for v in verdicts] == [("a", "pass"), ("b", "fail:wrong")]
    assert served.stop() == 0


@pytest.mark.slow
def test_requests_that_are_no_http(serving: Callable[..., Serving]):
    served = serving()
    host, port = served.address.removeprefix("http://").split(":")
    for junk in (
        b"\x00\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /run HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(junk)
            assert b" 400 " in connection.recv(4096).partition(b"\r\n")[0] + b" "
    huge = {**JSON, "x": "y" * 100_000}
    assert httpx.get(f"{served.address}/health", headers=huge).status_code < 500
    assert httpx.get(f"{served.address}/health").status_code == 200


@pytest.mark.slow
def test_a_token_from_a_file_or_the_environment(serving: Callable[..., Serving], tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    for served in (serving("--token-file", str(file)), serving(GLOTSMITH_TOKEN="s3cret")):
        assert run(served, "true").status_code == 401
        assert run(served, "true", authorization="Bearer s3cret").status_code == 200
        assert served.stop() == 0
        assert "s3cret" not in "".join(served.output_lines)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--host", "0.0.0.0"], "other machines can reach 0.0.0.0, so a token is needed"),
        (["--host", "::"], "a token is needed"),
        (["--host", "example.invalid", "--token-file", "TOKEN"], "cannot listen on example.invalid port 0"),
        (["--host", "0.0.0.0", "--token-file", "TOKEN", "--isolation", "none"], "without isolation"),
        (["--token-file", "EMPTY"], "EMPTY does not contain a valid token"),
        (["--token-file", "WORDS"], "WORDS does not contain a valid token"),
        (["--token-file", "BYTES"], "BYTES cannot be read"),
        (["--token-file", "nowhere"], "nowhere cannot be read"),
        (["--isolation", "docker"], "there is no isolation 'docker'"),
        (["--port", "TAKEN"], "cannot listen on"),
    ],
)
def test_what_can_not_be_served(
    options: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    for name, text in (("TOKEN", "word"), ("EMPTY", "\n"), ("WORDS", "two words")):
        (tmp_path / name).write_text(text)
    (tmp_path / "BYTES").write_bytes(b"\xff\xfe")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        argv = [port if o == "TAKEN" else o for o in options]
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["glotsmith", "serve", *(() if "--port" in argv else ("--port", "0")), *argv])
        with pytest.raises(SystemExit) as stop:
            main()
    assert stop.value.code == 2
    assert sentence in capfd.readouterr().err


def test_what_serving_needs_is_named(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    for name in ("uvicorn", "glotsmith.service.server"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    monkeypatch.setattr("sys.argv", ["glotsmith", "serve"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert install_command("serve") in capfd.readouterr().err


# Ending


@pytest.mark.slow
def test_what_was_accepted_is_answered(serving: Callable[..., Serving]):
    """SIGTERM: what runs and what waits is answered, what is new is refused, and the exit code is 0."""
    served = serving("--jobs", "1", "--queue", "2")
    with ThreadPoolExecutor(3) as pool:
        accepted = [pool.submit(run, served, "sh", "-c", f"sleep 1.5; echo {i}; : 6161.1") for i in range(2)]
        metrics = f"{served.address}/metrics"
        until(lambda: "glotsmith_admitted 2.0" in httpx.get(metrics).text)
        served.process.send_signal(signal.SIGTERM)
        until(lambda: httpx.get(f"{served.address}/ready").status_code == 503)
        refused = run(served, "true")
        assert (refused.status_code, "shutting down" in refused.text) == (503, True)
        outputs = [decode_outcome(reply.result().content).stdout for reply in accepted]
    assert outputs == [b"0\n", b"1\n"]
    assert served.wait() == 0
    with pytest.raises(httpx.ConnectError):
        run(served, "true")


@pytest.mark.slow
def test_no_accepted_request_is_lost(serving: Callable[..., Serving], tmp_path: Path):
    """SIGTERM amid 32 busy clients: whatever program was begun was answered; the rest was told, or found nobody."""
    served = serving("--jobs", "2", "--queue", "64")
    answered, refused = list[str](), list[int]()

    def client(number: int) -> None:
        with contextlib.suppress(httpx.HTTPError), httpx.Client(timeout=60) as http:
            for i in range(1000):
                name = f"{number}-{i}"
                body = encode_program(
                    Program(files={}, argv=("sh", "-c", f"echo > {tmp_path}/{name}; sleep 0.02; echo {name}"))
                )
                reply = http.post(f"{served.address}/run", content=body, headers=JSON)
                if reply.status_code != 200:
                    refused.append(reply.status_code)
                    return
                assert decode_outcome(reply.content).stdout == f"{name}\n".encode()
                answered.append(name)

    with ThreadPoolExecutor(32) as pool:
        clients = [pool.submit(client, number) for number in range(32)]
        until(lambda: len(answered) > 50)
        served.process.send_signal(signal.SIGTERM)
        for one in clients:
            one.result(60)
    assert served.wait() == 0
    begun = {path.name for path in tmp_path.iterdir()}
    assert begun == set(answered)
    assert {*refused} <= {503}
    assert len(refused) > 0


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_quits(serving: Callable[..., Serving], signum: int):
    served = serving("--jobs", "1")

    def left_alone() -> None:
        with contextlib.suppress(httpx.HTTPError):
            reply = run(served, "sleep", "6161.2")
            assert reply.status_code == 503 or decode_outcome(reply.content).ending == "infra"

    thread = threading.Thread(target=left_alone)
    thread.start()
    until(lambda: alive("sleep\x006161.2"))
    served.process.send_signal(signum)
    until(lambda: httpx.get(f"{served.address}/ready").status_code == 503)
    assert served.stop(signum, seconds=100) == 0
    thread.join()
    assert "Traceback" not in "".join(served.output_lines)
    until(lambda: not alive("sleep\x006161.2"))


# The back end that talks to it


@pytest.mark.slow
def test_too_many_are_sent_again(serving: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch):
    """More than the service has room for: all of them come to their end, none as a failure."""
    served = serving("--jobs", "2", "--queue", "1")
    monkeypatch.setenv("GLOTSMITH_REMOTE", served.address)
    monkeypatch.setattr("glotsmith.sandbox.remote._retry_after", lambda reply: 0.01)
    sandbox = open_sandbox("remote", jobs=12)

    async def many() -> list[Outcome]:
        programs = [Program(files={}, argv=("sh", "-c", f"sleep 0.05; echo {i}")) for i in range(24)]
        outcomes = await asyncio.gather(*map(sandbox.run, programs))
        await sandbox.close()
        return outcomes

    assert [o.stdout for o in asyncio.run(many())] == [b"%d\n" % i for i in range(24)]
    assert 'status="429"' in httpx.get(f"{served.address}/metrics").text


@pytest.mark.slow
def test_jobs_default_to_the_services(serving: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOTSMITH_REMOTE", serving("--jobs", "3").address + "/")
    sandbox = open_sandbox("remote")
    assert (sandbox.name, sandbox.promises, sandbox._jobs) == ("remote", frozenset(), 3)  # type: ignore[attr-defined]
    asyncio.run(sandbox.close())


@pytest.mark.slow
def test_the_services_token_is_needed(serving: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOTSMITH_REMOTE", serving(GLOTSMITH_TOKEN="s3cret").address)
    with pytest.raises(IsolationError, match=r"refused with 401: .*; set GLOTSMITH_REMOTE_TOKEN"):
        open_sandbox("remote")
    monkeypatch.setenv("GLOTSMITH_REMOTE_TOKEN", "s3cret")
    asyncio.run(open_sandbox("remote").close())


@pytest.mark.slow
def test_a_service_that_dies_is_the_machines_fault(serving: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch):
    served = serving()
    monkeypatch.setenv("GLOTSMITH_REMOTE", served.address)
    sandbox = open_sandbox("remote", jobs=2)

    async def die() -> tuple[Outcome, Outcome]:
        task = asyncio.create_task(sandbox.run(Program(files={}, argv=("sleep", "6161.3"))))
        await asyncio.to_thread(until, lambda: alive("sleep\x006161.3"))
        os.kill(served.pid, signal.SIGKILL)
        during, after = await task, await sandbox.run(Program(files={}, argv=("true",)))
        await sandbox.close()
        return during, after

    for outcome in asyncio.run(die()):
        assert outcome.ending == "infra"
        assert served.address in outcome.detail
    for pid in list_pids():  # without isolation, nobody else does it
        try:
            if b"sleep\x006161.3" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def test_a_wrong_listen_address_is_a_sentence():
    from glotsmith.service.server import listen

    for host in ("localhost" * 50, "192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(UsageError, match="cannot listen on"):
            listen(host, 0, token=True)
