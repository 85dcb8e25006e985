"""Tokens a second of the local teacher, beside a bare aiohttp loop at the same server, and beside busy processes.

    python benchmarks/local_teacher.py [--model FILE.gguf] [--requests 32] [--tokens 64] [--repeats 3] [--busy 2]

Each measurement is a fresh server with 8 slots and one warm-up request. ``bare`` posts the requests' JSON itself.
``teacher`` is ``open_teacher("local")`` without a cache. The last two run beside ``--busy`` busy loops: ``sleeping``
as the teacher does, whose waiting threads sleep, and ``spinning`` with ``OMP_WAIT_POLICY=active``. These two have one
request for each slot and a quarter of the tokens, because the last may take minutes. Kinds alternate; the table shows
medians.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from unittest import mock

import aiohttp
import msgspec

from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Message, Reply, Request, Sampling
from glotsmith.teachers.local import process
from glotsmith.teachers.local.process import ServerProcess, ServerSettings
from glotsmith.teachers.local.weights import default_weights
from glotsmith.teachers.openai_wire import endpoint_path, request_body

SLOTS, CONTEXT, THREADS = 8, 1024, 2
BUSY = [sys.executable, "-c", "while True: pass"]

Ask = Callable[[Request], Awaitable[int]]  #: sends a request; returns the tokens of its reply


def request(number: int, tokens: int) -> Request:
    """Return a request whose reply is as long as it may be, in most cases."""
    text = f"Write {number + 3} Lua functions, with comments that explain each line at length."
    messages = (Message(role="user", content=text),)
    return Request(call="b", item=str(number), messages=messages, sampling=Sampling(max_tokens=tokens, temperature=0.8))


@asynccontextmanager
async def bare(model: str) -> AsyncIterator[Ask]:
    """Yield what posts a request to a server without the teacher's code."""
    settings = ServerSettings(model=model, key="k", context=CONTEXT, slots=SLOTS, threads=THREADS, gpu_layers=0)
    server = await ServerProcess.start(settings)
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer k", "Content-Type": "application/json"}) as http:

        async def ask(wanted: Request) -> int:
            url = f"{server.address}/v1{endpoint_path(wanted)}"
            async with http.post(url, data=request_body(wanted, "m", {}, {})) as answer:
                return msgspec.json.decode(await answer.read())["usage"]["completion_tokens"]

        yield ask
    await server.stop()


@asynccontextmanager
async def teacher(model: str) -> AsyncIterator[Ask]:
    """Yield what sends a request by the teacher."""
    opened = open_teacher("local", model=model, options={"context": CONTEXT, "slots": SLOTS, "threads": THREADS})

    async def ask(wanted: Request) -> int:
        reply: Reply = await opened.reply(wanted)
        assert reply.finish_reason in ("stop", "length"), reply
        return reply.output_tokens

    yield ask
    await opened.close()


async def measure(kind: str, model: str, requests: int, tokens: int) -> float:
    """Return tokens a second."""
    async with (bare if kind == "bare" else teacher)(model) as ask:
        await ask(request(0, 1))
        begun = time.monotonic()
        made = await asyncio.gather(*(ask(request(number, tokens)) for number in range(requests)))
        return sum(made) / (time.monotonic() - begun)


@contextmanager
def beside(busy: int) -> Iterator[None]:
    """Run busy loops meanwhile."""
    processes = [subprocess.Popen(BUSY) for _ in range(busy)]
    try:
        yield
    finally:
        for one in processes:
            one.kill()
            one.wait()


def rate(kind: str, options: argparse.Namespace) -> float:
    """Measure one kind once."""
    requests, tokens = options.requests, options.tokens
    with ExitStack() as stack:
        if kind in ("sleeping", "spinning"):
            requests, tokens = SLOTS, max(1, options.tokens // 4)
            stack.enter_context(beside(options.busy))
        if kind == "spinning":
            stack.enter_context(mock.patch.object(process, "_ENVIRONMENT", {"OMP_WAIT_POLICY": "active"}))
        return asyncio.run(measure(kind, options.model, requests, tokens))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found = default_weights()
    parser.add_argument("--model", default=str(found.path) if found else "", help="a GGUF file")
    for name, value in (("requests", 32), ("tokens", 64), ("repeats", 3), ("busy", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {kind: [] for kind in ("bare", "teacher", "sleeping", "spinning")}
    for _ in range(options.repeats):
        for kind, rates_of_kind in rates.items():
            rates_of_kind.append(rate(kind, options))
            print(f"{kind}: {rates_of_kind[-1]:.1f} tokens a second", file=sys.stderr)
    base = statistics.median(rates["bare"])
    print(f"{'':10}{'tokens/s':>10}{'least':>8}{'most':>8}{'of bare':>9}")
    for kind, values in rates.items():
        middle = statistics.median(values)
        print(f"{kind:10}{middle:10.1f}{min(values):8.1f}{max(values):8.1f}{middle / base:9.2f}")


if __name__ == "__main__":
    main()
