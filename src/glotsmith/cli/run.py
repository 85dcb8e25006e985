"""``glotsmith run``: run a recipe from sources to dataset, or resume a run."""

import asyncio
import shlex
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from glotsmith import recipes
from glotsmith.api import role_config, run_config
from glotsmith.api.forecast import forecast_run
from glotsmith.api.no_input import no_input_sentence
from glotsmith.api.program_services import cluster_options
from glotsmith.api.run import RunMessages, RunPlace, RunRequest, execute
from glotsmith.api.run_log import LOG
from glotsmith.api.run_rows import finished_rows
from glotsmith.cli.app import (
    Executor,
    Isolation,
    Jobs,
    MixedToolchains,
    RayAddress,
    TextList,
    app,
    complete_language,
    complete_recipe,
    err,
    out,
    print_error,
)
from glotsmith.cli.forecast import print_forecast
from glotsmith.cli.funnel_table import funnel_table
from glotsmith.cli.models import model_costs_table
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.cli.progress.run_progress import RunProgress
from glotsmith.cli.prompts import Prompts, prompt_files
from glotsmith.cli.side_by_side import side_by_side
from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError, unknown_name
from glotsmith.execution.base import FaultLimits
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.execution.signals import stopping_on_signals
from glotsmith.records import Example
from glotsmith.run_folder import RunFolder
from glotsmith.shard import parse_shard
from glotsmith.teachers import TEACHERS

_PILOT_SHARE = 0.05  #: default share of the items in a pilot


@app.command(name="recipes")
def list_recipes() -> None:
    """List the recipes and their papers.

    Example: [bold]glotsmith recipes[/]
    """
    table = Table("recipe", "what it makes", "paper")
    for name in recipes.RECIPES:
        recipe = recipes.get(name)
        table.add_row(name, recipe.title, recipe.paper)
    out.print(table)


