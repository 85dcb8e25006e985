"""``glotsmith evaluate``: measure pass@k on benchmarks."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from glotsmith.api import run_config
from glotsmith.api.evaluate import EvaluationDisplay, EvaluationResult, evaluation_config, run_evaluation
from glotsmith.api.program_services import cluster_options
from glotsmith.cli.app import (
    Docstrings,
    Executor,
    Isolation,
    Jobs,
    MixedToolchains,
    RayAddress,
    Stopped,
    TextList,
    Wordings,
    app,
    complete_language,
    err,
    out,
)
from glotsmith.cli.progress.command_progress import EvaluationProgress
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.errors import UsageError
from glotsmith.evaluation import result_files
from glotsmith.evaluation.evaluate import EvaluationPlan
from glotsmith.languages.reference_limits import ReferenceLimits


@app.command(name="evaluate")
def evaluate_command(
    benchmark: Annotated[
        list[str],
        typer.Argument(
            help="NAME=PATH, or NAME alone to download it from the hub: humaneval, mbpp, humaneval+, mbpp+, multipl-e, "
            "mceval, ds1000, livecodebench-x; questions (of 'benchmark make'), rows (of a dataset)."
        ),
    ],
    language: Annotated[
        TextList,
        typer.Option("--language", "-l", help="Target language; repeatable.", autocompletion=complete_language),
    ] = None,
    teacher: Annotated[str, typer.Option(help="A teacher: local, openai, transformers, scripted.")] = "",
    model: Annotated[str, typer.Option(help="The model; for scripted, the file with replies.")] = "",
    base_url: Annotated[str, typer.Option(help="URL of the server: http://localhost:8000/v1.")] = "",
    option: Annotated[TextList, typer.Option("--set", help="teacher.NAME=VALUE; repeatable.")] = None,
    stored: Annotated[
        Path | None, typer.Option("--completions", help="Judge a file or folder of completions instead of a model.")
    ] = None,
    original: Annotated[
        TextList, typer.Option(help="humaneval=FILE or mbpp=FILE: judge multipl-e by the corrected suites too.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", "-n", min=1, help="Number of samples per problem.", show_default="20")
    ] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", "-t", min=0.0, show_default="0.2")] = None,
    greedy: Annotated[bool, typer.Option("--greedy", help="One sample at temperature 0.")] = False,
    top_p: Annotated[float | None, typer.Option("--top-p", min=0.0, max=1.0, show_default="0.95")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, show_default="1024")] = None,
    style: Annotated[
        str,
        typer.Option(
            help="chat, or completion for base models; whole for --completions that are programs (default: by the "
            "name of their field)."
        ),
    ] = "",
    prompt_end: Annotated[
        str,
        typer.Option(
            help="End of a completion prompt: newline (as in MultiPL-E), signature, or auto (as glotsmith trained the "
            "model, else newline)."
        ),
    ] = "auto",
    docstrings: Docstrings = Wordings.target,
    k: Annotated[list[int] | None, typer.Option("--k", min=1, help="The k of pass@k; repeatable.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only the first N problems of each benchmark; 0 for all.")] = 0,
    seed: Annotated[int | None, typer.Option("--seed", show_default="0")] = None,
    limit_floor: Annotated[
        float, typer.Option(min=0.001, help="Lowest CPU limit of a program, in seconds.")
    ] = ReferenceLimits().floor_s,
    limit_factor: Annotated[
        float, typer.Option(min=1.0, help="CPU limit of a program / CPU time of its Python original.")
    ] = ReferenceLimits().factor,
    output_: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path("runs/evaluation"),
    isolation: Isolation = "auto",
    jobs: Jobs = None,
    executor: Executor = "local",
    ray_address: RayAddress = "",
    mixed_toolchains: MixedToolchains = False,
    cache: Annotated[
        Path | None, typer.Option(help="Cache file to share between evaluations; default: in the folder.")
    ] = None,
    max_failures: Annotated[
        int, typer.Option(min=1, help="Stop with exit code 3 after this many samples in a row without a verdict.")
    ] = 10,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Evaluate a model, or a file of completions. Run the same command again to resume.

    Examples:

    [bold]glotsmith evaluate humaneval=HumanEval.jsonl.gz -l lua -l ocaml --teacher openai --model M --base-url URL[/]

    [bold]glotsmith evaluate multipl-e=dir/ --completions dir/ --original humaneval=HumanEval.jsonl.gz[/]
    """
    given = {"--samples": samples, "--temperature": temperature, "--top-p": top_p, "--max-tokens": max_tokens}
    if stored:
        model_options = {
            "--greedy": greedy or None,
            "--model": model or None,
            "--base-url": base_url or None,
            "--set": option,
        }
        _check_no_model({**given, **model_options, "--seed": seed})
    plan = _evaluation_plan(given, greedy=greedy, seed=seed or 0, ks=k or ())
    options = run_config.assignments(option or [])
    config = evaluation_config(
        benchmark,
        languages=language or (),
        teacher=teacher,
        model=model,
        base_url=base_url,
        teacher_options={name.removeprefix("teacher."): value for name, value in options.items()},
        completions=stored,
        originals=original or (),
        plan=plan,
        style=style,
        prompt_end=prompt_end,
        docstrings=docstrings.value,
        limit=limit,
        isolation=isolation,
        reference_limits=ReferenceLimits(floor_s=limit_floor, factor=limit_factor),
        requested_ks=k or (),
    )
    cluster = cluster_options(executor, ray_address, mixed_toolchains=mixed_toolchains)
    try:
        with EvaluationProgress(err, progress) as shown:
            display = EvaluationDisplay(shown.begin, shown.on_sample, shown.show_activity, shown.print)
            result = asyncio.run(run_evaluation(config, output_, cache, jobs, max_failures, display, cluster))
    except KeyboardInterrupt:
        raise Stopped(
            f"Stopped: {cache or output_ / result_files.CACHE} keeps the replies and verdicts so far. "
            "Run the same command again to resume."
        ) from None
    _print_result(result)
    result.check_judged()


