"""Compare the throughput of the service with that of its pool: ``python benchmarks/service.py [--seconds 60]``

Each client sends one job per request on a connection of its own to ``glotsmith serve --jobs 2``. The service and a pool
in this process, with the same number of jobs in flight, take turns, so that other load affects both. The programs are
those of ``soak.py``: distinct programs in several languages, half of them wrong, a tenth broken. The last lines are the
counts of statuses (429 is not an error) and of wrong verdicts, the resources of the service before and after, and the
ratio of both throughputs, which should be 0.8 or more.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
from soak import jobs

from glotsmith.records import Job, Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.process_tree import walk_tree
from glotsmith.verification import Verifier

AT_ONCE = 2
Made = Iterator[tuple[Job, str]]
Judge = Callable[[Job], Awaitable[str]]  #: returns the status of the verdict, or the HTTP error, such as ``HTTP 429``


class Client:
    """One connection, with little Python code: the client shares the processors with the service."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def judge(self, job: Job) -> str:
        """Send a job; return the status of its verdict."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        body = msgspec.json.encode(job)
        head = (
            f"POST /verify HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        )
        writer.write(head.encode() + b"\r\n\r\n" + body)
        header = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", header)
        content = await reader.readexactly(int(length[1]) if length else 0)
        status = header.split(b" ", 2)[1].decode()
        return msgspec.json.decode(content, type=Verdict).status if status == "200" else f"HTTP {status}"

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()


async def window(judges: list[Judge], made: Made, seconds: float, seen: Counter[str]) -> float:
    """Send jobs for a number of seconds; return the verdicts per second."""
    start, done = time.perf_counter(), 0

    async def client(judge: Judge) -> None:
        nonlocal done
        while time.perf_counter() - start < seconds:
            job, expect = next(made)
            status = await judge(job)
            seen[status if status.startswith("HTTP") else "right" if status == expect else f"WRONG {status}"] += 1
            done += not status.startswith("HTTP")

    await asyncio.gather(*map(client, judges))
    return done / (time.perf_counter() - start)


def resources(pid: int) -> str:
    """Return the resources of a process and its descendants, as text."""
    tree = list(walk_tree(pid))
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return f"{len(tree)} processes, {files} descriptors, {sum(p.memory_mb for p in tree):.0f} MB in total"


async def compare(address: str, pid: int, given: argparse.Namespace) -> int:
    host, port = address.removeprefix("http://").split(":")
    clients = [Client(host, int(port)) for _ in range(given.clients)]
    sandbox = open_sandbox(jobs=AT_ONCE)
    verifier = Verifier(sandbox)

    async def in_process(job: Job) -> str:
        return (await verifier.verify(job)).status

    served: list[Judge] = [c.judge for c in clients]
    pooled: list[Judge] = [in_process] * given.clients
    made = iter(jobs(given.languages, 200_000))
    sides = (served, Counter[str](), list[float]()), (pooled, Counter[str](), list[float]())
    for judges, _, _ in sides:
        await window(judges, made, given.window, Counter())  # starts compilers and workers
    before = resources(pid)
    for number in range(max(1, round(given.seconds / given.window))):
        for judges, seen, rates in sides if number % 2 else reversed(sides):
            rates.append(await window(judges, made, given.window, seen))
        print(f"service {sides[0][2][-1]:7.1f}/s  pool {sides[1][2][-1]:7.1f}/s  {resources(pid)}", flush=True)
    ratios = [a / b for a, b in zip(sides[0][2], sides[1][2], strict=True)]
    for client in clients:
        client.close()
    await asyncio.sleep(1)
    print(f"service: {dict(sides[0][1])}; pool: {dict(sides[1][1])}")
    print(f"the service at the start: {before}; at the end: {resources(pid)}")
    print(f"{given.clients} clients, {given.seconds:.0f} s each: ratio of throughputs {statistics.median(ratios):.2f}")
    await sandbox.close()
    return sum(
        count for seen in (sides[0][1], sides[1][1]) for s, count in seen.items() if s not in ("right", "HTTP 429")
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=["lua", "python", "ocaml", "r", "perl", "ruby", "php"])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60, help="of each side, in total")
    parser.add_argument("--window", type=float, default=5, help="seconds until the sides change")
    given = parser.parse_args()
    argv = [sys.executable, "-m", "glotsmith", "serve", "--port", "0", "--jobs", str(AT_ONCE), "--queue", "64"]
    with subprocess.Popen(
        argv, stderr=subprocess.PIPE, text=True, env={**os.environ, "GLOTSMITH_TOKEN": ""}
    ) as process:
        assert process.stderr is not None
        try:
            found = re.search(r"Serving at (\S+)", process.stderr.readline())
            return int(asyncio.run(compare(found[1] if found else "", process.pid, given)) > 0)
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
