"""How many requests a second the openai teacher gets from a server, beside a bare aiohttp loop.

    python benchmarks/teacher.py [--requests 3000] [--repeats 5] [--peers PYTHON]

The server is a process of its own: it answers after 50 ms, 64 requests at once, each with about 300 tokens. The bare
loop has 64 workers that write a request's JSON, post it and read the reply's. The teacher works as in a run: opened by
``open_teacher`` with the run's cache, asked by a step of 64 workers, every reply in the cache and the ledger, and the
adaptive limiter begins where it begins by default. Each measurement is a fresh process and a fresh server; kinds
alternate; the table shows medians. The time is from the first request to the last commit, without imports.

``--peers`` names a Python that has bespokelabs-curator and distilabel, which want other versions of shared libraries
and so an environment of their own; they are measured in the same alternation.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LATENCY_S, SLOTS = 0.05, 64
PROMPT = "Translate this Python function to Lua.\n\n" + "def f(x):\n" + "    x = x + 1  # some line of code\n" * 20
TEXT = "```lua\n" + "local function f(x) return x + 1 end -- some line of code\n" * 20 + "```"
USAGE = {"prompt_tokens": 250, "completion_tokens": 300, "total_tokens": 550}


# ------------------------------------------------------------------------------------------ the server


class Served(asyncio.Protocol):
    """One connection; requests on it come one after another."""

    slots: asyncio.Semaphore
    answer: bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport: Any = transport
        self.data = b""
        self.tasks: set[asyncio.Task[None]] = set()

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if found and len(body) >= int(length or 0):
            self.data = b""
            task = asyncio.get_running_loop().create_task(self.serve())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def serve(self) -> None:
        """Wait for a slot and then for the latency."""
        async with self.slots:
            await asyncio.sleep(LATENCY_S)
        self.transport.write(self.answer)


async def serve() -> None:
    message = {"role": "assistant", "content": TEXT}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    data = json.dumps({**body, "usage": USAGE}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    Served.slots, Served.answer = asyncio.Semaphore(SLOTS), head.encode() + data
    server = await asyncio.get_running_loop().create_server(Served, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def a_server() -> Iterator[str]:
    """Start the server; yield its base URL."""
    process = subprocess.Popen([sys.executable, __file__, "--only", "server"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.communicate()


# ------------------------------------------------------------------------------------------ who asks


def bare(url: str, count: int) -> float:
    import aiohttp

    async def worker(session: aiohttp.ClientSession, numbers: Iterator[int]) -> None:
        for number in numbers:
            messages = [{"role": "user", "content": f"{number} {PROMPT}"}]
            body = {"model": "m", "messages": messages, "temperature": 0.0, "max_tokens": 512}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                answer = await response.json()
            assert answer["choices"][0]["message"]["content"] == TEXT

    async def work() -> None:
        numbers = iter(range(count))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(worker(session, numbers) for _ in range(SLOTS)))

    began = time.perf_counter()
    asyncio.run(work())
    return time.perf_counter() - began


def teacher(url: str, count: int) -> float:
    from glotsmith.execution import open_executor
    from glotsmith.execution.base import NoProgress
    from glotsmith.records import Function, Origin, content_hash
    from glotsmith.run_folder import RunFolder
    from glotsmith.step import ItemStep, Kept, Result, SourceStep, keep
    from glotsmith.teachers import open_teacher
    from glotsmith.teachers.base import Message, Request, Teacher

    class Source(SourceStep[Function]):
        name, output = "source", Function

        async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Function]]]:
            """Yield as many items as there are requests."""
            for number in range(count):
                code, origin = f"{number} {PROMPT}", Origin(source="benchmark", path=f"{number}.py")
                item = Function(id=content_hash(code), name="f", code=code, docstring="Adds.", origin=origin)
                yield f"unit {number}", keep(item.id, item)

    class Ask(ItemStep[Function, Function]):
        name, output, concurrency = "ask", Function, SLOTS

        def __init__(self, asked: Teacher) -> None:
            self.asked = asked

        async def run(self, key: str, item: Function) -> Result[Function]:
            """Ask about one item."""
            messages = (Message(role="user", content=item.code),)
            reply = await self.asked.reply(Request(call="translate", item=key, messages=messages))
            assert reply.text == TEXT
            return Result(kept=(Kept(key, item),), tokens=reply.output_tokens)

    async def work(run: RunFolder) -> None:
        asked = open_teacher("openai", model="m", base_url=url, cache=run.cache)
        assert await open_executor("local").run([Source(), Ask(asked)], run.ledger, NoProgress())
        await asked.close()

    with tempfile.TemporaryDirectory() as folder, RunFolder.create_or_resume(Path(folder) / "run", {}) as run:
        open_teacher("openai", model="m", base_url=url)  # imports the module
        began = time.perf_counter()
        asyncio.run(work(run))
        seconds = time.perf_counter() - began
        assert run.ledger.funnel()[-1].made == count
    return seconds


def distilabel(url: str, count: int) -> float:
    from distilabel.models import OpenAILLM

    asked = OpenAILLM(model="m", base_url=url, api_key="none")
    asked.load()
    inputs = [[{"role": "user", "content": f"{number} {PROMPT}"}] for number in range(count)]
    began = time.perf_counter()
    for first in range(0, count, SLOTS):  # it answers batch after batch
        for output in asked.generate_outputs(inputs=inputs[first : first + SLOTS], max_new_tokens=512):
            assert output["generations"] == [TEXT]
    return time.perf_counter() - began


def curator(url: str, count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TELEMETRY_ENABLED": "false", "CURATOR_CACHE_DIR": folder, "CURATOR_DISABLE_RICH_DISPLAY": "1"}
        import litellm.litellm_core_utils.default_encoding  # noqa: F401 (so that tiktoken downloads nothing)
        from bespokelabs import curator as peer

        limits = {"max_requests_per_minute": 10**7, "max_tokens_per_minute": 10**10, "max_concurrent_requests": SLOTS}
        parameters = {"base_url": url, "api_key": "none", **limits}
        asked = peer.LLM(model_name="gpt-4o-mini", backend="openai", backend_params=parameters)
        prompts = [f"{number} {PROMPT}" for number in range(count)]
        began = time.perf_counter()
        answers = asked(prompts)
        seconds = time.perf_counter() - began
        assert len(getattr(answers, "dataset", answers)) == count
    return seconds


OWN = {"bare": bare, "teacher": teacher}
PEERS = {"curator": curator, "distilabel": distilabel}


# ------------------------------------------------------------------------------------------ measuring


def measure(kind: str, count: int, python: str) -> dict[str, float]:
    """Run one kind in a fresh process beside a fresh server; return seconds and CPU seconds."""
    with a_server() as url:
        command = [python, __file__, "--only", kind, "--requests", str(count), "--url", url]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=900)
    return json.loads(done.stdout.splitlines()[-1])


def only(kind: str, count: int, url: str) -> None:
    began = time.process_time()
    seconds = (OWN | PEERS)[kind](url, count)
    print(json.dumps({"seconds": seconds, "cpu": time.process_time() - began}))


def report(runs: dict[str, list[dict[str, float]]], count: int) -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':>10} {'requests/s':>11} {'least':>7} {'most':>7} {'CPU ms':>7} {'of bare':>8}")
    for kind, figures in runs.items():
        rates = [count / figure["seconds"] for figure in figures]
        ratios = [bare["seconds"] / own["seconds"] for bare, own in zip(runs["bare"], figures, strict=True)]
        cpu = 1000 * statistics.median(figure["cpu"] for figure in figures) / count
        least, median, most = min(rates), statistics.median(rates), max(rates)
        print(f"{kind:>10} {median:>11.0f} {least:>7.0f} {most:>7.0f} {cpu:>7.2f} {statistics.median(ratios):>8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", metavar="PYTHON", help="also measure bespokelabs-curator and distilabel, with it")
    parser.add_argument("--only", choices=["server", *OWN, *PEERS], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only == "server":
        asyncio.run(serve())
    elif options.only:
        only(options.only, options.requests, options.url)
    else:
        pythons = dict.fromkeys(OWN, sys.executable) | (dict.fromkeys(PEERS, options.peers) if options.peers else {})
        runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in pythons}
        for _ in range(options.repeats):
            for kind, python in pythons.items():
                runs[kind].append(measure(kind, options.requests, python))
        report(runs, options.requests)


if __name__ == "__main__":
    main()
