"""``glotsmith export``: write the rows of a run as files for trainers and for ``datasets``."""

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
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write; default: RUN/dataset/FORMAT.")
    ] = None,
    model: Annotated[str, typer.Option(help="Model in the configuration of the trainer.")] = "",
    held_out: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of the problems to hold out for validation.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice of held-out problems.")] = 0,
    stage: Annotated[
        int,
        typer.Option(
            min=0, help="Export only the rows of one training stage; 0: of all stages, which a trainer mixes."
        ),
    ] = 0,
    pass_rate: Annotated[
        str, typer.Option(help="LOW..HIGH, such as 0.1..0.7: only problems that a target model passes at such a rate.")
    ] = "",
    difficulty: Annotated[
        str, typer.Option(help="The target model, as 'glotsmith difficulty' named it; default: the only one.")
    ] = "",
) -> None:
    """Write the dataset of a run, with the configuration and the reward that a trainer needs.

    For an unfinished run, write the rows so far; the run may be active.

    Examples:

    [bold]glotsmith export runs/demo --format parquet -o my-dataset[/]

    [bold]glotsmith export runs/demo --format trl-sft --held-out 0.05 -o sft[/], then, in sft, [bold]trl sft --config
    sft.yaml[/]

    [bold]glotsmith export runs/inverse --format trl-sft --stage 1 -o own[/], and after that training, [bold]--stage 2
    --model ../own/out -o original[/]

    [bold]glotsmith export runs/demo --format verl --pass-rate 0.1..0.7 -o verl[/], after 'glotsmith difficulty'
    """
    written = export_run(
        *(run, format_, output),
        model=model,
        held_out=held_out,
        seed=seed,
        stage=stage,
        pass_rate=pass_rate,
        difficulty=difficulty,
    )
    if written.partial:
        out.print(partial_sentence(written.rows))
    out.print(written.summary)
