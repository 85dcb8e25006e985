"""``glotsmith report``: write one HTML file about runs, evaluations and trainings."""

from pathlib import Path
from typing import Annotated

import typer

from glotsmith.cli.app import app, err, out
from glotsmith.errors import UsageError
from glotsmith.report.listed_rows import EXAMPLES, ROWS


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, of evaluations and of trainings.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The HTML file; default: report.html in the folder of the only run."),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Maximum number of dataset rows of a run in the file.")] = ROWS,
    examples: Annotated[
        int, typer.Option(min=1, help="Maximum number of dropped items for each step, drop reason and language.")
    ] = EXAMPLES,
    everything: Annotated[bool, typer.Option("--all", help="List all rows and all dropped items.")] = False,
) -> None:
    """Write a report of runs, evaluations and trainings: one HTML file.

    For a run, it shows the funnel, the rows and the dropped items; for an evaluation, pass@k with intervals and every
    completion with its verdict; for a training, the losses over its steps. The file opens from the disk, without a
    network and without a server. It contains prompts, replies and programs. Several runs, evaluations or trainings are
    compared.

    Examples:

    [bold]glotsmith report runs/demo[/]  (then open runs/demo/report.html in a browser)

    [bold]glotsmith report runs/memory-on runs/memory-off -o report.html[/]

    [bold]glotsmith report runs/untrained runs/trained -o evaluations.html[/]  (folders of glotsmith evaluate)

    """
    from glotsmith.report import write_report
    from glotsmith.report.listed_rows import ListLimits

    if output is None and len(runs) > 1:
        raise UsageError(f"a report of {len(runs)} folders needs a file: -o FILE.html")
    target = output or runs[0] / "report.html"
    if target.is_dir():
        raise UsageError(f"{target} is a folder; give the name of a file: -o {target / 'report.html'}")
    limits = ListLimits(0, 0) if everything else ListLimits(rows, examples)
    written = write_report(runs, target, limits)
    out.print(str(written))
    err.print(f"Open it in a browser: {written.resolve().as_uri()}")
