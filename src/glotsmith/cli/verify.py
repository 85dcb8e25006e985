"""``glotsmith verify``: a verdict on each line of a JSONL file."""

import asyncio
import sys
from codecs import BOM_UTF8
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer
from rich.table import Table

from glotsmith.cli.app import Isolation, Jobs, app, err
from glotsmith.errors import InputError, UsageError
from glotsmith.languages import names
from glotsmith.records import Job, Verdict
from glotsmith.step import Verify

_MANY = 256  #: jobs in flight; more only costs memory


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="JSONL, one job a line; - for standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where verdicts go, one a line; - for stdout.")] = Path(
        "-"
    ),
    isolation: Isolation = "auto",
    jobs: Jobs = None,
    form: Annotated[
        str, typer.Option("--format", help="What a line is: glotsmith, a job; agnostics, its executors' protocol.")
    ] = "glotsmith",
    language: Annotated[str, typer.Option(help="With --format agnostics, whose lines do not say it.")] = "",
) -> None:
    """Judge programs against their tests.

    A line is a job: id, language, code, tests (Python asserts over literals), and optionally signature, entry_point,
    time_limit_s, memory_limit_mb, output_limit_kb, file_limit_mb, tolerance,
    absolute_tolerance. Instead of tests: io, a list of stdin and
    stdout; or program, which is run verbatim. Verdicts come in the order of the jobs. With --format agnostics each line
    is answered as it comes.

    Example: [bold]glotsmith verify jobs.jsonl -o verdicts.jsonl[/]
    """
    if form == "agnostics":
        _converse(file, output, language, isolation, jobs)
        return
    if form != "glotsmith":
        raise UsageError(f"there is no format {form!r}; choose from glotsmith, agnostics")
    stream = read(file)
    with nullcontext(sys.stdout.buffer) if str(output) == "-" else output.open("wb") as sink:
        counts = asyncio.run(_verify(stream(), sink, isolation, jobs))
        sink.flush()
    err.print(_table(counts))


def _converse(file: Path, output: Path, language: str, isolation: str, workers: int | None) -> None:
    from glotsmith.cli.converse import converse

    if language not in names():
        raise UsageError(f"name the programs' language by --language; there are: {', '.join(names())}")
    with (
        nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as source,
        nullcontext(sys.stdout.buffer) if str(output) == "-" else output.open("wb") as sink,
    ):
        asyncio.run(converse(source, sink, language, isolation, workers))


def read(file: Path) -> Callable[[], Iterator[Job]]:
    """Check all jobs of a file before any runs, and return what reads them one by one.

    Raises:
        InputError: a line is malformed; named by file and line.

    """
    if str(file) == "-" or file.is_fifo() or file.is_char_device():  # what can be read but once is held
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as lines:
            held = list(_jobs("standard input" if str(file) == "-" else str(file), lines))
        return lambda: iter(held)
    if not file.is_file():
        raise UsageError(f"{file} is no file. Give a JSONL file with one job a line, or - for standard input")

    def stream() -> Iterator[Job]:
        with file.open("rb") as lines:
            yield from _jobs(str(file), lines)

    for _ in stream():
        pass
    return stream


def _jobs(name: str, lines: Iterable[bytes]) -> Iterator[Job]:
    decoder = msgspec.json.Decoder(Job)
    for number, marked in enumerate(lines, 1):
        line = marked.removeprefix(BOM_UTF8)
        if not line.strip():
            continue
        try:
            job = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError.at(name, number, f"not a job: {error}. See 'glotsmith verify --help'") from error
        if job.language not in names():
            known = ", ".join(names())
            raise InputError.at(name, number, f"no language is named {job.language!r}; there are: {known}")
        if not (job.tests or job.io or job.program):
            raise InputError.at(name, number, "the job has none of tests, io, program, so nothing could be judged")
        yield job


async def _verify(jobs: Iterable[Job], sink: BinaryIO, isolation: str, workers: int | None) -> Counter[str]:
    from glotsmith.sandbox import open_sandbox
    from glotsmith.verification import Verifier

    sandbox, counts = open_sandbox(isolation, workers), Counter[str]()
    try:
        verifier = Verifier(sandbox)
        async for verdict in in_order(jobs, verifier):
            sink.write(msgspec.json.encode(verdict) + b"\n")
            counts[verdict.status] += 1
    finally:
        await sandbox.close()
    return counts


async def in_order(jobs: Iterable[Job], verifier: Verify) -> AsyncIterator[Verdict]:
    """Yield verdicts in the order of the jobs while up to 256 are in flight."""
    running = deque[asyncio.Task[Verdict]]()
    try:
        for job in jobs:
            running.append(asyncio.create_task(_one(verifier, job)))
            if len(running) >= _MANY:
                yield await running.popleft()
        while running:
            yield await running.popleft()
    finally:
        for task in running:
            task.cancel()


async def _one(verifier: Verify, job: Job) -> Verdict:
    return await verifier.verify(job)


def _table(counts: Counter[str]) -> Table:
    table = Table("verdict", "programs")
    for status, count in sorted(counts.items()):
        table.add_row(status, str(count))
    return table
