"""``glotsmith show FOLDER`` for an evaluation: print figures, notes, failure classes and samples."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import typer
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from glotsmith.cli.app import err, out
from glotsmith.errors import UsageError, unknown_name
from glotsmith.evaluation import result_files
from glotsmith.evaluation.questions import EvaluationSample

_DETAIL = 300  #: largest number of characters of a verdict's detail in a table


def is_evaluation(folder: Path) -> bool:
    """Return whether a folder contains the results of an evaluation."""
    return (folder / result_files.SUMMARY).is_file()


def show_evaluation(folder: Path, question: str, status: str, limit: int, *, as_json: bool) -> None:
    """Print figures, notes and failure classes, or the samples of a question or status.

    Raises:
        UsageError: No sample has this question and status.

    """
    if question or status or as_json:
        _print_samples(folder, question, status, limit, as_json=as_json)
        return
    report = result_files.read_report(folder)
    columns, rows = result_files.figures_table(report.summary)
    figures = Table(*columns)
    for row in rows:
        figures.add_row(*row)
    out.print(figures)
    for note in (*(f"Note: {note}" for note in report.notes), *result_files.impossible_lines(report.summary)):
        out.print(note)
    classes = Table("benchmark", "language", "status", "samples", "for example")
    examples = {(_question_name(s), s.status): s for s in reversed([*result_files.read_samples(folder)])}
    for score in report.summary.scores:
        for name, count in Counter(score.statuses).most_common():
            first = next((s for (_, of), s in examples.items() if of == name and _is_of(s, score.language)), None)
            detail = first.detail or (first.verdict.detail if first.verdict else "") if first else ""
            shown = f"{first.question}: {detail[:_DETAIL]}".rstrip(": ") if first else ""
            classes.add_row(score.benchmark, score.language, name, str(count), Text(shown))
    out.print(classes)
    out.print("To show samples, give --status fail:wrong or the name of a question")


def _question_name(sample: EvaluationSample) -> str:
    return sample.question.rpartition("/")[2]


def _is_of(sample: EvaluationSample, language: str) -> bool:
    return language in sample.question.split("/") or (
        sample.verdict is not None and sample.verdict.language == language
    )


def _print_samples(folder: Path, question: str, status: str, limit: int, *, as_json: bool) -> None:
    found = [*_matching_samples(folder, question, status)]
    if not found:
        every = [*result_files.read_samples(folder)]
        known = sorted({s.status for s in every}) if status else list(dict.fromkeys(s.question for s in every))[:20]
        what = f"the evaluation has no sample of {question or 'any question'}"
        raise UsageError(unknown_name(f"{what} with status {status!r}" if status else what, status or question, known))
    for sample in islice(found, limit):
        if as_json:
            typer.echo(msgspec.json.encode(sample))
        else:
            _print_sample(sample)
    if len(found) > limit:
        (err if as_json else out).print(f"{limit} of {len(found)} shown; --limit N for more")


def _matching_samples(folder: Path, question: str, status: str) -> Iterator[EvaluationSample]:
    """Yield the samples with a status and a question. A part of an id, such as the problem or language, is enough."""
    for sample in result_files.read_samples(folder):
        is_wanted = not question or f"/{question}/" in f"/{sample.question}/"
        if is_wanted and status in ("", sample.status):
            yield sample


def _print_sample(sample: EvaluationSample) -> None:
    verdict, language = sample.verdict, sample.verdict.language if sample.verdict else "text"
    out.print(Text(f"{sample.question}, sample {sample.sample}: {sample.status}", style="bold"))
    out.print(Panel(Text(sample.completion or "empty"), title="completion"))
    if sample.code:
        out.print(Panel(Syntax(sample.code, language, word_wrap=True), title="program"))
    if detail := sample.detail or (verdict.detail if verdict else ""):
        out.print(Panel(Text(detail), title="detail"))
    for number, case in enumerate(verdict.cases if verdict else (), 1):
        if case.status != "pass":
            out.print(f"case {number}: {case.status} {case.actual}".rstrip())
