"""The report of runs, evaluations and trainings: one HTML file with all that their folders say about them."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

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
from glotsmith.report.row_details import ListedRow, describe
from glotsmith.report.row_exchanges import made_from, replies_about, sampling_about, with_first_step
from glotsmith.report.run_summary import Summary, summarize
from glotsmith.report.similar_items import similar_item
from glotsmith.report.training_entries import is_training, summarize_training
from glotsmith.run_folder import RunFolder
from glotsmith.write_aside import write_aside

_REPLIES = 12  #: prompts and replies of one row
_COPY_CHARACTERS = 1 << 20


def write_report(runs: Sequence[Path], target: Path, limits: ListLimits | None = None, version: str = "") -> Path:
    """Write the report of runs, finished or not, of evaluations and of trainings, and return its path.

    Args:
        runs: the folders.
        target: the HTML file.
        limits: how many rows the report lists.
        version: of the folders' content, for a page that a server keeps up to date; "" for a file.

    Raises:
        UsageError: a folder holds none of these, or its run has not started.
        InputError: a file of an evaluation or a training is malformed.
        StorageError: the file cannot be written.

    """
    titles = _titles(runs)
    try:
        with (
            write_aside(target) as draft,
            TemporaryFile("w+", encoding="ascii") as index,
            TemporaryFile("w+", encoding="ascii") as blocks,
        ):
            summaries = [
                _write_entry(run, title, index, blocks, f"r{number}", limits or ListLimits())
                for number, (run, title) in enumerate(zip(runs, titles, strict=True))
            ]
            if len(runs) > 1:
                _add_figures(runs, summaries)
            comparisons = compare_evaluations(runs, summaries)
            with draft.open("w", encoding="utf-8", newline="\n") as page:
                head = chain([_head(summaries, comparisons)], _copy(index))
                write_page(page, f"Report of {', '.join(titles)}", head, _copy(blocks), version)
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


def _titles(runs: Sequence[Path]) -> list[str]:
    """Return a name for each run: that of its folder, or its path if names repeat."""
    names = [printable(run.resolve().name) for run in runs]
    return names if len(set(names)) == len(names) else [printable(str(run)) for run in runs]


def _head(summaries: Sequence[Summary], comparisons: Sequence[Summary]) -> str:
    names = {row["language"] for summary in summaries for row in summary["languages"]} | {"python"}
    found = {
        "version": __version__,
        "runs": summaries,
        "comparisons": comparisons,
        "highlighting": highlighting_of(names),
    }
    return data_element("summary", found)


def _write_entry(folder: Path, title: str, index: IO[str], blocks: IO[str], prefix: str, limits: ListLimits) -> Summary:
    """Write the index and the details of the rows of a folder of any kind, and return its summary."""
    if is_evaluation(folder):
        return write_evaluation(folder, title, IndexWriter(index, f"{prefix}i"), BlockWriter(blocks, f"{prefix}b"))
    if is_training(folder):
        return summarize_training(folder, title) | {"index": IndexWriter(index, f"{prefix}i").finish()}
    return _write_run(folder, title, index, blocks, prefix, limits)


def _write_run(run: Path, title: str, index_file: IO[str], blocks: IO[str], prefix: str, limits: ListLimits) -> Summary:
    """Write the index and the details of the rows of a run, and return its summary."""
    with RunFolder.open(run) as folder:
        if not folder.ledger.steps:
            raise UsageError(f"{run}: cannot report on a run that has not started")
        groups = list(folder.ledger.groups.count_by_label(language_label))
        writer, index = BlockWriter(blocks, f"{prefix}b"), IndexWriter(index_file, f"{prefix}i")
        sampled = folder.ledger.sampling.steps()
        for row, taken in listed_rows(folder.ledger, groups, limits):
            listed, detail = describe(row, taken)
            if listed.status == "kept" and listed.step != folder.ledger.steps[-1]:
                listed = listed._replace(status="waiting")
            path = made_from(folder.ledger, row)
            if end := sampling_about(folder.ledger, path, sampled):
                listed, detail["sampling"] = listed._replace(stop=end.reason), end.sentence
            detail["path"] = with_first_step(path)
            detail["exchanges"] = _exchanges(folder, detail["path"], listed)
            if similar := similar_item(folder.ledger, row):
                detail["similar"] = similar
            index.add(listed, writer.add(detail))
        writer.close()
        return summarize(folder, title, groups) | {"index": index.finish()}


def _exchanges(folder: RunFolder, path: Sequence[tuple[str, str]], listed: ListedRow) -> list[dict[str, Any]]:
    """Return the requests about the items that a row was made from: of its own sample, if it has one."""
    found = replies_about(folder, [key for _, key in reversed(path)])
    last = path[-2][1] if len(path) > 1 else ""  # the input of the step that made the row
    shown = [
        {"call": e.call, "sample": e.sample, "prompt": e.prompt, "reply": reply}
        for e, reply in found
        if e.item != last or listed.status == "dropped" or e.sample == listed.sample
    ]
    return shown[:_REPLIES]


def _copy(file: IO[str]) -> Iterator[str]:
    """Yield the content of a file in pieces."""
    file.seek(0)
    while piece := file.read(_COPY_CHARACTERS):
        yield piece
