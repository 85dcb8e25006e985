"""``glotsmith reverify``: run the programs of datasets again, and write the rows that still pass their tests."""

import asyncio
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, BinaryIO, NamedTuple

import typer

from glotsmith.api.activity import Activity, reporting_activity, sandbox_load
from glotsmith.api.export import export
from glotsmith.api.folders import removed_if_refused
from glotsmith.api.run_rows import dataset_source
from glotsmith.api.verify import open_verifier
from glotsmith.cli import exported_rows
from glotsmith.cli.app import Isolation, Jobs, Stopped, app, err, out, print_error
from glotsmith.cli.job_files import RawRow, check_file, decode_row, jobs_of_row, read_raw_rows
from glotsmith.cli.progress.command_progress import JobProgress
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.cli.reverify_report import REPORT, Reverification, RowState, invalid_line, one_line, program_line
from glotsmith.cli.selected_rows import write_selected_rows
from glotsmith.cli.verify import in_order
from glotsmith.errors import GlotsmithError, UsageError
from glotsmith.folder_lock import LOCK, lock_folder
from glotsmith.records import Job, Verdict
from glotsmith.run_folder import CONFIG
from glotsmith.verification import Verifier
from glotsmith.write_aside import write_aside

_STORE = "verdicts.sqlite"  #: the verdicts by content hash, from which a stopped command resumes
_HELD_ROWS = "dataset"  #: folder of the rows whose programs still pass
_OTHERS = "others.jsonl"  #: the programs that did not pass, and the rows that cannot be read
_SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")  #: suffixes of the files with rows in a folder


class _DatasetFile(NamedTuple):
    """A file with rows."""

    path: Path
    place: Path  #: the path of the output file, relative to the folder of the rows that hold


class _Program(NamedTuple):
    """A program that is being judged, and its row."""

    file: _DatasetFile
    row: int  #: index of the row in its file
    number: int  #: line of the row, from 1
    made_with: str  #: version of the toolchain that the row states
    job: Job


