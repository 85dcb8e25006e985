"""The client of one server: connections, proxies, certificates, and what it says when there is no answer."""

import asyncio
import gc
import gzip
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from glotsmith.teachers.http_client import (
    ConnectionBroken,
    HttpClient,
    ResponseTimeout,
    ResponseTooLarge,
    ServerUnreachable,
    proxy_for,
)

SECRET = "Bearer sk-secret-0123456789"
CERTIFICATE = Path(__file__).with_name("localhost.pem")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def request_head(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length or 0))
    return head


class Scripted:
    """A server that does with each connection what a script says; counts connections and requests."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = 0
        self.heads: list[bytes] = []
        self.open: set[asyncio.StreamWriter] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        try:
            await self.script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()


def answers(server: list[Scripted], *replies: bytes, after: Callable[[], Awaitable[None]] | None = None) -> Script:
    """Answer each connection's requests in turn, then read one more and hang up."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            server[0].heads.append(await request_head(reader))
            writer.write(reply)
            await writer.drain()
        if after is not None:
            await after()
        else:
            server[0].heads.append(await request_head(reader))

    return script


def against(
    script: Callable[[list[Scripted]], Script],
    use: Callable[[HttpClient], Awaitable[Any]],
    *,
    host: str = "127.0.0.1",
    scheme: str = "http",
    **options: Any,
) -> tuple[Any, Scripted]:
    """Run something with a client of a scripted server; return what came of it, and the server."""
    known: list[Scripted] = []
    known.append(Scripted(script(known)))

    async def main() -> Any:
        context = None
        if scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        server = await asyncio.start_server(known[0].handle, host, 0, ssl=context)
        place = f"[{host}]" if ":" in host else host
        url = f"{scheme}://{place}:{server.sockets[0].getsockname()[1]}/v1"
        made = {"connect_s": 5.0, "timeout_s": 5.0, "largest": 1000, **options}
        http = HttpClient(url, {"Authorization": SECRET}, **made)
        try:
            return await use(http)
        finally:
            await http.close()
            await http.close()
            server.close()
            await asyncio.sleep(0.01)

    result = asyncio.run(main())
    gc.collect()  # what was not closed says so, and a warning fails the test
    return result, known[0]


async def twice(http: HttpClient) -> list[bytes]:
    return [(await http.request("POST", "/x", b"{}")).body for _ in range(2)]


async def once(http: HttpClient) -> Any:
    return await http.request("POST", "/x", b"{}")


@pytest.mark.slow
def test_a_connection_is_used_again() -> None:
    bodies, server = against(lambda known: answers(known, OK, OK), twice)
    assert (bodies, server.connections, len(server.heads)) == ([b"hi", b"hi"], 1, 2)
    assert b"Authorization: " + SECRET.encode() in server.heads[0]


@pytest.mark.slow
def test_a_connection_that_the_server_closed_is_replaced_at_once() -> None:
    bodies, server = against(lambda known: answers(known, OK), twice)
    assert (bodies, server.connections, len(server.heads)) == ([b"hi", b"hi"], 2, 3)


@pytest.mark.slow
def test_many_connections_that_the_server_closed_are_replaced_at_once() -> None:
    async def use(http: HttpClient) -> list[bytes]:
        for _ in range(2):
            bodies = [(r).body for r in await asyncio.gather(*(once(http) for _ in range(20)))]
        return bodies

    bodies, _ = against(lambda known: answers(known, OK), use)
    assert bodies == [b"hi"] * 20


async def failing(http: HttpClient) -> BaseException:
    with pytest.raises((ConnectionBroken, ResponseTimeout, ResponseTooLarge, ServerUnreachable)) as error:
        await once(http)
    return error.value


