"""``glotsmith export``: a run's rows as files that trainers and ``datasets`` open."""

import asyncio
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from glotsmith import recipes
from glotsmith.cli.app import app, out
from glotsmith.cli.folders import removed_if_refused
from glotsmith.cli.rows import Rows, rows_so_far
from glotsmith.counts import counted
from glotsmith.errors import UsageError, unknown_name
from glotsmith.run_folder import RunFolder


class Choice(NamedTuple):
    """What a trainer's format is to name and to leave out."""

    model: str = ""
    held_out: float = 0.0
    seed: int = 0
    stage: int = 0  #: 0 for all


_ALL = Choice()


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="jsonl or parquet: all columns. For a trainer: trl-sft, trl-dpo, trl-kto, trl-grpo, axolotl, "
            "llamafactory, verl, openrlhf, open-instruct, verifiers, alpaca, sharegpt, openai-ft, text, parallel.",
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
    from glotsmith.datasets.card import DRAFT

    with RunFolder.open(run) as folder:
        target = output or folder.dataset / format_
        with removed_if_refused(target, DRAFT):
            asyncio.run(_export(folder, format_, target, Choice(model, held_out, seed, stage)))


async def _export(folder: RunFolder, format_: str, target: Path, choice: Choice) -> None:
    async with rows_so_far(folder) as rows:
        written = write_dataset(rows, format_, target, choice)
        if rows.partial:
            out.print(partial_sentence(rows))
        out.print(written)


def partial_sentence(rows: Rows) -> str:
    """Say how much of a run that is not finished there is."""
    return (
        f"partial: {counted(rows.made, 'row')} of a run that is not finished; the command that began it goes on with it"
    )


def write_dataset(rows: Rows, format_: str, target: Path, choice: Choice = _ALL) -> str:
    """Write the dataset in one format; return the sentence that says so.

    Raises:
        UsageError: there is no such format, nothing that it could hold, a choice that it would ignore, or the folder
            holds something else.

    """
    from glotsmith.datasets.exporters.formats import FORMATS

    check_formats([format_])
    if choice.seed and not choice.held_out:
        raise UsageError("--seed says which problems are set aside: give --held-out too")
    if format_ in FORMATS:
        return _for_trainer(rows, format_, target, choice)
    if choice != _ALL:
        raise UsageError(
            f"--model, --held-out and --stage are for trainers' formats; {format_} has all rows and no configuration"
        )
    return _whole(rows, format_, target)


def check_formats(names: Iterable[str]) -> None:
    """Refuse the name of a format that there is not.

    Raises:
        UsageError: there is none of that name.

    """
    from glotsmith.datasets.exporters import EXPORTERS
    from glotsmith.datasets.exporters.formats import FORMATS

    for name in names:
        if name not in FORMATS and name not in EXPORTERS:
            raise UsageError(unknown_name(f"no format is named {name!r}", name, [*EXPORTERS, *FORMATS]))


def _is_own(rows: Rows, target: Path) -> bool:
    """Whether a folder is below the run's own datasets, so that what it holds is no other run's."""
    return target.resolve().is_relative_to(rows.folder.dataset.resolve())


def _whole(rows: Rows, format_: str, target: Path) -> str:
    from glotsmith.datasets import Card
    from glotsmith.datasets import write_dataset as write

    stored = rows.folder.config
    recipe = recipes.get(stored["recipe"])
    card = Card(
        name=rows.folder.path.name,
        recipe=f"{stored['recipe']}: {recipe.title} ({recipe.paper})",
        funnel=tuple(rows.answers.funnel()),
        parameters=rows.parameters(),
        benchmarks=tuple(Path(b).name for b in stored.get("options", {}).get("benchmarks", ())),
        findings=rows.findings(),
        partial=rows.partial,
        run=rows.run(),
    )
    summary = write(rows.examples(), target, card, exporter=format_, owned=_is_own(rows, target))
    return f"{counted(summary.rows, 'row')} in {target}"


def _for_trainer(rows: Rows, format_: str, target: Path, choice: Choice) -> str:
    from glotsmith.datasets.exporters import trainers
    from glotsmith.training.splits import held_out

    if choice.stage:
        _check_stage(rows, format_, choice.stage)
    examples = partial(rows.of_stage, choice.stage) if choice.stage else rows.examples
    problems = (example.parallel_id for example in rows.examples()) if choice.held_out else ()
    apart = held_out(problems, choice.held_out, choice.seed)  # of all stages, so that it is the same for each
    run = "" if _is_own(rows, target) else rows.run()
    content = trainers.Content(examples, rows.preferences, apart, rows.partial, run)
    written = trainers.export(format_, content, target, model=choice.model)
    return f"{target}: {written}. How to train: {target / 'README.md'}"


def _check_stage(rows: Rows, format_: str, stage: int) -> None:
    from glotsmith.datasets.exporters.formats import FORMATS

    if FORMATS[format_].parts[0].shape.takes == "preferences":
        raise UsageError(f"{format_} holds preference pairs, which have no stage: leave --stage out")
    if stage not in (known := rows.stages()):
        raise UsageError(f"{rows.folder.path} has no row of stage {stage}; there are: {', '.join(map(str, known))}")
