"""``glotsmith export``: a run's rows as files that trainers and ``datasets`` open."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from glotsmith import recipes
from glotsmith.cli.app import app, out
from glotsmith.cli.config import FREE
from glotsmith.errors import UsageError
from glotsmith.records import Example, Preference
from glotsmith.run import RunFolder


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
    seed: Annotated[int, typer.Option(help="Which problems are set aside.")] = 0,
) -> None:
    """Write a finished run's dataset, with what a trainer needs beside it: its configuration, and the reward.

    Examples:

    [bold]glotsmith export runs/demo --format parquet -o my-dataset[/]

    [bold]glotsmith export runs/demo --format trl-sft --held-out 0.05 -o sft[/], then, in sft, [bold]trl sft --config
    sft.yaml[/]
    """
    with RunFolder.open(run) as folder:
        require_finished(folder)
        target = output or folder.dataset / format_
        out.print(write_dataset(folder, format_, target, model=model, held_out=held_out, seed=seed))


def require_finished(folder: RunFolder) -> None:
    """Refuse a run that has not come to its end.

    Raises:
        UsageError: it has not.

    """
    last = folder.ledger.steps[-1] if folder.ledger.steps else ""
    if not last or not folder.ledger.finished(last):
        raise UsageError(f"{folder.path}: the run has not ended; the command that began it goes on with it")


def write_dataset(
    folder: RunFolder, format_: str, target: Path, *, model: str = "", held_out: float = 0.0, seed: int = 0
) -> str:
    """Write the dataset in one format; return the sentence that says so.

    Raises:
        UsageError: there is no such format, or nothing that it could hold.

    """
    from glotsmith.datasets.exporters import EXPORTERS
    from glotsmith.datasets.exporters.formats import FORMATS

    if format_ in FORMATS:
        return _for_trainer(folder, format_, target, model, held_out, seed)
    if format_ not in EXPORTERS:
        raise UsageError(f"no format is named {format_!r}; there are: {', '.join([*EXPORTERS, *FORMATS])}")
    if model or held_out:
        raise UsageError(
            f"--model and --held-out are for trainers' formats; {format_} has all rows and no configuration"
        )
    return _whole(folder, format_, target)


def examples(folder: RunFolder) -> Iterator[Example]:
    """Yield the rows of a run stage by stage: who reads on trains in the recipe's order."""
    ledger, last = folder.ledger, folder.ledger.steps[-1]
    for stage in sorted({item.stage for _, item in ledger.kept(last, Example)}):
        yield from (item for _, item in ledger.kept(last, Example) if item.stage == stage)


def findings(folder: RunFolder) -> dict[str, str]:
    """Return what a run has measured beside its rows, title to sentence."""
    found = getattr(recipes.get(folder.config["recipe"]), "findings", None)
    return found(folder.ledger) if found else {}


def preferences(folder: RunFolder) -> Iterator[Preference]:
    """Yield the preference pairs of a run."""
    from glotsmith.datasets.preferences import pairs

    return pairs(folder.ledger)


def _whole(folder: RunFolder, format_: str, target: Path) -> str:
    from glotsmith.datasets import Card
    from glotsmith.datasets import write_dataset as write

    ledger, stored = folder.ledger, folder.config
    recipe = recipes.get(stored["recipe"])
    card = Card(
        name=folder.path.name,
        recipe=f"{stored['recipe']}: {recipe.title} ({recipe.paper})",
        funnel=tuple(ledger.funnel()),
        parameters={name: value for name, value in _flat(stored) if name not in FREE},
        benchmarks=tuple(Path(b).name for b in stored.get("options", {}).get("benchmarks", ())),
        findings=findings(folder),
    )
    summary = write(examples(folder), target, card, exporter=format_)
    return f"{summary.rows} rows in {target}"


def _for_trainer(folder: RunFolder, format_: str, target: Path, model: str, share: float, seed: int) -> str:
    from glotsmith.datasets.exporters import trainers
    from glotsmith.training.splits import held_out

    problems = (example.parallel_id for example in examples(folder)) if share else ()
    content = trainers.Content(lambda: examples(folder), lambda: preferences(folder), held_out(problems, share, seed))
    written = trainers.export(format_, content, target, model=model or trainers.MODEL)
    return f"{target}: {written}. How to train: {target / 'README.md'}"


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return the leaves of a configuration as text, by dotted name."""
    found = list[tuple[str, str]]()
    for name, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(cast(Mapping[str, Any], value), f"{prefix}{name}.")
        elif value not in ("", None):
            found.append((f"{prefix}{name}", _text(value)))
    return found


def _text(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, cast(Sequence[object], value)))
    return str(value)
