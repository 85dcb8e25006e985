"""Export a run's rows as files that trainers and ``datasets`` open."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from glotsmith import recipes
from glotsmith.api.folders import removed_if_refused
from glotsmith.api.pass_rates import PassRates, parse_rate_range, read_pass_rates
from glotsmith.api.run_rows import RunRows, rows_so_far
from glotsmith.api.synchronous import synchronous
from glotsmith.counts import counted
from glotsmith.errors import GlotsmithError, UsageError
from glotsmith.run_folder import RunFolder


class ExportChoice(NamedTuple):
    """The model that a trainer's format names, and the choice of rows."""

    model: str = ""
    held_out: float = 0.0
    seed: int = 0
    stage: int = 0  #: training stage; 0 for all


_ALL = ExportChoice()


class ExportResult(NamedTuple):
    """The files and counts of an export."""

    folder: Path
    summary: str  #: a sentence about the export
    partial: bool  #: whether the run is unfinished, so that more rows may follow
    rows: int  #: number of rows of the run


async def export_async(
    run: Path | str,
    format: str = "jsonl",
    output: Path | str | None = None,
    *,
    model: str = "",
    held_out: float = 0.0,
    seed: int = 0,
    stage: int = 0,
    pass_rate: str = "",
    difficulty: str = "",
) -> ExportResult:
    """Write the rows of a run in one format. An unfinished run exports its current rows.

    Writing blocks the event loop.

    Args:
        run: The run folder.
        format: ``jsonl``, ``parquet``, or a trainer's format such as ``trl-sft`` (``docs/exports.md``).
        output: The folder to write; by default ``RUN/dataset/FORMAT``.
        model: The model that a trainer's configuration names.
        held_out: The share of the problems to set aside as validation, from 0 to below 1.
        seed: The seed that chooses the problems that are set aside.
        stage: The training stage to export; 0 for all.
        pass_rate: The range of pass rates of a target model in which problems are exported, such as ``0.1..0.7``.
        difficulty: The name of the measurement of the target model (``docs/difficulty.md``); by default the only one.

    Raises:
        UsageError: The format is unknown, the run has no rows for it, ``output`` holds other files, or no pass rates
            were measured.
        StorageError: The folder cannot be written.

    """
    from glotsmith.datasets.card import DRAFT

    rate_range = parse_rate_range(pass_rate)
    with RunFolder.open(Path(run)) as folder:
        rates = read_pass_rates(folder.path, difficulty, required=rate_range is not None)
        target = Path(output) if output is not None else folder.dataset / format
        with removed_if_refused(target, DRAFT):
            async with rows_so_far(folder) as found:
                rows = found._replace(target_pass_rates=rates, rate_range=rate_range)
                if rate_range is not None and not any(True for _ in rows.examples()):
                    raise UsageError(f"{run}: no row has a target pass rate in {pass_rate}: {_describe_rates(rates)}")
                choice = ExportChoice(model, held_out, seed, stage)
                summary = write_dataset(rows, format, target, choice)
                return ExportResult(target, summary, rows.partial, rows.made)


export = synchronous(export_async)


def _describe_rates(rates: PassRates) -> str:
    if not rates:
        return "no pass rate was measured"
    return f"{counted(len(rates), 'problem')} have rates from {min(rates.values()):g} to {max(rates.values()):g}"


def partial_sentence(rows: int) -> str:
    """Return a sentence with the number of rows of an unfinished run."""
    return f"partial: {counted(rows, 'row')} of a run that is not finished. Run the same command again to resume it"


def write_dataset(rows: RunRows, format_: str, target: Path, choice: ExportChoice = _ALL) -> str:
    """Write the dataset in one format; return a sentence with the folder and the number of rows.

    Raises:
        UsageError: The format does not exist, the run has no rows for it, it would ignore a choice, or the folder
            contains other files.

    """
    from glotsmith.datasets.exporters.formats import FORMATS, check_format

    check_format(format_)
    if choice.seed and not choice.held_out:
        raise UsageError("--seed chooses the held-out problems: add --held-out, or remove --seed")
    if format_ in FORMATS:
        return _write_for_trainer(rows, format_, target, choice)
    if choice != _ALL:
        raise UsageError(
            f"--model, --held-out and --stage are for trainers' formats; {format_} has all rows and no configuration"
        )
    return _write_all_rows(rows, format_, target)


def write_formats(rows: RunRows, formats: Sequence[str], warn: Callable[[GlotsmithError], None]) -> None:
    """Write the dataset of a run in all formats into its folder; ``warn`` receives all failures after the first.

    Raises:
        GlotsmithError: A format cannot be written; the other formats are written.

    """
    failures = list[GlotsmithError]()
    for name in formats:
        try:
            write_dataset(rows, name, rows.folder.dataset / name)
        except GlotsmithError as error:  # such as no preference pair for a format of pairs
            failures.append(error)
    for error in failures[1:]:
        warn(error)
    if failures:
        raise failures[0]


def _is_in_run(rows: RunRows, target: Path) -> bool:
    """Return whether a folder is below the run's own datasets, so that the run may replace its content."""
    return target.resolve().is_relative_to(rows.folder.dataset.resolve())


def _write_all_rows(rows: RunRows, format_: str, target: Path) -> str:
    from glotsmith.api.language_funnel import language_funnel
    from glotsmith.api.measured_languages import language_figures
    from glotsmith.datasets import DatasetCard
    from glotsmith.datasets import write_dataset as write

    stored = rows.folder.config
    recipe = recipes.get(stored["recipe"])
    card = DatasetCard(
        name=rows.folder.path.name,
        recipe=f"{stored['recipe']}: {recipe.title} ({recipe.paper})",
        funnel=tuple(rows.ledger.funnel()),
        by_language=language_funnel(rows.ledger),
        parameters=rows.parameters(),
        prompts=rows.prompts(),
        benchmarks=tuple(Path(b).name for b in stored.get("options", {}).get("benchmarks", ())),
        findings=rows.findings(),
        figures=language_figures(rows, {example.language for example in rows.examples()}),
        partial=rows.partial,
        run=rows.run(),
    )
    summary = write(rows.examples(), target, card, exporter=format_, owned=_is_in_run(rows, target))
    return f"{counted(summary.rows, 'row')} in {target}"


def _write_for_trainer(rows: RunRows, format_: str, target: Path, choice: ExportChoice) -> str:
    from glotsmith.datasets.exporters import trainer_folder
    from glotsmith.training.splits import choose_held_out

    if choice.stage:
        _check_stage(rows, format_, choice.stage)
    examples = partial(rows.of_stage, choice.stage) if choice.stage else rows.examples
    problems = (example.parallel_id for example in rows.examples()) if choice.held_out else ()
    apart = choose_held_out(problems, choice.held_out, choice.seed)  # from all stages, so that each has the same
    run = "" if _is_in_run(rows, target) else rows.run()
    content = trainer_folder.ExportContent(examples, rows.preferences, apart, rows.partial, run)
    written = trainer_folder.export(format_, content, target, model=choice.model)
    return f"{target}: {written}. How to train: {target / 'README.md'}"


def _check_stage(rows: RunRows, format_: str, stage: int) -> None:
    from glotsmith.datasets.exporters.formats import FORMATS

    if FORMATS[format_].parts[0].shape.takes == "preferences":
        raise UsageError(f"{format_} contains preference pairs, which have no stage: remove --stage")
    if stage not in (known := rows.stages()):
        raise UsageError(f"{rows.folder.path} has no row of stage {stage}; there are: {', '.join(map(str, known))}")
