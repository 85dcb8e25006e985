"""Compare the ledger of one run of synthetic steps with those of the same run on clusters and in merged shards.

    python benchmarks/ledger_bytes.py [--items 100000] [--kinds local ray-1 ray-2 ray-4 shards-8]

The run has eight steps without teacher: a source of generated Lua programs, a filter, a step that makes up to two
programs of one, a verification of every program, deduplication, and three steps that pass items on. A program needs
about two milliseconds, so that a run of 100,000 items takes minutes. The kinds ``ray-N`` verify the programs on a
cluster of N nodes on this machine; ``shards-N`` merges N shards.

Each kind is a process of its own. The hash is that of all rows of the ledger, in the order of the run. The exit code is
1 if it differs between the kinds.
"""

import argparse
import asyncio
import hashlib
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path
from typing import Any

from cluster_bytes import ray_cluster

from glotsmith.api.program_services import cluster_options, open_program_services
from glotsmith.drop_reasons import Reason
from glotsmith.execution.base import NoProgress
from glotsmith.execution.merge import LedgerMerge
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.languages.lexer import CommentSyntax
from glotsmith.ledger import Ledger
from glotsmith.recipes.inverse_instruct.selection import DeduplicateSnippets
from glotsmith.recipes.shards import steps_of_shard
from glotsmith.records import Job, Origin, Snippet, content_hash
from glotsmith.shard import Shard
from glotsmith.step import ItemStep, Kept, Result, SourceStep, Step, Verify, drop, keep

KINDS = ("local", "ray-1", "ray-2", "ray-4", "shards-8")
ROWS = """SELECT s.name, i.key, i.parent, i.ordinal, i.position, i.status, i.reason, i.detail, p.data
FROM item_rows AS i JOIN steps AS s ON s.place = i.step LEFT JOIN payloads AS p ON p.id = i.payload
ORDER BY i.step, i.position, i.ordinal"""


def number_of(*parts: object, below: int) -> int:
    """Return a number that follows from the parts."""
    return int(content_hash(*map(str, parts))[:8], 16) % below


def snippet(code: str) -> Snippet:
    """Return a Lua program as an item."""
    return Snippet(id=content_hash(code), language="lua", code=code, origin=Origin(source="benchmark", path="p"))


def program(number: int) -> str:
    """Return a Lua function; one of five resembles an earlier one, and one of nine gives a wrong result."""
    theme = number - number_of("near", number, below=50) if number_of("copy", number, below=5) == 0 else number
    names = [f"v{number_of(theme, place, below=10**6)}" for place in range(12)]
    fields = ", ".join(f"{name} = {number_of(theme, name, below=10**6)}" for name in names)  # few words are in others
    wrong = " + 1" if number_of("wrong", number, below=9) == 0 else ""
    return f"function f(x)\n  local t = {{{fields}, last = {number}}}\n  return x{wrong}\nend\n"


class Source(SourceStep[Snippet]):
    """Generates programs."""

    name, output = "source", Snippet

    def __init__(self, count: int) -> None:
        self._count = count

    async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Snippet]]]:
        """Yield ``count`` units of one program each."""
        for number in range(self._count):
            item = snippet(program(number))
            yield f"unit {number}", keep(item.id, item)


class Filter(ItemStep[Snippet, Snippet]):
    """Drops one of ten items."""

    name, output = "filter", Snippet

    async def run(self, key: str, item: Snippet) -> Result[Snippet]:
        """Decide by the key."""
        return drop(Reason.TRIVIAL, "short") if number_of("filter", key, below=10) == 0 else keep(key, item)


class Split(ItemStep[Snippet, Snippet]):
    """Makes a second program of one of ten items."""

    name, output = "split", Snippet

    async def run(self, key: str, item: Snippet) -> Result[Snippet]:
        """Make one or two programs."""
        copies = 2 if number_of("split", key, below=10) == 0 else 1
        return Result(kept=tuple(Kept(f"{key}:{n}", snippet(f"{item.code}-- {n}\n")) for n in range(copies)))