@app.command()
def reverify(
    datasets: Annotated[
        list[Path], typer.Argument(help="Run folders, dataset folders, or files: JSONL, a JSON array, Parquet, .gz.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the rows that hold and the report.")],
    isolation: Isolation = "auto",
    jobs: Jobs = None,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Run the programs of datasets again, with the toolchains of this machine.

    Each row with a program and tests is judged as by 'glotsmith verify'. OUTPUT/dataset gets the rows that still hold,
    with unchanged bytes. OUTPUT/report.json counts the verdicts by language, by the version of the toolchain that the
    row was made with, and by the version here. OUTPUT/others.jsonl names each program that did not pass, with its
    first failed test. Rows without tests are counted and not written.

    The exit code is 0 if all rows with tests hold, 1 if some do not, 2 if a row cannot be read, and 3 if the machine
    gave no verdict on some (infra:…). The same command resumes after a stop, and judges the programs without a verdict
    again.

    Example: [bold]glotsmith reverify runs/demo -o reverified[/]
    """
    with TemporaryDirectory(prefix="glotsmith-reverify-") as scratch:
        files = _find_files(datasets, output, Path(scratch))
        with removed_if_refused(output, LOCK, _STORE):
            lock = lock_folder(output, "reverification", _STORE)
            try:
                with JobProgress(err, progress) as shown:
                    found = _judge(files, output, isolation, jobs, shown)
                _write(files, output, found)
            finally:
                os.close(lock)
    out.print(found.table())
    out.print(f"{found.sentence()}. {_output_sentence(output, found)}")
    if code := found.exit_code:
        raise typer.Exit(code)


def _find_files(datasets: Sequence[Path], output: Path, scratch: Path) -> list[_DatasetFile]:
    """Return the files of all datasets; if there are several, each dataset has its own folder.

    The rows of a run folder are exported to ``scratch``.

    Raises:
        UsageError: A dataset does not exist, or a folder has no files with rows.

    """
    found = list[_DatasetFile]()
    for number, dataset in enumerate(datasets, 1):
        prefix = Path(f"{number}-{dataset.resolve().name}") if len(datasets) > 1 else Path()
        source = dataset_source(dataset)
        if (source / CONFIG).is_file():
            source = export(source, output=scratch / str(number)).folder
        if source.is_dir():
            found += [_DatasetFile(file, prefix / file.relative_to(source)) for file in _files_of(source, output)]
        else:
            check_file(source)
            if not source.is_file():
                raise UsageError(f"{source} is not a file. reverify reads the rows twice: write them into a file first")
            found.append(_DatasetFile(source, prefix / source.name))
    return found


def _files_of(folder: Path, output: Path) -> list[Path]:
    """Return the files with rows below a folder, without hidden ones and those of the output."""
    names = (file.relative_to(folder) for file in folder.rglob("*") if file.name.endswith(_SUFFIXES))
    visible = (folder / name for name in sorted(names) if not any(part.startswith(".") for part in name.parts))
    files = [file for file in visible if not file.resolve().is_relative_to(output.resolve())]
    if not files:
        raise UsageError(f"{folder} has no {', '.join(_SUFFIXES)} files: give a dataset, an export or a run folder")
    return files


def _judge(
    files: Sequence[_DatasetFile], output: Path, isolation: str, workers: int | None, shown: JobProgress
) -> Reverification:
    """Judge all programs, and write a line about each that does not pass.

    Raises:
        UsageError: No row has tests.

    """
    found = Reverification()
    try:
        with write_aside(output / _OTHERS) as draft, draft.open("wb") as sink:
            shown.begin("programs", (), _count_programs(files))
            asyncio.run(
                _judge_files(
                    files, found, sink, open_verifier(isolation, workers=workers, cache=output / _STORE), shown
                )
            )
            if not found.groups:
                raise UsageError(_no_tests_message(files, found))
    except KeyboardInterrupt:
        count = found.groups.total()
        raise Stopped(f"Stopped: {count:,} programs have a verdict. The same command judges the others.") from None
    return found


async def _judge_files(
    files: Sequence[_DatasetFile],
    found: Reverification,
    sink: BinaryIO,
    opened: AbstractAsyncContextManager[Verifier],
    shown: JobProgress,
) -> None:
    taken = deque[_Program]()
    async with (
        opened as verifier,
        reporting_activity(lambda: Activity(sandbox=sandbox_load(verifier.sandbox)), shown.show_activity),
    ):
        async for verdict in in_order(_jobs(files, found, taken, sink), verifier):
            program = taken.popleft()
            shown.on_verdict("programs", verdict.status)
            state = found.add_verdict(program.file.place, program.row, program.made_with, verdict)
            if state is not RowState.HOLDS:
                sink.write(program_line(program.file.place, program.number, program.made_with, program.job, verdict))


def _jobs(
    files: Sequence[_DatasetFile], found: Reverification, taken: deque[_Program], sink: BinaryIO
) -> Iterator[Job]:
    """Yield the jobs of all rows, and add each to ``taken``; add all rows to ``found``, and invalid ones to a file."""
    for file in files:
        for row in read_raw_rows(file.path):
            index = found.add_row(file.place)
            programs = row if isinstance(row, Verdict) else _programs(file, index, row)
            if isinstance(programs, Verdict):
                _add_invalid(file, index, programs, found, sink)
                continue
            if not programs:
                found.set_state(file.place, index, RowState.UNTESTED)
            taken.extend(programs)
            yield from (program.job for program in programs)


def _count_programs(files: Sequence[_DatasetFile]) -> Iterator[_Program]:
    """Yield the programs of all rows, to count them."""
    for file in files:
        for row in read_raw_rows(file.path):
            programs = row if isinstance(row, Verdict) else _programs(file, 0, row)
            yield from () if isinstance(programs, Verdict) else programs


def _add_invalid(file: _DatasetFile, index: int, why: Verdict, found: Reverification, sink: BinaryIO) -> None:
    """Add a row that cannot be read, and print the reason if it is the first one."""
    if not found.count(RowState.INVALID):
        print_error(GlotsmithError(f"{file.path}, row {why.line}: {one_line(why.detail)}"))
    found.set_state(file.place, index, RowState.INVALID)
    sink.write(invalid_line(file.place, why))


def _programs(file: _DatasetFile, index: int, row: RawRow) -> list[_Program] | Verdict:
    """Return the programs of a row; none if it has no tests; a verdict if it cannot be read."""
    fields = decode_row(row)
    if isinstance(fields, Verdict):
        return fields
    jobs = list[Job]()
    for job in jobs_of_row(row):
        if isinstance(job, Verdict):
            return [] if _is_untested(fields) else job
        jobs.append(job)
    versions = exported_rows.toolchains(fields)
    return [_Program(file, index, row.number, version, job) for version, job in zip(versions, jobs, strict=True)]


def _is_untested(fields: dict[str, object]) -> bool:
    try:
        return exported_rows.is_row(fields) and not exported_rows.has_tests(fields)
    except GlotsmithError:
        return False


def _no_tests_message(files: Sequence[_DatasetFile], found: Reverification) -> str:
    names = ", ".join(str(file.path) for file in files[:3]) + (", …" if len(files) > 3 else "")
    if not found.files:
        return f"{names}: there are no rows"
    return (
        f"{names}: no row has a program and its tests; the formats jsonl, parquet and parallel of 'glotsmith export' "
        "have both"
    )


def _write(files: Sequence[_DatasetFile], output: Path, found: Reverification) -> None:
    """Write the rows that hold, in place of those of an earlier start, and the report."""
    shutil.rmtree(output / _HELD_ROWS, ignore_errors=True)
    with write_aside(output / _HELD_ROWS) as draft:
        draft.mkdir()
        for file in files:
            write_selected_rows(file.path, draft / file.place, found.held_rows(file.place))
    with write_aside(output / REPORT) as draft:
        draft.write_bytes(found.as_json())


def _output_sentence(output: Path, found: Reverification) -> str:
    others = sum(map(found.count, (RowState.CHANGED, RowState.OPEN, RowState.INVALID)))
    names = f"; {output / _OTHERS} names the others" if others else ""
    again = ". The same command judges the open ones again" if found.count(RowState.OPEN) else ""
    return f"{output / _HELD_ROWS} has the rows that hold{names}{again}."
