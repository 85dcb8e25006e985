"""``glotsmith train``: train a model on verified programs or on preference pairs."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table

from glotsmith.api import run_config
from glotsmith.api.run_rows import RunRows, dataset_source, finished_rows
from glotsmith.cli.app import app, err, out
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.cli.progress.training_display import TrainingDisplay
from glotsmith.counts import counted
from glotsmith.errors import UsageError
from glotsmith.records import Example, Preference, Record
from glotsmith.run_folder import CONFIG, RunFolder

Item = TypeVar("Item", bound=Record)

training = typer.Typer(help="Train a model on verified programs, or on preference pairs.", no_args_is_help=True)
app.add_typer(training, name="train")

Source = Annotated[Path, typer.Argument(help="A run folder, or a dataset in jsonl or parquet.")]
TrainedModel = Annotated[str, typer.Option("--model", "-m", help="A folder with weights, a GGUF file, or a hub id.")]
Preset = Annotated[str, typer.Option("--preset", "-p", help="See 'glotsmith train presets'.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for checkpoints, weights and the report.")]
Lora = Annotated[int | None, typer.Option(min=0, help="Rank of LoRA adapters; 0: train all weights.")]
HeldOut = Annotated[
    float | None,
    typer.Option(
        min=0, max=0.99, help="Share of problems held out to choose the checkpoint; 0: use the last checkpoint."
    ),
]
MaxSteps = Annotated[int | None, typer.Option(min=0, help="Maximum number of steps of a stage; 0: by the epochs.")]
Seed = Annotated[int | None, typer.Option(help="Seed of row order, dropout, adapters and held-out problems.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE: any setting of the preset; repeatable.")]


@training.callback()
def train() -> None:
    """Train a model on verified programs, or on preference pairs.

    Example: [bold]glotsmith train sft runs/demo --model Qwen/Qwen2.5-Coder-0.5B -o trained[/]
    """


def _add_command(method: str, kind: type[Any], of_run: Callable[[RunRows], Iterable[Any]], text: str) -> None:
    """Register the command of a training method; the options of all methods are the same."""

    @training.command(name=method, help=text)
    def command(
        source: Source,
        model: TrainedModel,
        output: Output,
        preset: Preset = "general",
        lora: Lora = None,
        held_out: HeldOut = None,
        max_steps: MaxSteps = None,
        seed: Seed = None,
        changes: Changes = None,
        progress: ProgressOption = ProgressMode.auto,
    ) -> None:
        given = _changed_settings(changes, lora_rank=lora, held_out=held_out, max_steps=max_steps, seed=seed)
        with TrainingDisplay(err, progress) as shown:
            _train(method, _row_reader(source, kind, of_run), model, preset, given, output, shown)

    del command


_add_command(
    "sft",
    Example,
    RunRows.examples,
    """Train on programs that passed. Run the same command again to resume.

    Examples:

    [bold]glotsmith train sft runs/demo -m bigcode/starcoderbase-1b -p multipl-t-1b -o trained[/]

    [bold]glotsmith train sft runs/demo -m Qwen/Qwen2.5-Coder-7B --lora 16 --set batch=16 -o trained[/]
    """,
)
_add_command(
    "dpo",
    Preference,
    RunRows.preferences,
    """Train on pairs of a program that passed and one that failed, from a run or from a file of such pairs.

    Example: [bold]glotsmith train dpo runs/demo -m trained/model -p xcoder -o preferred[/]
    """,
)


@training.command()
def presets() -> None:
    """List the presets and all their settings.

    Example: [bold]glotsmith train presets[/]
    """
    from glotsmith.training.presets import PRESETS, TrainingSettings

    shown = Table("setting", *PRESETS)
    for name in TrainingSettings.__struct_fields__:
        shown.add_row(name, *(str(getattr(preset, name)) for preset in PRESETS.values()))
    out.print(shown)


def _changed_settings(changes: Sequence[str] | None, **options: Any) -> dict[str, Any]:
    return run_config.assignments(changes or []) | {name: value for name, value in options.items() if value is not None}


def _row_reader(
    source: Path, kind: type[Item], of_run: Callable[[RunRows], Iterable[Item]]
) -> Callable[[], Iterable[Item]]:
    """Return a function that reads all rows again at each call."""
    from glotsmith.training.dataset_files import read_dataset_rows

    source = dataset_source(source)
    if not (source / CONFIG).is_file():
        return partial(read_dataset_rows, source, kind)

    def rows() -> Iterable[Item]:
        with RunFolder.open(source) as folder:
            yield from of_run(finished_rows(folder))

    return rows


def _train(
    method: Any,
    rows: Callable[[], Iterable[Any]],
    model: str,
    preset: str,
    given: dict[str, Any],
    output: Path,
    shown: TrainingDisplay,
) -> None:
    from glotsmith.training import dpo, needs, ranks, sft
    from glotsmith.training.loop import TrainingJob
    from glotsmith.training.presets import preset_settings

    job = TrainingJob(method=method, model=model, preset=preset, how=preset_settings(preset, given, method))
    if not any(True for _ in rows()):
        what = "row" if method == "sft" else "preference pair"
        raise UsageError(f"there is no {what} to train on")
    needs.silence_libraries()
    trained = {"sft": sft.sft, "dpo": dpo.dpo}[method]
    report = trained(job, rows, output, shown.print, shown)
    if ranks.is_first_process():
        rows_used = counted(sum(s.rows for s in report.data.stages), "row")
        out.print(f"Trained on {rows_used}; weights and record: {output / 'model'}")