@app.command()
def run(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe (see 'glotsmith recipes'), or a TOML file that names one.", autocompletion=complete_recipe
        ),
    ],
    source: Annotated[
        TextList,
        typer.Option(
            "--source", "-s", help="package:toolz, stdlib:textwrap, a folder, a file, hf:dataset; repeatable."
        ),
    ] = None,
    language: Annotated[
        TextList,
        typer.Option("--language", "-l", help="Target language; repeatable.", autocompletion=complete_language),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Run folder; default: runs/RECIPE.")] = None,
    teacher: Annotated[str, typer.Option(help=f"{', '.join(TEACHERS)}.")] = "",
    model: Annotated[str, typer.Option(help="Model of the teacher; for scripted, the file with replies.")] = "",
    base_url: Annotated[str, typer.Option(help="URL of the server: http://localhost:8000/v1.")] = "",
    option: Annotated[
        TextList,
        typer.Option(
            "--set",
            help="NAME=VALUE: an option of the recipe, seed, formats or strength_sample; teacher.NAME=VALUE; "
            "repeatable.",
        ),
    ] = None,
    prompt: Prompts = None,
    policy: Annotated[
        str, typer.Option(help="Policy of the recipe. For multipl-t: fixed, early_stop or adaptive.")
    ] = "",
    isolation: Isolation = "",
    jobs: Jobs = None,
    executor: Executor = "local",
    ray_address: RayAddress = "",
    mixed_toolchains: MixedToolchains = False,
    preview: Annotated[int, typer.Option(min=0, help="Try N items of the sources, in a separate folder.")] = 0,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Run a pilot, in a separate folder, and predict the run: rows, cost, hours."),
    ] = False,
    pilot_share: Annotated[
        float | None,
        typer.Option(
            min=0.001, max=1, help="With --estimate: share of the items in the pilot; at least 30.", show_default="0.05"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --estimate: print the prediction as JSON.")] = False,
    shard: Annotated[
        str,
        typer.Option(
            help="NUMBER/TOTAL, such as 2/8: process one part of the sources. 'glotsmith merge' joins all parts."
        ),
    ] = "",
    cache: Annotated[Path | None, typer.Option(help="Cache file to share between runs.")] = None,
    index: Annotated[
        str,
        typer.Option(help="For multipl-t: folder of texts that several runs share, to drop duplicates across runs."),
    ] = "",
    budget: Annotated[
        TextList,
        typer.Option(
            help="Stop with exit code 4 at this limit: 20usd, 5Mtok, 3h, 2000rows, or ocaml=500rows; repeatable."
        ),
    ] = None,
    max_failures: Annotated[
        int,
        typer.Option(
            min=1, help="Stop with exit code 3 after this many failures of the teacher or the machine in a row."
        ),
    ] = FaultLimits().failures,
    max_runs: Annotated[
        int, typer.Option(min=1, help="Drop an item that fails in this many runs while other items do not.")
    ] = FaultLimits().runs,
    max_internal_errors: Annotated[
        int, typer.Option(min=0, help="Stop after this many internal errors of a step in a row, or 5 % of its items.")
    ] = FaultLimits().internal_errors,
    retry: Annotated[
        TextList,
        typer.Option(help="Retry items that were dropped for this reason, such as internal_error; repeatable."),
    ] = None,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Run a recipe. Run the same command again to resume.

    Exit code 3: the teacher or the machine failed. Unanswered items stay open, and the same command retries them.
    Exit code 4: a budget is reached. The same command with a larger one resumes.
    Exit code 5: requests wait in batches. The same command reads their replies and resumes.

    Examples:

    [bold]glotsmith run multipl-t -s package:toolz -l lua[/]  (no key, no network: the offline teacher)

    [bold]glotsmith run multipl-t -s ./src -l ocaml -l racket --teacher openai --model MODEL --base-url URL[/]

    [bold]glotsmith run run.toml --preview 5[/]

    [bold]glotsmith run run.toml --estimate[/]
    """
    changes = _config_changes(source, language, teacher, model, base_url, option)
    if policy:
        changes["options"]["policy"] = policy
    if index:
        changes["options"]["index"] = index
    changes |= {"isolation": isolation, "preview": preview or None, "shard": shard}
    changes["pilot"] = _pilot_share(pilot_share, estimate=estimate, as_json=as_json)
    changes["budget"] = tuple(budget or ())
    changes["prompts"] = prompt_files(prompt)
    chosen = run_config.load(recipe, changes)
    place = RunPlace.choose(chosen, output, cache)
    cluster = cluster_options(executor, ray_address, mixed_toolchains=mixed_toolchains)
    limits = FaultLimits(failures=max_failures, runs=max_runs, internal_errors=max_internal_errors)
    code = asyncio.run(_run(RunRequest(chosen, place, jobs, cluster, _drop_reasons(retry)), limits, progress))
    if code == 0:
        if estimate:
            print_forecast(forecast_run(place.folder), place.folder, as_json=as_json)
            raise typer.Exit
        if chosen.shard:
            _show_end_of_shard(place.folder)
            raise typer.Exit
        found = show_end(place.folder, preview=bool(chosen.preview))
        _print_next_commands(chosen, place.folder, found=found)
    raise typer.Exit(code)


def _pilot_share(share: float | None, *, estimate: bool, as_json: bool) -> float | None:
    """Return the share of the items in a pilot; None for a run.

    Raises:
        UsageError: An option of a pilot is given without --estimate.

    """
    if not estimate and (as_json or share is not None):
        option = "--json" if as_json else "--pilot-share"
        raise UsageError(f"{option} needs --estimate: add --estimate, or remove {option}")
    return (share or _PILOT_SHARE) if estimate else None


def _drop_reasons(names: TextList) -> tuple[Reason, ...]:
    """Return the drop reasons with the given names.

    Raises:
        UsageError: A name is not a drop reason.

    """
    known = {str(reason): reason for reason in Reason}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UsageError(unknown_name(f"--retry: there is no drop reason {unknown[0]!r}", unknown[0], known))
    return tuple(known[name] for name in names or ())


def _config_changes(
    source: TextList, language: TextList, teacher: str, model: str, base_url: str, option: TextList
) -> dict[str, Any]:
    given = run_config.assignments(option or [])
    own = {k.removeprefix("teacher."): v for k, v in given.items() if k.startswith("teacher.")}
    roles = role_config.assigned({k: v for k, v in given.items() if k.startswith("roles.")})
    rest = {k: v for k, v in given.items() if not k.startswith(("teacher.", "roles."))}
    own_fields = {name: rest.pop(name) for name in ("seed", "formats", "strength_sample") if name in rest}
    options = {**rest, "sources": tuple(source or ()), "languages": tuple(language or ())}
    return {
        **own_fields,
        "teacher": {"name": teacher, "model": model, "base_url": base_url, "options": own},
        "roles": roles,
        "options": {k: v for k, v in options.items() if v != ()},
    }


async def _run(request: RunRequest, limits: FaultLimits, mode: ProgressMode) -> int:
    """Run with signal handlers, which are set before the slow imports."""
    runner = PipelineRunner(limits=limits)
    with RunProgress(err, mode) as shown, stopping_on_signals(runner.stop, shown.print) as seen:
        done = await execute(runner, request, shown, RunMessages(shown.print, print_error, shown.show_activity))
    if done and not seen.exit_code:
        return 0
    err.print(f"Stopped; {request.place.folder} contains all results so far. Run the same command again to resume.")
    return seen.exit_code or 1


def _show_end_of_shard(path: Path) -> None:
    """Show the funnel of a shard, and the command that merges all shards."""
    with RunFolder.open(path) as folder:
        out.print(funnel_table(folder.ledger.funnel()))
        shard = parse_shard(folder.config["shard"])
    assert shard is not None, "the run is a shard"
    run = path.with_name(path.name.removesuffix(f"-{shard.number}-of-{shard.total}"))
    out.print(f"\nShard {shard} is finished: {path}. When all are finished, merge them into one dataset:")
    out.print(
        f"  glotsmith merge {shlex.quote(str(run))}-*-of-{shard.total} -o {shlex.quote(str(run))}", soft_wrap=True
    )


def show_end(path: Path, *, preview: bool = False) -> bool:
    """Show the funnel, the dataset's folder and one example; return whether the sources yielded any item."""
    with RunFolder.open(path) as folder:
        funnel = folder.ledger.funnel()
        out.print(funnel_table(funnel))
        made = funnel[-1].made
        what = recipes.get(folder.config["recipe"]).row_noun
        out.print(f"\n{counted(made, what, 'is')} in {folder.dataset}")
        if sentence := no_input_sentence(funnel[0], folder.config["recipe"], folder.config["options"]["sources"]):
            out.print(sentence)
        if broken := sum(row.reasons.get(Reason.INTERNAL_ERROR, 0) for row in funnel):
            out.print(
                f"{counted(broken, 'item')} caused an internal error: please report it. Tracebacks are in {path / LOG}"
            )
        if (models := model_costs_table(folder.ledger)) is not None:
            out.print(models)
        for title, finding in finished_rows(folder).findings().items():
            out.print(f"{title}: {finding}")
        examples = (item for _, item in folder.ledger.kept_items(funnel[-1].step, Example) if item.kind != "original")
        first = next((e for e in examples if preview or 8 <= e.completion.count("\n") <= 16), None)
        if first is not None:
            out.print(side_by_side(first))
        return funnel[0].made > 0


def _print_next_commands(chosen: run_config.RunConfig, folder: Path, *, found: bool) -> None:
    """Print the next commands to type, without those for another model if the sources are empty (not ``found``)."""
    out.print(f"\nWrite a report for the browser:  glotsmith report {shlex.quote(str(folder))}")
    out.print(f"List the dropped items with the reasons:  glotsmith show {shlex.quote(str(folder))} --dropped")
    if chosen.teacher.name != "offline" or not found:
        return
    given = [f"-s {shlex.quote(s)}" for s in chosen.resolved_sources()]
    given += [
        f"--set {shlex.quote(f'{name}={msgspec.json.encode(value).decode()}')}"
        for name, value in chosen.options.items()
        if name not in ("sources", "languages")
    ]
    out.print("With your own model, on any OpenAI-compatible server (with its key in OPENAI_API_KEY, if it needs one):")
    out.print(
        f"  glotsmith run {chosen.recipe} {' '.join(given)} -l ocaml -l racket -l r -l julia -l lua "
        "--teacher openai --model MODEL --base-url http://localhost:8000/v1",
        soft_wrap=True,
    )
