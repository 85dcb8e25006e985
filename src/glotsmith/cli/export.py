"""``glotsmith export``: a run's rows as files that trainers and ``datasets`` open."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import typer

from glotsmith import recipes
from glotsmith.cli.app import app, out
from glotsmith.cli.config import free_keys
from glotsmith.errors import UsageError
from glotsmith.records import Example, Preference
from glotsmith.run import RunFolder


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
    """Write a finished run's dataset, with what a trainer needs beside it: its configuration, and the reward.

    Examples:

    [bold]glotsmith export runs/demo --format parquet -o my-dataset[/]

    [bold]glotsmith export runs/demo --format trl-sft --held-out 0.05 -o sft[/], then, in sft, [bold]trl sft --config
    sft.yaml[/]

    [bold]glotsmith export runs/inverse --format trl-sft --stage 1 -o own[/], and, when that is trained, [bold]--stage 2
    --model ../own/out -o original[/]
    """
    with RunFolder.open(run) as folder:
        require_finished(folder)
        target = output or folder.dataset / format_
        out.print(write_dataset(folder, format_, target, Choice(model, held_out, seed, stage)))


def require_finished(folder: RunFolder) -> None:
    """Refuse a run that has not come to its end.

    Raises:
        UsageError: it has not.

    """
    last = folder.ledger.steps[-1] if folder.ledger.steps else ""
    if not last or not folder.ledger.finished(last):
        raise UsageError(f"{folder.path}: the run has not ended; the command that began it goes on with it")


def write_dataset(folder: RunFolder, format_: str, target: Path, choice: Choice = _ALL) -> str:
    """Write the dataset in one format; return the sentence that says so.

    Raises:
        UsageError: there is no such format, nothing that it could hold, or a choice that it would ignore.

    """
    from glotsmith.datasets.exporters.formats import FORMATS

    check_formats([format_])
    if choice.seed and not choice.held_out:
        raise UsageError("--seed says which problems are set aside: give --held-out too")
    if format_ in FORMATS:
        return _for_trainer(folder, format_, target, choice)
    if choice != _ALL:
        raise UsageError(
            f"--model, --held-out and --stage are for trainers' formats; {format_} has all rows and no configuration"
        )
    return _whole(folder, format_, target)


def check_formats(names: Iterable[str]) -> None:
    """Refuse the name of a format that there is not.

    Raises:
        UsageError: there is none of that name.

    """
    from glotsmith.datasets.exporters import EXPORTERS
    from glotsmith.datasets.exporters.formats import FORMATS

    for name in names:
        if name not in FORMATS and name not in EXPORTERS:
            raise UsageError(f"no format is named {name!r}; there are: {', '.join([*EXPORTERS, *FORMATS])}")


def examples(folder: RunFolder) -> Iterator[Example]:
    """Yield the rows of a run stage by stage: who reads on trains in the recipe's order."""
    for stage in stages(folder):
        yield from _of_stage(folder, stage)


def stages(folder: RunFolder) -> list[int]:
    """Return the training stages of a run's rows, in order."""
    return sorted({item.stage for _, item in folder.ledger.kept(folder.ledger.steps[-1], Example)})


def _of_stage(folder: RunFolder, stage: int) -> Iterator[Example]:
    return (item for _, item in folder.ledger.kept(folder.ledger.steps[-1], Example) if item.stage == stage)


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
    free = free_keys(stored.get("teacher", {}).get("name", ""), stored["recipe"])
    recipe = recipes.get(stored["recipe"])
    card = Card(
        name=folder.path.name,
        recipe=f"{stored['recipe']}: {recipe.title} ({recipe.paper})",
        funnel=tuple(ledger.funnel()),
        parameters={name: value for name, value in _flat(stored) if name not in free},
        benchmarks=tuple(Path(b).name for b in stored.get("options", {}).get("benchmarks", ())),
        findings=findings(folder),
    )
    summary = write(examples(folder), target, card, exporter=format_)
    return f"{summary.rows} rows in {target}"


def _for_trainer(folder: RunFolder, format_: str, target: Path, choice: Choice) -> str:
    from glotsmith.datasets.exporters import trainers
    from glotsmith.training.splits import held_out

    if choice.stage:
        _check_stage(folder, format_, choice.stage)
    rows = partial(_of_stage, folder, choice.stage) if choice.stage else partial(examples, folder)
    problems = (example.parallel_id for example in examples(folder)) if choice.held_out else ()
    apart = held_out(problems, choice.held_out, choice.seed)  # of all stages, so that it is the same for each
    content = trainers.Content(rows, partial(preferences, folder), apart)
    written = trainers.export(format_, content, target, model=choice.model)
    return f"{target}: {written}. How to train: {target / 'README.md'}"


def _check_stage(folder: RunFolder, format_: str, stage: int) -> None:
    from glotsmith.datasets.exporters.formats import FORMATS

    if FORMATS[format_].parts[0].shape.takes == "preferences":
        raise UsageError(f"{format_} holds preference pairs, which have no stage: leave --stage out")
    if stage not in (known := stages(folder)):
        raise UsageError(f"{folder.path} has no row of stage {stage}; there are: {', '.join(map(str, known))}")


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
