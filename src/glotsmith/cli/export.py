"""``glotsmith export``: a run's rows as files that trainers and ``datasets`` open."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from glotsmith import recipes
from glotsmith.cli.app import app, out
from glotsmith.cli.config import FREE
from glotsmith.errors import UsageError
from glotsmith.records import Example
from glotsmith.run import RunFolder


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    format_: Annotated[str, typer.Option("--format", "-f", help="jsonl or parquet.")] = "jsonl",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to; default RUN/dataset/FORMAT.")] = None,
) -> None:
    """Write a finished run's dataset.

    Example: [bold]glotsmith export runs/demo --format parquet -o my-dataset[/]
    """
    with RunFolder.open(run) as folder:
        last = folder.ledger.steps[-1] if folder.ledger.steps else ""
        if not last or not folder.ledger.finished(last):
            raise UsageError(f"{run}: the run has not ended; the command that began it goes on with it")
        out.print(write_dataset(folder, format_, output or folder.dataset / format_))


def write_dataset(folder: RunFolder, format_: str, target: Path) -> str:
    """Write the dataset in one format; return the sentence that says so."""
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
    )
    rows = (item for _, item in ledger.kept(ledger.steps[-1], Example))
    summary = write(rows, target, card, exporter=format_)
    return f"{summary.rows} rows in {target}"


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
