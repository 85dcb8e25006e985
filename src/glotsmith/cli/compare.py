"""``glotsmith compare``: runs side by side, or evaluations by paired differences."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from glotsmith.cli.app import app, out
from glotsmith.cli.compare_evaluations import compare_evaluations
from glotsmith.errors import UsageError
from glotsmith.run_folder import RunFolder

if TYPE_CHECKING:
    from glotsmith.recipes.comparison import RunFigures

_SHOWN = 6  #: failure classes and reasons in the table; ``--json`` has all


@app.command()
def compare(
    folders: Annotated[
        list[Path], typer.Argument(help="Run folders of any recipes, finished or not; or folders of evaluations.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each run, or for each evaluation after the first.")
    ] = False,
) -> None:
    """Compare runs, or evaluations of the same questions.

    Runs: yield, distinct problems, languages, cost of a row, failure classes. The cost of replies from a cache is
    stated beside the cost that the run paid.

    Evaluations: the first is the baseline. The differences of pass@k and of the failure classes are paired by problem.
    Their intervals are bootstrapped over problems.

    Examples:

    [bold]glotsmith compare runs/memory-on runs/memory-off[/]

    [bold]glotsmith compare runs/untrained runs/trained[/]  (folders of glotsmith evaluate)
    """
    if compare_evaluations(folders, as_json=as_json):
        return
    _compare_runs(folders, as_json=as_json)


def _compare_runs(runs: Sequence[Path], *, as_json: bool) -> None:
    found = [_figures(run) for run in runs]
    if as_json:
        for each in found:
            ratios = {"tokens_per_row": each.tokens_per_row, "cost_per_row": each.cost_per_row}
            typer.echo(msgspec.json.encode(_every(each) | ratios))
        return
    table = Table("", *(each.run for each in found))
    for name, cells in _lines(found):
        table.add_row(name, *cells)
    out.print(table)


def _figures(run: Path) -> "RunFigures":
    from glotsmith.recipes.comparison import compute_figures

    with RunFolder.open(run) as folder:
        if not folder.ledger.steps:
            raise UsageError(f"{run}: the run has not begun, so there is nothing to compare")
        return compute_figures(str(run), folder.config["recipe"], folder.ledger)


def _every(each: "RunFigures") -> dict[str, object]:
    """Return all fields, also those that have their default (which ``Record`` leaves out)."""
    return {name: getattr(each, name) for name in each.__struct_fields__}


def _lines(found: "list[RunFigures]") -> list[tuple[str, list[str]]]:
    """Return the table's rows: a name and a cell for each run."""
    return [
        ("recipe", [e.recipe if e.finished else f"{e.recipe} (not finished)" for e in found]),
        ("taken", [f"{e.taken:,}" for e in found]),
        ("rows", [f"{e.rows:,}" for e in found]),
        ("original pairs beside them", [f"{e.originals:,}" for e in found]),
        ("rows per 100 taken", [f"{100 * e.rows / e.taken:.1f}" if e.taken else "–" for e in found]),
        ("problems", [f"{e.problems:,}" for e in found]),
        ("distinct problems (clusters)", [f"{e.distinct:,}" for e in found]),
        ("languages", [_counts(e.languages, len(e.languages)) for e in found]),
        ("preference pairs", [f"{e.pairs:,}" for e in found]),
        ("tokens", [f"{e.tokens:,}" for e in found]),
        ("tokens per row", [f"{e.tokens_per_row:,.0f}" if e.rows else "–" for e in found]),
        ("of these, from a cache", ["not known" if e.cached_tokens is None else f"{e.cached_tokens:,}" for e in found]),
        ("cost paid in this run, US $", [f"{e.cost:.4f}" for e in found]),
        ("cost of replies from a cache, US $", [_cached_cost(e) for e in found]),
        ("cost per row, both, US $", [f"{e.cost_per_row:.6f}" if e.rows else "–" for e in found]),
        ("failing programs", [_counts(e.failures, _SHOWN) for e in found]),
        ("dropped because", [_counts(e.reasons, _SHOWN) for e in found]),
    ]


def _cached_cost(each: "RunFigures") -> str:
    return "not known" if each.cached_cost is None else f"{each.cached_cost:.4f}"


def _counts(counts: dict[str, int], most: int) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:most]]
    return "\n".join([*shown, *(["…"] if len(counts) > most else [])]) or "–"