class VerifyProgram(ItemStep[Snippet, Snippet]):
    """Runs each program, on the cluster if there is one."""

    name, output = "verify", Snippet

    def __init__(self, verifier: Verify | None, in_flight: int) -> None:
        self._verifier, self.concurrency = verifier, max(in_flight, 16)

    async def run(self, key: str, item: Snippet) -> Result[Snippet]:
        """Keep a program that passes."""
        assert self._verifier, "a merge runs no program"
        job = Job(id=item.id, language="lua", code=item.code, tests=("assert f(3) == 3",))
        verdict = await self._verifier.verify(job)
        return keep(key, item) if verdict.passed else drop(Reason.FAILED_VERIFICATION, verdict.status)


class PassOn(ItemStep[Snippet, Snippet]):
    """Passes an item on."""

    output = Snippet

    def __init__(self, name: str) -> None:
        self.name = name  # pyright: ignore[reportAttributeAccessIssue]

    async def run(self, key: str, item: Snippet) -> Result[Snippet]:
        """Keep the item."""
        return keep(key, item)


def make_steps(items: int, verifier: Verify | None = None, in_flight: int = 0) -> list[Step[Any, Any]]:
    """Return the eight steps."""
    deduplicate = DeduplicateSnippets({"lua": CommentSyntax(line=("--",))}, within=0.6, across=0.6)
    verify = VerifyProgram(verifier, in_flight)
    return [Source(items), Filter(), Split(), verify, deduplicate, *(PassOn(name) for name in ("a", "b", "dataset"))]


async def run_steps(
    file: Path, items: int, executor: str = "local", address: str = "", shard: Shard | None = None
) -> None:
    """Run the steps, or those of one shard, with their programs on this machine or on a cluster."""
    async with AsyncExitStack() as stack:
        options = cluster_options(executor, address)
        services = await stack.enter_async_context(open_program_services("auto", None, options, ["lua"]))
        ledger = stack.enter_context(closing(Ledger(file)))
        steps = make_steps(items, services.verifier(), services.items_in_flight)
        chosen = steps_of_shard(steps, shard, "synthetic") if shard else steps
        if not await PipelineRunner().run(chosen, ledger, NoProgress()):
            raise SystemExit("The run did not finish.")


def make_shards(file: Path, items: int, total: int) -> None:
    """Run all shards one after the other, and merge them."""
    parts = [file.with_suffix(f".{number}") for number in range(1, total + 1)]
    for number, part in enumerate(parts, 1):
        asyncio.run(run_steps(part, items, shard=Shard(number, total)))
    with ExitStack() as stack:
        shards = [stack.enter_context(closing(Ledger(part, read_only=True))) for part in parts]
        ledger = stack.enter_context(closing(Ledger(file)))
        if not asyncio.run(LedgerMerge(shards, make_steps(items), ledger, NoProgress()).run()):
            raise SystemExit("The merge did not finish.")


def make(kind: str, file: Path, items: int) -> None:
    """Make the ledger in one way."""
    name, _, number = kind.partition("-")
    if name == "local":
        asyncio.run(run_steps(file, items))
    elif name == "shards":
        make_shards(file, items, int(number))
    else:
        with ray_cluster(int(number)) as cluster:
            asyncio.run(run_steps(file, items, "ray", cluster.address))


def digest(file: Path) -> tuple[int, int, str]:
    """Return the number of rows of a ledger, that of the last step, and the hash of all rows."""
    found, rows, last = hashlib.sha256(), 0, 0
    with closing(sqlite3.connect(file)) as connection:
        for row in connection.execute(ROWS):
            found.update(f"{row}\n".encode())
            rows, last = rows + 1, last + (row[0] == "dataset")
    return rows, last, found.hexdigest()[:16]


def compare(kinds: Sequence[str], items: int) -> bool:
    """Print a line for each kind; return whether all ledgers are equal."""
    hashes = set[str]()
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            file, start = Path(folder) / "ledger.sqlite", time.perf_counter()
            subprocess.run([sys.executable, __file__, "--only", kind, str(file), "--items", str(items)], check=True)
            seconds = time.perf_counter() - start
            rows, last, hashed = digest(file)
        hashes.add(hashed)
        print(f"{kind:10}{rows:9} rows {last:8} in the last step  {hashed}  {seconds:7.1f} s", flush=True)
    return len(hashes) == 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--only", nargs=2, metavar=("KIND", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        make(options.only[0], Path(options.only[1]), options.items)
    elif not compare(options.kinds, options.items):
        raise SystemExit("The ledgers differ.")


if __name__ == "__main__":
    main()
