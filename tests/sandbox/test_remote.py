"""The remote back end with a misbehaving service: the outcome is infra, never a failure of the program."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from glotsmith.errors import IsolationError
from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox import open_sandbox, remote
from glotsmith.sandbox.remote import Remote

HEALTH = b'{"isolation": "bubblewrap", "promises": ["network", "a-promise-of-the-future"], "jobs": 2}'
DONE = b'{"ending": "exit", "stdout": "aGk="}'


def reply(status: int, body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 %d x" % status, b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def with_service(
    answers: list[bytes], test: Callable[[Remote], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> int:
    """Run a test with a service that gives these answers and repeats the last; b"" closes the connection."""
    answered = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
                if head.startswith(b"GET /health"):
                    answer = reply(200, HEALTH)
                else:
                    answer = answers[min(answered, len(answers) - 1)]
                    answered += 1
                writer.write(answer)
                if not answer:
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        monkeypatch.setenv("GLOTSMITH_REMOTE", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with server:
            sandbox = await asyncio.to_thread(Remote)
            await test(sandbox)
            await sandbox.close()

    asyncio.run(main())
    return answered


def outcome_of(answers: list[bytes], monkeypatch: pytest.MonkeyPatch, **limits: float) -> Outcome:
    seen: list[Outcome] = []

    async def test(sandbox: Remote) -> None:
        seen.append(await sandbox.run(Program(files={}, argv=("true",), limits=Limits(**limits))))  # type: ignore[arg-type]

    with_service(answers, test, monkeypatch)
    return seen[0]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (reply(500, b""), "refused with 500"),
        (reply(503, b'{"error": "the service is about to end"}'), "refused with 503: the service is about to end"),
        (reply(502, b"<html>"), "refused with 502"),
        (reply(404, b"{}"), "refused with 404"),
        (reply(401, b'{"error": "no"}'), "refused with 401: no; set GLOTSMITH_REMOTE_TOKEN"),
        (reply(413, b'{"error": "too large"}'), "refused with 413: too large"),
        (reply(200, b""), "an invalid outcome"),
        (reply(200, b'{"ending": "bliss"}'), "an invalid outcome: Invalid enum value 'bliss'"),
        (reply(200, b"[" * 100_000), "an invalid outcome"),
        (reply(302, b"", b"location: http://127.0.0.1:9/"), "refused with 302"),
        (b"", "cannot reach the service"),
        (b"nonsense\r\n\r\n", "cannot reach the service"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{", None),  # incomplete
    ],
)
def test_a_broken_service_is_infra(answer: bytes, detail: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote, "_QUEUE_TIMEOUT_S", 0.2)
    outcome = outcome_of([answer], monkeypatch, wall_s=0.2, build_cpu_s=0.1)
    assert outcome.ending == "infra"
    assert (detail or "did not answer within") in outcome.detail
    assert "127.0.0.1" in outcome.detail


@pytest.mark.slow
def test_requests_are_repeated_after_429(monkeypatch: pytest.MonkeyPatch):
    begun = time.monotonic()
    full = reply(429, b"", b"retry-after: 1")
    outcome = outcome_of([full, full, reply(200, DONE)], monkeypatch)
    assert outcome == Outcome(ending="exit", stdout=b"hi")
    assert time.monotonic() - begun >= 2


@pytest.mark.slow
def test_repetition_after_429_has_a_timeout(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote, "_RETRY_TIMEOUT_S", 0.5)
    outcome = outcome_of([reply(429, b"", b"retry-after: 0")], monkeypatch)
    assert (outcome.ending, "was overloaded" in outcome.detail) == ("infra", True)


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0", 0.0), ("9999", 60.0), ("", 1.0), ("soon", 1.0), ("-3", 1.0), ("²", 1.0)]
)
def test_retry_after(value: str, seconds: float):
    import httpx

    headers = {"retry-after": value.encode()} if value else {}
    assert remote._retry_after(httpx.Response(429, headers=headers)) == seconds  # pyright: ignore[reportPrivateUsage]


def test_an_invalid_program_raises_value_error(monkeypatch: pytest.MonkeyPatch):
    async def test(sandbox: Remote) -> None:
        with pytest.raises(ValueError, match="must stay in its folder"):
            await sandbox.run(Program(files={"../x": ""}, argv=("true",)))
        with pytest.raises(ValueError, match="surrogates not allowed"):
            await sandbox.run(Program(files={}, argv=("\ud800",)))

    with_service([reply(422, b'{"error": "a file must stay in its folder"}')], test, monkeypatch)


def test_connections_are_reused(monkeypatch: pytest.MonkeyPatch):
    """Twenty programs, two at a time, need at most two connections."""
    opened = 0
    original = asyncio.StreamReaderProtocol.connection_made

    def count(self: asyncio.StreamReaderProtocol, transport: asyncio.BaseTransport) -> None:
        nonlocal opened
        opened += 1
        original(self, transport)

    monkeypatch.setattr(asyncio.StreamReaderProtocol, "connection_made", count)

    async def test(sandbox: Remote) -> None:
        await asyncio.gather(*(sandbox.run(Program(files={}, argv=("true",))) for _ in range(20)))

    assert with_service([reply(200, DONE)], test, monkeypatch) == 20
    assert opened <= 1 + 2  # one for /health


def test_unknown_promises_are_ignored(monkeypatch: pytest.MonkeyPatch):
    async def test(sandbox: Remote) -> None:
        assert sandbox.promises == {"network"}

    with_service([reply(200, DONE)], test, monkeypatch)


# Opening


def test_an_unset_address(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GLOTSMITH_REMOTE", raising=False)
    with pytest.raises(IsolationError, match="set GLOTSMITH_REMOTE to the address of a 'glotsmith serve'"):
        open_sandbox("remote")


@pytest.mark.parametrize("address", ["127.0.0.1", "ftp://127.0.0.1", "http://", "http://[", "http://127.0.0.1:99999"])
def test_an_address_without_a_service(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOTSMITH_REMOTE", address)
    with pytest.raises(IsolationError, match="no service answers at"):
        open_sandbox("remote")


def test_a_closed_port(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("GLOTSMITH_REMOTE", f"http://127.0.0.1:{port}")
    with pytest.raises(IsolationError, match=r"Start 'glotsmith serve' there"):
        open_sandbox("remote")