#: options of sampling → their values with --greedy
_GREEDY = {"--samples": 1, "--temperature": 0.0, "--top-p": 1.0}


def _evaluation_plan(given: Mapping[str, Any], *, greedy: bool, seed: int, ks: Sequence[int]) -> EvaluationPlan:
    """Return the plan for the sampling options. An option that the user did not give is None.

    Raises:
        UsageError: An option contradicts --greedy.

    """
    for name, value in _GREEDY.items() if greedy else ():
        if given[name] not in (None, value):
            raise UsageError(
                f"--greedy sets {name} to {value:g}, but {name} is {given[name]:g}: remove --greedy or {name}"
            )
    chosen = {**given, **(_GREEDY if greedy else {})}
    named: dict[str, Any] = {name[2:].replace("-", "_"): value for name, value in chosen.items() if value is not None}
    return EvaluationPlan(**named, seed=seed, ks=tuple(sorted({*(ks or EvaluationPlan().ks)})))


def _check_no_model(given: Mapping[str, Any]) -> None:
    """Check that no option for a model is given with --completions.

    Raises:
        UsageError: An option for a model is given.

    """
    if name := next((name for name, value in given.items() if value is not None and value != []), None):
        raise UsageError(
            f"{name} is for requests to a model, but --completions sends no requests: remove {name} or --completions"
        )


def _print_result(result: EvaluationResult) -> None:
    found = result.evaluation
    columns, rows = result_files.figures_table(found.summary)
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    out.print(table)
    for note in result.notes:
        out.print(f"Note: {note}")
    for line in result_files.impossible_lines(found.summary):
        out.print(line)
    out.print(f"Samples, figures and reasons are in {result.folder}")
