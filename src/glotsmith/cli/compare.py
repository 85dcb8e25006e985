"""``glotsmith compare``: print runs side by side, or paired differences of evaluations."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from glotsmith.cli.app import app, out
from glotsmith.counts import counted
from glotsmith.errors import UsageError
from glotsmith.run_folder import RunFolder

if TYPE_CHECKING:
    from glotsmith.evaluation.paired_difference import EvaluationComparison, PairedDifference
    from glotsmith.recipes.comparison import RunFigures

_SHOWN = 6  #: failure classes and drop reasons in the table; ``--json`` prints all


@app.command()
def compare(
    folders: Annotated[
        list[Path], typer.Argument(help="Run folders of any recipe, finished or not, or folders of evaluations.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each run, or for each evaluation after the first.")
    ] = False,
) -> None:
    """Compare runs, or evaluations of the same questions.

    For runs, print yield, distinct problems, languages, cost per row and failure classes. The cost of replies from a
    cache is listed separately from the cost that the run paid.

    For evaluations, the first one is the baseline. The differences of pass@k and of the failure classes are paired by
    problem. Their intervals are bootstrapped over problems.

    Examples:

    [bold]glotsmith compare runs/memory-on runs/memory-off[/]

    [bold]glotsmith compare runs/untrained runs/trained[/]  (folders of glotsmith evaluate)
    """
    if _compare_evaluations(folders, as_json=as_json):
        return
    _compare_runs(folders, as_json=as_json)


def _compare_runs(runs: Sequence[Path], *, as_json: bool) -> None:
    found = [_figures(run) for run in runs]
    if as_json:
        for each in found:
            ratios = {"tokens_per_row": each.tokens_per_row, "cost_per_row": each.cost_per_row}
            typer.echo(msgspec.json.encode(_all_fields(each) | ratios))
        return
    table = Table("", *(each.run for each in found))
    for name, cells in _table_rows(found):
        table.add_row(name, *cells)
    out.print(table)


def _figures(run: Path) -> "RunFigures":
    from glotsmith.recipes.comparison import compute_figures

    with RunFolder.open(run) as folder:
        if not folder.ledger.steps:
            raise UsageError(f"{run}: cannot compare a run that has not started")
        return compute_figures(str(run), folder.config["recipe"], folder.ledger)


def _all_fields(each: "RunFigures") -> dict[str, object]:
    """Return all fields, including those with default values, which ``Record`` omits."""
    return {name: getattr(each, name) for name in each.__struct_fields__}


def _table_rows(found: "list[RunFigures]") -> list[tuple[str, list[str]]]:
    """Return the rows of the table: a name, and a cell for each run."""
    return [
        ("recipe", [e.recipe if e.finished else f"{e.recipe} (not finished)" for e in found]),
        ("taken", [f"{e.taken:,}" for e in found]),
        ("rows", [f"{e.rows:,}" for e in found]),
        ("original pairs", [f"{e.originals:,}" for e in found]),
        ("rows per 100 taken", [f"{100 * e.rows / e.taken:.1f}" if e.taken else "–" for e in found]),
        ("problems", [f"{e.problems:,}" for e in found]),
        ("distinct problems (clusters)", [f"{e.distinct:,}" for e in found]),
        ("languages", [_format_counts(e.languages, len(e.languages)) for e in found]),
        ("preference pairs", [f"{e.pairs:,}" for e in found]),
        ("tokens", [f"{e.tokens:,}" for e in found]),
        ("tokens per row", [f"{e.tokens_per_row:,.0f}" if e.rows else "–" for e in found]),
        ("of these, from a cache", ["not known" if e.cached_tokens is None else f"{e.cached_tokens:,}" for e in found]),
        ("cost paid in this run, US $", [_paid_cost(e) for e in found]),
        ("cost of replies from a cache, US $", [_cached_cost(e) for e in found]),
        ("cost per row, both, US $", [_cost_per_row(e) for e in found]),
        ("failing programs", [_format_counts(e.failures, _SHOWN) for e in found]),
        ("dropped because", [_format_counts(e.reasons, _SHOWN) for e in found]),
    ]


def _paid_cost(each: "RunFigures") -> str:
    """Return the cost that a run paid. An unknown price does not count as 0."""
    if not each.unpriced:
        return f"{each.cost:.4f}"
    known = f"{each.cost:.4f} and " if each.unpriced < each.requests else ""
    return f"{known}{counted(each.unpriced, 'request')} of unknown price"


def _cost_per_row(each: "RunFigures") -> str:
    return "not known" if each.unpriced else f"{each.cost_per_row:.6f}" if each.rows else "–"


def _cached_cost(each: "RunFigures") -> str:
    return "not known" if each.cached_cost is None else f"{each.cached_cost:.4f}"


def _format_counts(counts: dict[str, int], most: int) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:most]]
    return "\n".join([*shown, *(["…"] if len(counts) > most else [])]) or "–"


def _compare_evaluations(folders: Sequence[Path], *, as_json: bool) -> bool:
    """Compare each evaluation with the first one; return whether the folders are evaluations.

    Raises:
        UsageError: Only some of the folders are evaluations, only one is given, or they have no common question.
        InputError: A file of an evaluation is malformed.

    """
    from glotsmith.evaluation import paired_difference
    from glotsmith.evaluation.result_files import SUMMARY

    are_evaluations = [(folder / SUMMARY).is_file() for folder in folders]
    if not any(are_evaluations):
        return False
    if not all(are_evaluations):
        other = folders[are_evaluations.index(False)]
        raise UsageError(
            f"{other} is not a finished evaluation, but {folders[are_evaluations.index(True)]} is one. "
            "Compare evaluations with evaluations, and runs with runs"
        )
    if len(folders) < 2:
        raise UsageError(f"only one evaluation is given, {folders[0]}. Give the baseline first, then the others")
    for found in paired_difference.compare(folders):
        if as_json:
            typer.echo(msgspec.json.encode(found))
        else:
            _print_comparison(found)
    return True


def _print_comparison(found: "EvaluationComparison") -> None:
    out.print(f"Baseline: {found.baseline}\nOther:    {found.other}")
    for option, (one, two) in found.settings.items():
        out.print(f"  {option}: {one} → {two}", markup=False)
    table = Table(
        *("benchmark", "language", "figure", "baseline", "other", f"difference ({found.confidence:.0%})", "problems")
    )
    for row in found.differences:
        table.add_row(row.benchmark, row.language, row.figure, *_difference_cells(row))
    out.print(table)
    out.print("Differences are differences of shares of the samples, in percentage points, paired by problem.")
    for count, name in ((found.only_baseline, "the baseline"), (found.only_other, "the other evaluation")):
        if count:
            out.print(f"{counted(count, 'question')} with a verdict in {name} only: not compared.")


def _difference_cells(row: "PairedDifference") -> list[str]:
    difference = f"{100 * row.difference:+.1f} ({100 * row.low:+.1f} – {100 * row.high:+.1f})"
    return [f"{row.baseline:.1%}", f"{row.other:.1%}", difference, str(row.problems)]
