"""``glotsmith export``: a run's rows as files that trainers and ``datasets`` open."""

from pathlib import Path
from typing import Annotated

import typer

from glotsmith.api.export import export as export_run
from glotsmith.api.export import partial_sentence
from glotsmith.cli.app import app, out
from glotsmith.datasets.exporters.formats import DATASET_FORMATS, FORMATS


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help=f"{' or '.join(DATASET_FORMATS)}: all columns. For a trainer: {', '.join(FORMATS)}.",
        ),
    ] = "jsonl",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to; default RUN/dataset/FORMAT.")] = None,
    model: Annotated[str, typer.Option(help="The model that a trainer's configuration names.")] = "",
    held_out: Annotated[
        float, typer.Option(min=0, max=0.99, help="Of the problems, the share to set aside as validation.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Which problems are set aside.")] = 0,
    stage: Annotated[
        int, typer.Option(min=0, help="Only the rows of one training stage; 0: all, which a trainer would mix.")
    ] = 0,
) -> None:
    """Write a run's dataset, with what a trainer needs beside it: its configuration, and the reward.

    Of a run that is not finished, what is finished so far is written, also while it works.

    Examples:

    [bold]glotsmith export runs/demo --format parquet -o my-dataset[/]

    [bold]glotsmith export runs/demo --format trl-sft --held-out 0.05 -o sft[/], then, in sft, [bold]trl sft --config
    sft.yaml[/]

    [bold]glotsmith export runs/inverse --format trl-sft --stage 1 -o own[/], and, when that is trained, [bold]--stage 2
    --model ../own/out -o original[/]
    """
    written = export_run(run, format_, output, model=model, held_out=held_out, seed=seed, stage=stage)
    if written.partial:
        out.print(partial_sentence(written.rows))
    out.print(written.summary)
