"""Who may hold a connection, and for how long: over real sockets, in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from glotsmith.records import Outcome, Program
from glotsmith.sandbox.base import ALL_PROMISES
from glotsmith.sandbox.program_json import encode_program
from glotsmith.service import server
from glotsmith.service.state import Service, ServiceSettings

PATIENCE_S = 0.3
BIG = 24 * 2**20
GET = b"GET /health HTTP/1.1\r\nhost: localhost\r\n"


class Simulated:
    """A simulated sandbox: ``long`` takes its time, ``big`` says much."""

    name, promises = "simulated", ALL_PROMISES

    async def run(self, program: Program) -> Outcome:
        if program.argv == ("long",):
            await asyncio.sleep(3 * PATIENCE_S)
        return Outcome(ending="exit", stdout=b"x" * BIG if program.argv == ("big",) else b"")

    async def close(self) -> None: ...


class Served:
    def __init__(self, port: int, made: server._Server) -> None:
        self.port, self._server = port, made

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**12)

    async def until_connections(self, count: int, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while len(self._server.server_state.connections) != count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    listening = server.listen("127.0.0.1", 0, token=False)
    made = server._Server(Service(Simulated(), ServiceSettings(jobs=4)), lambda message: None)
    task = asyncio.create_task(made.serve([listening]))
    while not made.started:
        await asyncio.sleep(0.01)
    try:
        yield Served(listening.getsockname()[1], made)
    finally:
        made.should_exit = True
        await task


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_CLIENT_TIMEOUT_S", PATIENCE_S)


def run(argv: str) -> bytes:
    body = encode_program(Program(files={}, argv=(argv,)))
    head = f"POST /run HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def silent(writer: asyncio.StreamWriter) -> None:
    """Say nothing."""


async def trickles_a_head(writer: asyncio.StreamWriter) -> None:
    for byte in GET * 100:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.02)


async def falls_silent_after_an_answer(writer: asyncio.StreamWriter) -> None:
    writer.write(GET + b"\r\n")


async def asks_again_by_bytes(writer: asyncio.StreamWriter) -> None:
    writer.write(GET + b"\r\n")
    await trickles_a_head(writer)


async def goes_on_after_a_refusal(writer: asyncio.StreamWriter) -> None:
    writer.write(b"POST /no-such-path HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n")
    for _ in range(500):
        writer.write(b"x" * 100)
        await asyncio.sleep(0.02)


async def goes_on_after_no_http(writer: asyncio.StreamWriter) -> None:
    for _ in range(500):
        writer.write(b"\x00" * 100)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "client",
    [
        *(silent, trickles_a_head, falls_silent_after_an_answer, asks_again_by_bytes, goes_on_after_a_refusal),
        goes_on_after_no_http,
    ],
)
def test_a_client_that_wants_nothing_is_shown_out(client: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
    async def main() -> None:
        async with serving() as served:
            reader, writer = await served.connect()
            talking = asyncio.ensure_future(client(writer))
            async with asyncio.timeout(6 * PATIENCE_S):
                with contextlib.suppress(ConnectionError):
                    while await reader.read(2**12):
                        pass
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            writer.close()

    asyncio.run(main())


@pytest.mark.slow
def test_who_waits_for_a_program_may_wait() -> None:
    async def main() -> None:
        async with serving() as served:
            reader, writer = await served.connect()
            writer.write(run("long"))
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()

    asyncio.run(main())


@pytest.mark.slow
def test_who_takes_nothing_of_an_answer_has_left() -> None:
    async def main() -> None:
        async with serving() as served:
            _, writer = await served.connect()
            writer.write(run("big"))
            await served.until_connections(1, 5)
            await served.until_connections(0, 5)
            writer.close()

    asyncio.run(main())


@pytest.mark.slow
def test_who_takes_an_answer_slowly_gets_all_of_it() -> None:
    async def main() -> None:
        async with serving() as served:
            reader, writer = await served.connect()
            writer.write(run("big"))
            taken, pauses = 0, 0
            while taken < BIG:  # it is in base64, and so even larger
                part = await reader.read(2**20)
                assert part, "the connection was closed"
                taken += len(part)
                if taken // (BIG // 6) > pauses:
                    pauses += 1
                    await asyncio.sleep(PATIENCE_S / 2)
            writer.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00" * 2**20,
        GET + b"x: " + b"y" * 2**20 + b"\r\n\r\n",
        b"POST /run HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n" + b"z" * 2**20,
    ],
    ids=["zeros", "long head", "bad length"],
)
def test_a_refusal_reaches_a_client_that_still_sends(junk: bytes) -> None:
    async def refusal(served: Served) -> bytes:
        reader, writer = await served.connect()
        writer.write(junk)
        with contextlib.closing(writer):
            return await reader.read()

    async def main() -> list[bytes]:
        async with serving() as served:
            return await asyncio.gather(*(refusal(served) for _ in range(10)))

    for answer in asyncio.run(main()):
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"Invalid HTTP request received." in answer
