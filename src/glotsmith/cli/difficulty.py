"""``glotsmith difficulty``: measure the pass rate of a model on the problems of a run."""

import asyncio
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from glotsmith.api import run_config
from glotsmith.api.difficulty import by_language, difficulty_folder, measure_difficulty, pass_rates
from glotsmith.api.evaluate import EvaluationDisplay, evaluation_config
from glotsmith.api.pass_rates import ProblemPassRate
from glotsmith.cli.app import Isolation, Jobs, Stopped, TextList, app, complete_language, err, out
from glotsmith.cli.progress.command_progress import EvaluationProgress
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.counts import counted
from glotsmith.errors import OutageError
from glotsmith.evaluation.evaluate import EvaluationPlan
from glotsmith.evaluation.questions import EvaluationSample


@app.command()
def difficulty(
    run: Annotated[Path, typer.Argument(help="The run folder with the problems.")],
    teacher: Annotated[str, typer.Option(help="A teacher: local, openai, transformers, scripted.")],
    model: Annotated[str, typer.Option(help="The model; for scripted, the file with replies.")] = "",
    base_url: Annotated[str, typer.Option(help="URL of the server: http://localhost:8000/v1.")] = "",
    option: Annotated[TextList, typer.Option("--set", help="teacher.NAME=VALUE; repeatable.")] = None,
    language: Annotated[
        TextList,
        typer.Option(
            "--language", "-l", help="Only the problems of this language; repeatable.", autocompletion=complete_language
        ),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="Number of replies for each problem.")] = 8,
    temperature: Annotated[float, typer.Option("--temperature", "-t", min=0.0)] = 1.0,
    top_p: Annotated[float, typer.Option("--top-p", min=0.0, max=1.0)] = 1.0,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1)] = 1024,
    style: Annotated[str, typer.Option(help="chat, or completion for base models.")] = "",
    seed: Annotated[int, typer.Option("--seed")] = 0,
    name: Annotated[str, typer.Option(help="Name of the measurement; default: the name of the model.")] = "",
    isolation: Isolation = "auto",
    jobs: Jobs = None,
    max_failures: Annotated[
        int, typer.Option(min=1, help="Stop with exit code 3 after this many samples in a row without a verdict.")
    ] = 10,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Measure the pass rate of a model on each problem of a run, for reinforcement learning.

    RUN/difficulty/NAME contains the replies, verdicts and pass rates. Run the same command again to resume. Exports
    have the pass rates as the column target_pass_rate, and --pass-rate selects a range of them.

    Example: [bold]glotsmith difficulty runs/demo --teacher openai --model MODEL --base-url URL[/], then
    [bold]glotsmith export runs/demo --format verl --pass-rate 0.1..0.7 -o verl[/]
    """
    folder = difficulty_folder(run, model or teacher, name)
    options = run_config.assignments(option or [])
    plan = EvaluationPlan(
        samples=samples, temperature=temperature, top_p=top_p, max_tokens=max_tokens, seed=seed, ks=(1,)
    )
    config = evaluation_config(
        [f"rows={run}"],
        languages=language or (),
        teacher=teacher,
        model=model,
        base_url=base_url,
        teacher_options={key.removeprefix("teacher."): value for key, value in options.items()},
        plan=plan,
        style=style,
        isolation=isolation,
    )
    collected = _JudgedSamples()
    try:
        with EvaluationProgress(err, progress) as shown:
            display = collected.collecting(
                EvaluationDisplay(shown.begin, shown.on_sample, shown.show_activity, shown.print)
            )
            rates = asyncio.run(
                measure_difficulty(config, folder, workers=jobs, max_failures=max_failures, display=display)
            )
    except OutageError:
        collected.print_rates(folder.name)
        raise
    except KeyboardInterrupt:
        collected.print_rates(folder.name)
        raise Stopped(f"Stopped: {folder} keeps the replies so far. Run the same command again to resume.") from None
    _print_rates(rates, folder.name)
    out.print("Select the problems of a range of pass rates:")
    out.print(
        f"  glotsmith export {shlex.quote(str(run))} --format verl --difficulty {shlex.quote(folder.name)} "
        "--pass-rate 0.1..0.7 -o verl",
        soft_wrap=True,
    )


class _JudgedSamples:
    """The samples of a measurement that have a verdict so far. The measurement may be stopped before its end."""

    def __init__(self) -> None:
        self._samples = list[EvaluationSample]()
        self._planned = 0

    def collecting(self, display: EvaluationDisplay) -> EvaluationDisplay:
        """Return a display that also collects the samples."""

        def begin(samples: Mapping[str, int], replies: int) -> None:
            self._planned = sum(samples.values())
            display.begin(samples, replies)

        def on_sample(set_: str, sample: EvaluationSample) -> None:
            self._samples.append(sample)
            display.on_sample(set_, sample)

        return display._replace(begin=begin, on_sample=on_sample)

    def print_rates(self, name: str) -> None:
        """Print the pass rates so far, and over how many samples; nothing if no sample has a verdict."""
        judged = sum(sample.scored for sample in self._samples)
        if judged:
            _print_rates(pass_rates(self._samples), f"{name}: not finished")
            out.print(
                f"The table counts {judged:,} of {counted(self._planned, 'sample')}: those with a verdict so far."
            )


def _print_rates(rates: Iterable[ProblemPassRate], title: str) -> None:
    """Print the pass rates of each language."""
    table = Table("language", "problems", "mean pass rate", "never passed", "always passed", title=title)
    for language, found in by_language(rates).items():
        table.add_row(language, f"{found.problems:,}", f"{found.mean:.1%}", f"{found.never:,}", f"{found.always:,}")
    out.print(table)