def chained(error: BaseException | None) -> str:
    """Return all that can be read from an error and those behind it."""
    text = ""
    while error is not None:
        text += repr(error) + str(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return text


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENCODED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
BOMB = gzip.compress(b"a" * 1_000_000)
FAILURES: dict[str, tuple[bytes, type[Exception]]] = {
    "nothing": (b"", ConnectionBroken),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", ConnectionBroken),
    "a broken header": (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", ConnectionBroken),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", ConnectionBroken),
    "half a chunk": (CHUNKED + b"5\r\nhi", ConnectionBroken),
    "no last chunk": (CHUNKED + b"2\r\nhi\r\n", ConnectionBroken),
    "no chunk": (CHUNKED + b"zz\r\n", ConnectionBroken),
    "not compressed": (ENCODED % 2 + b"hi", ConnectionBroken),
    "too large": (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"a" * 1001, ResponseTooLarge),
    "too large when opened": (ENCODED % len(BOMB) + BOMB, ResponseTooLarge),
}


@pytest.mark.slow
@pytest.mark.parametrize(("reply", "kind"), FAILURES.values(), ids=FAILURES)
def test_what_fails_on_a_new_connection_fails_once_and_shows_no_header(reply: bytes, kind: type[Exception]) -> None:
    error, server = against(lambda known: answers(known, reply, after=lambda: asyncio.sleep(0)), failing)
    assert type(error) is kind
    assert server.connections == 1
    assert "sk-secret" not in chained(error)


@pytest.mark.slow
def test_an_answer_that_does_not_come_in_time() -> None:
    error, _ = against(lambda known: answers(known, b""), failing, timeout_s=0.1)
    assert type(error) is ResponseTimeout
    assert "sk-secret" not in chained(error)


@pytest.mark.slow
def test_a_server_that_trickles_is_given_up() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    error, _ = against(lambda _: script, failing, connect_s=0.1, timeout_s=0.1)
    assert type(error) is ResponseTimeout


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://no-such-host.invalid/v1", "https://127.0.0.1:1/v1"])
def test_a_server_that_is_not_there(url: str) -> None:
    async def main() -> BaseException:
        http = HttpClient(url, {"Authorization": SECRET}, connect_s=5.0, timeout_s=5.0, largest=1000)
        error = await failing(http)
        await http.close()
        return error

    error = asyncio.run(main())
    assert type(error) is ServerUnreachable
    assert (url.split("/")[2].split(":")[0] in str(error), "sk-secret" in chained(error)) == (True, False)


@pytest.mark.slow
def test_a_long_header_and_chunks_and_compression_are_read() -> None:
    body = gzip.compress(b"hi")
    head = CHUNKED[:-2] + b"Content-Encoding: gzip\r\nX-Policy: " + b"a" * 20_000 + b"\r\n\r\n"
    reply = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    answer, _ = against(lambda known: answers(known, reply), once)
    assert (answer.status, answer.body, len(answer.headers["x-policy"])) == (200, b"hi", 20_000)


@pytest.mark.slow
def test_a_cancelled_request_leaves_a_client_that_works() -> None:
    async def use(http: HttpClient) -> bytes:
        asking = asyncio.create_task(once(http))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return (await once(http)).body

    def script(known: list[Scripted]) -> Script:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request_head(reader)
            if known[0].connections == 1:
                await reader.read()  # until the client hangs up
            writer.write(OK)
            await writer.drain()

        return answer

    body, server = against(script, use)
    assert (body, server.connections) == (b"hi", 2)


@pytest.mark.slow
def test_an_ipv6_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    answer, _ = against(lambda known: answers(known, OK), once, host="::1")
    assert answer.body == b"hi"


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", None])
def test_certificates_are_those_that_the_environment_names(
    variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(CERTIFICATE))
        answer, _ = against(lambda known: answers(known, OK), once, scheme="https", host="localhost")
        assert answer.body == b"hi"
    else:
        error, _ = against(lambda known: answers(known, OK), failing, scheme="https", host="localhost")
        assert type(error) is ServerUnreachable
        assert "certificate verify failed" in str(error)
        assert "sk-secret" not in chained(error)


@pytest.mark.slow
def test_a_proxy_is_asked_in_place_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(http: HttpClient) -> tuple[bytes, Any]:
        monkeypatch.setenv("HTTP_PROXY", http._url.removesuffix("/v1").replace("//", "//user:word@"))  # pyright: ignore
        away = HttpClient("http://far.test/v1", {"Authorization": SECRET}, connect_s=5.0, timeout_s=5.0, largest=1000)
        try:
            return (await once(away)).body, None
        finally:
            await away.close()

    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    (body, _), server = against(lambda known: answers(known, OK), use)
    assert body == b"hi"
    assert server.heads[0].startswith(b"POST http://far.test/v1/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk" in server.heads[0]


P = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("http://host/v1", {}, None),
        ("http://host/v1", {"HTTP_PROXY": P}, P),
        ("http://host/v1", {"http_proxy": "proxy:3128"}, P),
        ("http://host/v1", {"HTTPS_PROXY": P}, None),
        ("https://host/v1", {"HTTPS_PROXY": P}, P),
        ("https://host/v1", {"HTTP_PROXY": P}, None),
        ("https://host/v1", {"ALL_PROXY": P}, P),
        ("http://host/v1", {"HTTP_PROXY": P, "NO_PROXY": "host"}, None),
        ("http://host:8000/v1", {"HTTP_PROXY": P, "NO_PROXY": "other, HOST"}, None),
        ("http://host:8000/v1", {"HTTP_PROXY": P, "NO_PROXY": "host:8000"}, None),
        ("http://host:8001/v1", {"HTTP_PROXY": P, "NO_PROXY": "host:8000"}, P),
        ("http://a.host/v1", {"HTTP_PROXY": P, "NO_PROXY": ".host"}, None),
        ("http://a.host/v1", {"HTTP_PROXY": P, "NO_PROXY": "*.host"}, None),
        ("http://a.host/v1", {"HTTP_PROXY": P, "NO_PROXY": "host"}, None),
        ("http://ahost/v1", {"HTTP_PROXY": P, "NO_PROXY": "host,,"}, P),
        ("http://host/v1", {"HTTP_PROXY": P, "NO_PROXY": "*"}, None),
        ("http://10.1.2.3/v1", {"HTTP_PROXY": P, "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://11.1.2.3/v1", {"HTTP_PROXY": P, "NO_PROXY": "10.0.0.0/8"}, P),
        ("http://[fd00::1]:8000/v1", {"HTTP_PROXY": P, "NO_PROXY": "fd00::1"}, None),
        ("http://[fd00::1]:8000/v1", {"HTTP_PROXY": P, "NO_PROXY": "[fd00::1]"}, None),
        ("http://[fd00::1]:8000/v1", {"HTTP_PROXY": P}, P),
        ("http://127.0.0.1:8000/v1", {"HTTP_PROXY": P}, None),
        ("http://127.1.2.3/v1", {"HTTP_PROXY": P}, None),
        ("http://[::1]:8000/v1", {"HTTP_PROXY": P}, None),
        ("http://localhost:8000/v1", {"ALL_PROXY": P}, None),
        ("http://localhost.test/v1", {"HTTP_PROXY": P}, P),
    ],
)
def test_the_proxy_of_a_url(
    url: str, environment: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "socks5://user:word@proxy:1080")
    with pytest.raises(ServerUnreachable, match="kind socks5: name one of http or https") as error:
        proxy_for("http://host/v1")
    assert "word" not in str(error.value)
