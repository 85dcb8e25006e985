"""Measure the requests per second of the teacher ``openai`` in comparison with a plain aiohttp loop.

    python benchmarks/teacher.py [--requests 3000] [--repeats 5] [--peers PYTHON]

The server is a separate process. It serves 64 requests at once and replies to each one after 50 ms with about 300
tokens. The kinds are:

- ``plain``: 64 workers encode a request as JSON, post it and decode the reply.
- ``teacher``: a step with 64 workers sends the requests, as in a run. ``open_teacher`` gets the cache of the run, the
  cache and the ledger store every reply, and the adaptive limiter starts at its default.
- ``budget``: the same with all that a run adds: the step asks the first of two teachers of a role, budgets of US
  dollars, tokens and hours admit each request and count each reply, also for the language, and the ledger stores what
  a forecast and ``glotsmith show`` read.

Each measurement starts a new process and a new server. The kinds alternate, and the table shows medians. The time is
from the first request to the last commit, without imports.

``--peers`` names a Python interpreter with bespokelabs-curator and distilabel. These need other versions of libraries
that glotsmith uses, so they need an environment of their own. They alternate with the other kinds.
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
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

LATENCY_S, SLOTS = 0.05, 64
PROMPT = "Translate this Python function to Lua.\n\n" + "def f(x):\n" + "    x = x + 1  # some line of code\n" * 20
TEXT = "```lua\n" + "local function f(x) return x + 1 end -- some line of code\n" * 20 + "```"
USAGE = {"prompt_tokens": 250, "completion_tokens": 300, "total_tokens": 550}


# ------------------------------------------------------------------------------------------ the server


class ServerConnection(asyncio.Protocol):
    """One connection to the server; its requests arrive one after another."""

    slots: asyncio.Semaphore
    response: bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self.transport: Any = transport
        self.data = b""
        self.tasks: set[asyncio.Task[None]] = set()

    def data_received(self, data: bytes) -> None:
        """Respond when a request is complete."""
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if found and len(body) >= int(length or 0):
            self.data = b""
            task = asyncio.get_running_loop().create_task(self.serve())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def serve(self) -> None:
        """Wait for a slot and for the latency, and respond."""
        async with self.slots:
            await asyncio.sleep(LATENCY_S)
        self.transport.write(self.response)


async def serve() -> None:
    message = {"role": "assistant", "content": TEXT}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    body["data"] = [{"id": "m"}, {"id": "larger"}]  # the answer to GET /models, too
    data = json.dumps({**body, "usage": USAGE}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    ServerConnection.slots, ServerConnection.response = asyncio.Semaphore(SLOTS), head.encode() + data
    server = await asyncio.get_running_loop().create_server(ServerConnection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def run_server() -> Iterator[str]:
    """Start the server; yield its base URL."""
    process = subprocess.Popen([sys.executable, __file__, "--only", "server"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.communicate()


# ------------------------------------------------------------------------------------------ the kinds


def plain(url: str, count: int) -> float:
    import aiohttp

    async def worker(session: aiohttp.ClientSession, numbers: Iterator[int]) -> None:
        for number in numbers:
            messages = [{"role": "user", "content": f"{number} {PROMPT}"}]
            body = {"model": "m", "messages": messages, "temperature": 0.0, "max_tokens": 512}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                reply = await response.json()
            assert reply["choices"][0]["message"]["content"] == TEXT

    async def send_all() -> None:
        numbers = iter(range(count))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(worker(session, numbers) for _ in range(SLOTS)))

    start = time.perf_counter()
    asyncio.run(send_all())
    return time.perf_counter() - start


def teacher(url: str, count: int) -> float:
    """Send the requests with the cache and the ledger of a run."""
    from glotsmith.teachers import open_teacher

    @asynccontextmanager
    async def opened(run: Any) -> AsyncIterator[tuple[Any, Any]]:
        one = open_teacher("openai", model="m", base_url=url, cache=run.cache)
        yield one, nullcontext()
        await one.close()

    return send_in_run(opened, count)


def budget(url: str, count: int) -> float:
    """Send the requests with the cache, the ledger, the roles and the budget of a run."""
    from glotsmith.api import run_config
    from glotsmith.api.budget_watch import counting_time
    from glotsmith.api.run_teachers import CachedTeachers, RunTeachers
    from glotsmith.api.spending import RunSpending

    priced = {"input_price": 1.0, "output_price": 4.0, "max_concurrency": SLOTS}
    given = {
        "teacher": {"name": "openai", "model": "m", "base_url": url, "options": priced},
        "roles": {"translate": {"next": {"model": "larger", "options": priced}}},
        "options": {"sources": ("src",), "languages": ("lua",)},
        "budget": ("1000usd", "900Mtok", "lua=900usd", "9h"),
    }

    def ignore(error: Exception) -> None:
        raise error

    config = run_config.load("multipl-t", given)
    RunTeachers(config)  # imports their modules

    @asynccontextmanager
    async def opened(run: Any) -> AsyncIterator[tuple[Any, Any]]:
        teachers = RunTeachers(config)
        run.ledger.exchanges.create_tables()
        limits = run_config.budget_limits(config)
        spending = RunSpending(limits, run.ledger, teachers.main, ignore, ("lua",))
        cached = CachedTeachers(teachers, run.cache, run.ledger, spending)
        yield cached.roles["translate"][0], counting_time(spending)
        assert spending.received().requests == count
        await cached.close()
        await teachers.close()

    return send_in_run(opened, count)


def send_in_run(open_teacher_of: Callable[[Any], Any], count: int) -> float:
    from glotsmith.execution.base import NoProgress
    from glotsmith.execution.pipeline_runner import PipelineRunner
    from glotsmith.records import Function, Origin, content_hash
    from glotsmith.run_folder import RunFolder
    from glotsmith.step import ItemStep, Kept, Result, SourceStep, keep
    from glotsmith.teachers import open_teacher
    from glotsmith.teachers.base import Message, Request, Teacher

    class Source(SourceStep[Function]):
        name, output = "source", Function

        async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Function]]]:
            """Yield one item for each request."""
            for number in range(count):
                code, origin = f"{number} {PROMPT}", Origin(source="benchmark", path=f"{number}.py")
                item = Function(id=content_hash(code), name="f", code=code, docstring="Adds.", origin=origin)
                yield f"unit {number}", keep(item.id, item)

    class SendStep(ItemStep[Function, Function]):
        name, output, concurrency = "send", Function, SLOTS

        def __init__(self, teacher: Teacher) -> None:
            self.teacher = teacher

        async def run(self, key: str, item: Function) -> Result[Function]:
            """Send the request of one item."""
            messages = (Message(role="user", content=item.code),)
            request = Request(call="translate", item=key, messages=messages, context={"language": "lua"})
            reply = await self.teacher.reply(request)
            assert reply.text == TEXT
            return Result(kept=(Kept(key, item),), tokens=reply.output_tokens)

    async def execute(run: RunFolder) -> None:
        async with open_teacher_of(run) as (opened, while_it_runs), while_it_runs:
            assert await PipelineRunner().run([Source(), SendStep(opened)], run.ledger, NoProgress())

    with tempfile.TemporaryDirectory() as folder, RunFolder.create_or_resume(Path(folder) / "run", {}) as run:
        open_teacher("openai", model="m", base_url="http://127.0.0.1:9")  # imports the module
        start = time.perf_counter()
        asyncio.run(execute(run))
        seconds = time.perf_counter() - start
        assert run.ledger.funnel()[-1].made == count
    return seconds


def distilabel(url: str, count: int) -> float:
    from distilabel.models import OpenAILLM

    model = OpenAILLM(model="m", base_url=url, api_key="none")
    model.load()
    inputs = [[{"role": "user", "content": f"{number} {PROMPT}"}] for number in range(count)]
    start = time.perf_counter()
    for first in range(0, count, SLOTS):  # it replies to one batch after another
        for output in model.generate_outputs(inputs=inputs[first : first + SLOTS], max_new_tokens=512):
            assert output["generations"] == [TEXT]
    return time.perf_counter() - start


def curator(url: str, count: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TELEMETRY_ENABLED": "false", "CURATOR_CACHE_DIR": folder, "CURATOR_DISABLE_RICH_DISPLAY": "1"}
        import litellm.litellm_core_utils.default_encoding  # noqa: F401 (so that tiktoken downloads nothing)
        from bespokelabs import curator as peer

        limits = {"max_requests_per_minute": 10**7, "max_tokens_per_minute": 10**10, "max_concurrent_requests": SLOTS}
        parameters = {"base_url": url, "api_key": "none", **limits}
        model = peer.LLM(model_name="gpt-4o-mini", backend="openai", backend_params=parameters)
        prompts = [f"{number} {PROMPT}" for number in range(count)]
        start = time.perf_counter()
        replies = model(prompts)
        seconds = time.perf_counter() - start
        assert len(getattr(replies, "dataset", replies)) == count
    return seconds


OWN = {"plain": plain, "teacher": teacher, "budget": budget}
PEERS = {"curator": curator, "distilabel": distilabel}


# ------------------------------------------------------------------------------------------ measuring


def measure(kind: str, count: int, python: str) -> dict[str, float]:
    """Run one kind in a new process with a new server; return seconds and CPU seconds."""
    with run_server() as url:
        command = [python, __file__, "--only", kind, "--requests", str(count), "--url", url]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=900)
    return json.loads(done.stdout.splitlines()[-1])


def only(kind: str, count: int, url: str) -> None:
    start = time.process_time()
    seconds = (OWN | PEERS)[kind](url, count)
    print(json.dumps({"seconds": seconds, "cpu": time.process_time() - start}))


def report(runs: dict[str, list[dict[str, float]]], count: int) -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':>10} {'requests/s':>11} {'min':>7} {'max':>7} {'CPU ms':>7} {'of plain':>8}")
    for kind, figures in runs.items():
        rates = [count / figure["seconds"] for figure in figures]
        ratios = [plain["seconds"] / own["seconds"] for plain, own in zip(runs["plain"], figures, strict=True)]
        cpu = 1000 * statistics.median(figure["cpu"] for figure in figures) / count
        least, median, most = min(rates), statistics.median(rates), max(rates)
        print(f"{kind:>10} {median:>11.0f} {least:>7.0f} {most:>7.0f} {cpu:>7.2f} {statistics.median(ratios):>8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", metavar="PYTHON", help="also measure bespokelabs-curator and distilabel")
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
