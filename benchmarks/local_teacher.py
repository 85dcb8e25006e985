"""Measure the throughput of the teacher ``local`` in comparison with a plain aiohttp loop at the same server.

    python benchmarks/local_teacher.py [--model FILE.gguf] [--requests 32] [--tokens 64] [--repeats 3] [--busy 2]

Each measurement starts a server with 8 slots and sends one warm-up request. The kinds are:

- ``plain`` posts the JSON of the requests without the code of the teacher.
- ``teacher`` uses ``open_teacher("local")`` without a cache.
- ``sleeping`` is the teacher while ``--busy`` busy loops run. Its threads sleep while they wait.
- ``spinning`` is the same with ``OMP_WAIT_POLICY=active``.

The last two kinds send one request for each slot and generate a quarter of the tokens, because ``spinning`` may take
minutes. The table shows medians in tokens per second.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from unittest import mock

import aiohttp
import msgspec
from rates import alternate, print_table

from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Message, Reply, Request, Sampling
from glotsmith.teachers.local import process
from glotsmith.teachers.local.process import ServerProcess, ServerSettings
from glotsmith.teachers.local.weights import default_weights
from glotsmith.teachers.openai_wire import endpoint_path, request_body

SLOTS, CONTEXT, THREADS = 8, 1024, 2
KINDS = ("plain", "teacher", "sleeping", "spinning")
BUSY_LOOP = [sys.executable, "-c", "while True: pass"]

Send = Callable[[Request], Awaitable[int]]  #: sends a request; returns the number of tokens of the reply


def request(number: int, tokens: int) -> Request:
    """Return a request whose reply reaches the token limit in most cases."""
    text = f"Write {number + 3} Lua functions, with comments that explain each line at length."
    messages = (Message(role="user", content=text),)
    return Request(call="b", item=str(number), messages=messages, sampling=Sampling(max_tokens=tokens, temperature=0.8))


@asynccontextmanager
async def plain(model: str) -> AsyncIterator[Send]:
    """Yield a function that posts a request to a server without the code of the teacher."""
    settings = ServerSettings(model=model, key="k", context=CONTEXT, slots=SLOTS, threads=THREADS, gpu_layers=0)
    server = await ServerProcess.start(settings)
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer k", "Content-Type": "application/json"}) as http:

        async def send(request: Request) -> int:
            url = f"{server.address}/v1{endpoint_path(request)}"
            async with http.post(url, data=request_body(request, "m", {}, {})) as response:
                return msgspec.json.decode(await response.read())["usage"]["completion_tokens"]

        yield send
    await server.stop()


@asynccontextmanager
async def teacher(model: str) -> AsyncIterator[Send]:
    """Yield a function that sends a request with the teacher."""
    opened = open_teacher("local", model=model, options={"context": CONTEXT, "slots": SLOTS, "threads": THREADS})

    async def send(request: Request) -> int:
        reply: Reply = await opened.reply(request)
        assert reply.finish_reason in ("stop", "length"), reply
        return reply.output_tokens

    yield send
    await opened.close()


async def measure(kind: str, model: str, requests: int, tokens: int) -> float:
    """Return the throughput in tokens per second."""
    async with (plain if kind == "plain" else teacher)(model) as send:
        await send(request(0, 1))
        start = time.monotonic()
        counts = await asyncio.gather(*(send(request(number, tokens)) for number in range(requests)))
        return sum(counts) / (time.monotonic() - start)


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Run busy loops until the context ends."""
    processes = [subprocess.Popen(BUSY_LOOP) for _ in range(count)]
    try:
        yield
    finally:
        for process_of_loop in processes:
            process_of_loop.kill()
            process_of_loop.wait()


def rate(kind: str, options: argparse.Namespace) -> float:
    """Measure one kind once; return tokens per second."""
    requests, tokens = options.requests, options.tokens
    with ExitStack() as stack:
        if kind in ("sleeping", "spinning"):
            requests, tokens = SLOTS, max(1, options.tokens // 4)
            stack.enter_context(busy_loops(options.busy))
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
    print_table(alternate(KINDS, options.repeats, lambda kind: rate(kind, options)), base="plain")


if __name__ == "__main__":
    main()
