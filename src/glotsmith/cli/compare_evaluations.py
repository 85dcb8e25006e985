"""``glotsmith compare`` for evaluations: paired differences as tables or as JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer
from rich.table import Table

from glotsmith.cli.app import out
from glotsmith.counts import counted
from glotsmith.errors import UsageError

if TYPE_CHECKING:
    from glotsmith.evaluation.paired_difference import EvaluationComparison, PairedDifference


def compare_evaluations(folders: Sequence[Path], *, as_json: bool) -> bool:
    """Compare each evaluation with the first one; return whether the folders are evaluations.

    Raises:
        UsageError: only some of the folders are evaluations, there is only one, or they have no question in common.
        InputError: a file of an evaluation is malformed.

    """
    from glotsmith.evaluation.paired_difference import compare
    from glotsmith.evaluation.result_files import SUMMARY

    are_evaluations = [(folder / SUMMARY).is_file() for folder in folders]
    if not any(are_evaluations):
        return False
    if not all(are_evaluations):
        other = folders[are_evaluations.index(False)]
        raise UsageError(
            f"{other} is not a finished evaluation, and {folders[are_evaluations.index(True)]} is one. "
            "Compare evaluations with evaluations, and runs with runs"
        )
    if len(folders) < 2:
        raise UsageError(f"Only one evaluation is given, {folders[0]}. Give the baseline first, then the others")
    for found in compare(folders):
        if as_json:
            typer.echo(msgspec.json.encode(found))
        else:
            _print(found)
    return True


def _print(found: "EvaluationComparison") -> None:
    out.print(f"Baseline: {found.baseline}\nOther:    {found.other}")
    for option, (one, two) in found.settings.items():
        out.print(f"  {option}: {one} → {two}", markup=False)
    table = Table(
        *("benchmark", "language", "figure", "baseline", "other", f"difference ({found.confidence:.0%})", "problems")
    )
    for row in found.differences:
        table.add_row(row.benchmark, row.language, row.figure, *_cells(row))
    out.print(table)
    out.print("Differences are in percentage points, of shares of the samples, paired by problem.")
    for count, name in ((found.only_baseline, "the baseline"), (found.only_other, "the other evaluation")):
        if count:
            out.print(f"{counted(count, 'question')} with a verdict in {name} only: not compared.")


def _cells(row: "PairedDifference") -> list[str]:
    difference = f"{100 * row.difference:+.1f} ({100 * row.low:+.1f} – {100 * row.high:+.1f})"
    return [f"{row.baseline:.1%}", f"{row.other:.1%}", difference, str(row.problems)]
