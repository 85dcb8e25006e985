"""The report of runs, evaluations and trainings: one HTML file with the content of their folders."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from glotsmith import __version__
from glotsmith.errors import StorageError, UsageError
from glotsmith.recipes.comparison import compute_figures
from glotsmith.recipes.item_languages import language_label
from glotsmith.records import printable
from glotsmith.report.blocks import BlockWriter, data_element
from glotsmith.report.evaluation_entries import compare_evaluations, is_evaluation, write_evaluation
from glotsmith.report.highlighting import highlighting_of
from glotsmith.report.html_page import write_page
from glotsmith.report.index_writer import IndexWriter
from glotsmith.report.listed_rows import ListLimits, listed_rows
from glotsmith.report.live_run import LiveRun
from glotsmith.report.row_entries import RowEntries
from glotsmith.report.run_counts import RunCounts
from glotsmith.report.run_summary import Summary, summarise_run
from glotsmith.report.training_entries import is_training, summarize_training
from glotsmith.run_folder import RunFolder
from glotsmith.write_aside import write_aside

_COPY_CHARACTERS = 1 << 20

LiveRuns = dict[Path, LiveRun]


def write_report(
    runs: Sequence[Path],
    target: Path,
    limits: ListLimits | None = None,
    version: str = "",
    live: LiveRuns | None = None,
) -> Path:
    """Write the report of runs, finished or not, of evaluations and of trainings, and return its path.

    Args:
        runs: The folders.
        target: The HTML file.
        limits: The numbers of rows that the report lists.
        version: The version of the folders' content, for a page that a server updates; "" for a file.
        live: The state that earlier pages have read of the runs, which is updated. The page then has no details of
            rows (``live_run.read_details`` returns them). None for a file, which has the details.

    Raises:
        UsageError: A folder is not a run, an evaluation or a training, or its run has not started.
        InputError: A file of an evaluation or a training is malformed.
        StorageError: The file cannot be written.

    """
    titles = _unique_titles(runs)
    try:
        with (
            write_aside(target) as draft,
            TemporaryFile("w+", encoding="ascii") as index,
            TemporaryFile("w+", encoding="ascii") as blocks,
        ):
            summaries = [
                _write_entry(run, title, index, blocks, f"r{number}", limits or ListLimits(), live)
                for number, (run, title) in enumerate(zip(runs, titles, strict=True))
            ]
            if len(runs) > 1:
                _add_figures(runs, summaries)
            comparisons = compare_evaluations(runs, summaries)
            with draft.open("w", encoding="utf-8", newline="\n") as page:
                head = chain([_summary_element(summaries, comparisons)], _read_pieces(index))
                write_page(page, f"Report of {', '.join(titles)}", head, _read_pieces(blocks), version)
    except OSError as error:
        raise StorageError(f"{target}: the report cannot be written: {error.strerror or error}") from error
    return target


def _add_figures(runs: Sequence[Path], summaries: Sequence[Summary]) -> None:
    """Add the figures of ``glotsmith compare`` to the summaries."""
    for run, summary in zip(runs, summaries, strict=True):
        if summary["type"] != "run":
            continue
        with RunFolder.open(run) as folder:
            found = compute_figures(summary["name"], summary["recipe"], folder.ledger)
        summary["figures"] = {"distinct": found.distinct, "pairs": found.pairs}


def _unique_titles(runs: Sequence[Path]) -> list[str]:
    """Return the names of the folders, or their paths if two folders have the same name."""
    names = [printable(run.resolve().name) for run in runs]
    return names if len(set(names)) == len(names) else [printable(str(run)) for run in runs]


def _summary_element(summaries: Sequence[Summary], comparisons: Sequence[Summary]) -> str:
    names = {row["language"] for summary in summaries for row in summary["languages"]} | {"python"}
    found = {
        "version": __version__,
        "runs": summaries,
        "comparisons": comparisons,
        "highlighting": highlighting_of(names),
    }
    return data_element("summary", found)


def _write_entry(
    folder: Path,
    title: str,
    index: IO[str],
    blocks: IO[str],
    prefix: str,
    limits: ListLimits,
    live: LiveRuns | None,
) -> Summary:
    """Write the index and the row details of a run, an evaluation or a training, and return its summary."""
    if is_evaluation(folder):
        return write_evaluation(folder, title, IndexWriter(index, f"{prefix}i"), BlockWriter(blocks, f"{prefix}b"))
    if is_training(folder):
        return summarize_training(folder, title) | {"index": IndexWriter(index, f"{prefix}i").finish()}
    if live is None:
        return _write_run(folder, title, index, blocks, prefix, limits)
    with _open_started_run(folder) as opened:
        return live.setdefault(folder, LiveRun(limits)).write(opened, title, index, f"{prefix}i")


def _write_run(run: Path, title: str, index_file: IO[str], blocks: IO[str], prefix: str, limits: ListLimits) -> Summary:
    """Write the index and the row details of a run, and return its summary."""
    with _open_started_run(run) as folder:
        ledger, entries = folder.ledger, RowEntries(folder)
        groups, counts = list(ledger.groups.count_by_label(language_label)), RunCounts(ledger.steps)
        writer, index = BlockWriter(blocks, f"{prefix}b"), IndexWriter(index_file, f"{prefix}i")
        for row, taken in listed_rows(ledger, groups, limits):
            listed, detail = entries.described(row, taken)
            index.add(listed, writer.add(detail))
        writer.close()
        counts.add_ledger(ledger)
        return summarise_run(folder, title, ledger.funnel(), groups, counts) | {"index": index.finish()}


@contextmanager
def _open_started_run(run: Path) -> Generator[RunFolder]:
    """Open a run that has started."""
    with RunFolder.open(run) as folder:
        if not folder.ledger.steps:
            raise UsageError(f"{run}: cannot report on a run that has not started")
        yield folder


def _read_pieces(file: IO[str]) -> Iterator[str]:
    """Yield the content of a file in pieces."""
    file.seek(0)
    while piece := file.read(_COPY_CHARACTERS):
        yield piece
