"""``glotsmith verify``: write a verdict for each job of a JSONL file."""

import asyncio
import errno
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer
from rich.table import Table

from glotsmith.api.activity import Activity, reporting_activity, sandbox_load
from glotsmith.api.program_services import ProgramServices, cluster_options, open_program_services
from glotsmith.cli.app import Executor, Isolation, Jobs, MixedToolchains, RayAddress, Stopped, app, err
from glotsmith.cli.job_files import check_file, read_jobs
from glotsmith.cli.progress.command_progress import JobProgress
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.cli.resumed_verdicts import VerdictFile
from glotsmith.counts import agreeing, counted
from glotsmith.errors import StorageError, UsageError
from glotsmith.languages import language_names, resolve_language
from glotsmith.records import Job, Verdict
from glotsmith.step import Verify

_NO_JOB = "infra:refused (no job)"
_LARGEST_IN_FLIGHT = 256  #: largest number of jobs in flight; more would only use memory


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="JSONL, one job in each line; - for standard input.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File for the verdicts, one in each line; - for stdout.")
    ] = Path("-"),
    isolation: Isolation = "auto",
    jobs: Jobs = None,
    executor: Executor = "local",
    ray_address: RayAddress = "",
    mixed_toolchains: MixedToolchains = False,
    form: Annotated[
        str,
        typer.Option(
            "--format", help="Format of a line: glotsmith (a job) or agnostics (the protocol of its executors)."
        ),
    ] = "glotsmith",
    language: Annotated[str, typer.Option(help="Language of the programs, for --format agnostics.")] = "",
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Judge programs against their tests.

    A line is a job: id, language, code, tests (Python asserts over literals), and optionally signature, entry_point,
    time_limit_s, load_limit_s, idle_limit_s, memory_limit_mb, output_limit_kb, file_limit_mb, tolerance,
    absolute_tolerance. After a case that reached a time limit the later ones are skipped, unless all_cases is true;
    with stop_at_failure also after a case that fails. Without time_limit_s, reference_s (CPU seconds of the Python
    original) determines it. Instead of tests, a job may have io, a list of stdin and stdout, or program, which is run
    verbatim. Verdicts have the order of the jobs. With --format agnostics each line is answered at once.

    Rows of a dataset and of exports that have programs with tests (jsonl, parquet, parallel) are jobs too. So are rows
    of other exports (trl-grpo, verl, openrlhf …) with the reply of a model as completion, response or messages. A line
    without a valid job gets the verdict infra:refused with its number; the other lines are judged, and the exit code is
    2. The exit code is 0 if every job has a verdict, also if programs fail.

    Each verdict is written at once. The same command with -o FILE resumes after a stop: it skips the jobs that have a
    verdict there, and refuses a file with verdicts of other jobs.

    Example: [bold]glotsmith verify jobs.jsonl -o verdicts.jsonl[/]
    """
    _check_output(output)
    cluster = cluster_options(executor, ray_address, mixed_toolchains=mixed_toolchains)
    if form == "agnostics":
        if cluster is not None:
            raise UsageError("--format agnostics needs --executor local")
        _answer_agnostics(file, output, language, isolation, jobs)
        return
    if form != "glotsmith":
        raise UsageError(f"the format {form!r} does not exist; choose glotsmith or agnostics")
    services = open_program_services(isolation, jobs, cluster, warn=err.print)
    judged, counts = VerdictFile(output), Counter[str]()
    stream = _CountedJobs(judged.skip_judged(read_jobs(file)), len(judged.verdicts))
    refused = [verdict for verdict in judged.verdicts if verdict.line][:1]
    counts.update(map(_status_label, judged.verdicts))
    try:
        judged.begin()
        with (
            nullcontext(sys.stdout.buffer) if str(output) == "-" else output.open("ab") as sink,
            JobProgress(err, _without_panel(progress, output)) as shown,
        ):
            shown.begin("programs", judged.verdicts, read_jobs(file) if file.is_file() else None)
            refused += asyncio.run(_verify(stream, sink, counts, judged, services, shown))
        judged.finish()
    except KeyboardInterrupt:
        raise Stopped(_stopped_message(counts.total(), stream, file, output, judged)) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise StorageError(_disk_full_message(counts.total(), output, judged)) from error
    finally:
        judged.close()
    err.print(_counts_table(counts) if counts else f"glotsmith: {file} contains no job")
    if refused:
        err.print(
            f"glotsmith: {counted(counts[_NO_JOB], 'line')} of {file} {agreeing(counts[_NO_JOB], 'contains')} no valid "
            f"job; the verdicts say why. Line {refused[0].line} is {refused[0].detail}",
        )
        raise typer.Exit(2)


def _without_panel(mode: ProgressMode, output: Path) -> ProgressMode:
    """Return the mode, or plain lines if the verdicts are printed on the same terminal."""
    on_terminal = str(output) == "-" and sys.stdout.isatty()
    return ProgressMode.plain if on_terminal and mode == ProgressMode.auto else mode


class _CountedJobs:
    """An iterator of jobs that counts the jobs read."""

    def __init__(self, jobs: Iterator[Job | Verdict], before: int) -> None:
        self.unread, self.count = jobs, before

    def __iter__(self) -> Iterator[Job | Verdict]:
        for job in self.unread:
            self.count += 1
            yield job


def _stopped_message(written: int, jobs: _CountedJobs, file: Path, output: Path, judged: VerdictFile) -> str:
    """Return a message with the number of judged jobs; a file is read to its end to count all jobs."""
    if file.is_file():
        jobs.count += sum(1 for _ in jobs.unread)
    of = counted(jobs.count, "job") + ("" if file.is_file() else " read so far")
    place = "on stdout" if str(output) == "-" else f"in {output}"
    then = "judges all of them again" if not judged.is_kept else "judges the others"
    return f"Stopped: {written} of {of} have a verdict {place}. The same command {then}."


def _disk_full_message(written: int, output: Path, judged: VerdictFile) -> str:
    then = "judges the others" if judged.is_kept else "judges all jobs again"
    place = "stdout" if str(output) == "-" else output
    return (
        f"{place}: the disk is full after {counted(written, 'verdict')}. "
        f"Free some space and run the command again: it {then}"
    )


def _check_output(output: Path) -> None:
    """Check that the output file contains only verdicts, so that no other file is overwritten.

    Raises:
        UsageError: The file contains something else.

    """
    if str(output) == "-" or not output.is_file() or not output.stat().st_size:
        return
    if VerdictFile(output).is_cut:
        return
    with output.open("rb") as lines:
        first = lines.readline()
    try:
        found = msgspec.json.decode(first)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict) or not {"status", "return_code", "result"} & found.keys():
        raise UsageError(f"{output} contains something other than verdicts: choose another file with -o")


def _answer_agnostics(file: Path, output: Path, language: str, isolation: str, workers: int | None) -> None:
    from glotsmith.cli.verify_agnostics import answer_lines

    if not language:
        raise UsageError(f"the programs need a language: --language NAME, one of {', '.join(language_names())}")
    language = resolve_language(language)
    check_file(file)
    with (
        nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as source,
        nullcontext(sys.stdout.buffer) if str(output) == "-" else output.open("wb") as sink,
    ):
        asyncio.run(answer_lines(source, sink, language, isolation, workers))


async def _verify(
    jobs: Iterable[Job | Verdict],
    sink: BinaryIO,
    counts: Counter[str],
    judged: VerdictFile,
    services: AbstractAsyncContextManager[ProgramServices],
    shown: JobProgress,
) -> list[Verdict]:
    """Write each verdict at once and count its status; return the first verdict on a line without a valid job."""
    refused = list[Verdict]()
    async with services as programs:
        verifier = programs.verifier()
        taken = deque[Job | Verdict]()
        async with reporting_activity(lambda: Activity(sandbox=sandbox_load(programs.sandbox)), shown.show_activity):
            async for verdict in in_order(_record_taken(jobs, taken), verifier):
                sink.write(msgspec.json.encode(verdict) + b"\n")
                sink.flush()
                judged.write_hash(taken.popleft())
                counts[_status_label(verdict)] += 1
                shown.on_verdict("programs", verdict.status)
                if verdict.line and not refused:
                    refused.append(verdict)
    return refused


def _status_label(verdict: Verdict) -> str:
    return _NO_JOB if verdict.line else verdict.status


def _record_taken(jobs: Iterable[Job | Verdict], taken: deque[Job | Verdict]) -> Iterator[Job | Verdict]:
    """Yield the jobs, and add each to ``taken``."""
    for job in jobs:
        taken.append(job)
        yield job


async def in_order(jobs: Iterable[Job | Verdict], verifier: Verify) -> AsyncIterator[Verdict]:
    """Yield verdicts in the order of the jobs; up to 256 jobs are in flight."""
    running = deque[asyncio.Task[Verdict]]()
    try:
        for job in jobs:
            running.append(asyncio.create_task(_verify_row(verifier, job)))
            if len(running) >= _LARGEST_IN_FLIGHT:
                yield await running.popleft()
        while running:
            yield await running.popleft()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)  # before the caller closes the sandbox


async def _verify_row(verifier: Verify, job: Job | Verdict) -> Verdict:
    from glotsmith.verification.verifier import verify_one

    return job if isinstance(job, Verdict) else await verify_one(verifier, job)


def _counts_table(counts: Counter[str]) -> Table:
    table = Table("verdict", "programs")
    for status, count in sorted(counts.items()):
        table.add_row(status, str(count))
    return table
