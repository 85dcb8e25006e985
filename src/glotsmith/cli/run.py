"""``glotsmith run``: a recipe from sources to dataset, resumable at any moment."""

import asyncio
import shlex
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.table import Table

from glotsmith import recipes
from glotsmith.cli import config
from glotsmith.cli.app import Isolation, Jobs, app, complete_language, complete_recipe, err, out, say
from glotsmith.cli.export import check_formats, partial_sentence, write_dataset
from glotsmith.cli.folders import removed_if_refused
from glotsmith.cli.log import LOG, logging_to
from glotsmith.cli.no_input import check_input, no_input_sentence
from glotsmith.cli.progress import Shown, funnel_table
from glotsmith.cli.rows import Rows, finished_rows, rows_so_far
from glotsmith.cli.show import side_by_side
from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.errors import GlotsmithError, InputError, UsageError, unknown_name
from glotsmith.exchanges import Heard
from glotsmith.execution import executor
from glotsmith.execution.base import Executor, FaultLimits
from glotsmith.execution.signals import stopping_on_signals
from glotsmith.folder_lock import LOCK
from glotsmith.ledger import Ledger
from glotsmith.records import Example
from glotsmith.run_folder import CACHE, CONFIG, LEDGER, RunFolder
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Step, WholeStep
from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.teachers.cached import Hear

Texts = list[str] | None
_DATABASES = tuple(f"{name}{end}" for name in (LEDGER, CACHE) for end in ("", "-wal", "-shm"))
_FILES = (CONFIG, LOCK, LOG, *_DATABASES)  #: of a run folder without a dataset


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
            help="A recipe (see 'glotsmith recipes'), or a TOML file that has one.", autocompletion=complete_recipe
        ),
    ],
    source: Annotated[
        Texts,
        typer.Option(
            "--source", "-s", help="package:toolz, stdlib:textwrap, a folder, a file, hf:dataset; repeatable."
        ),
    ] = None,
    language: Annotated[
        Texts, typer.Option("--language", "-l", help="Target language; repeatable.", autocompletion=complete_language)
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Run folder; default runs/RECIPE.")] = None,
    teacher: Annotated[str, typer.Option(help="offline, openai, transformers, scripted.")] = "",
    model: Annotated[str, typer.Option(help="The teacher's model; for scripted, the file with replies.")] = "",
    base_url: Annotated[str, typer.Option(help="The server, as in http://localhost:8000/v1.")] = "",
    option: Annotated[
        Texts,
        typer.Option(
            "--set", help="NAME=VALUE: an option of the recipe, seed or formats; teacher.NAME=VALUE; repeatable."
        ),
    ] = None,
    isolation: Isolation = "",
    jobs: Jobs = None,
    preview: Annotated[int, typer.Option(min=0, help="Try N items of the sources in a folder beside.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="A cache file to share between runs.")] = None,
    max_failures: Annotated[
        int, typer.Option(min=1, help="Stop, with exit code 3, when teacher or machine fails so often in a row.")
    ] = FaultLimits().failures,
    max_runs: Annotated[
        int, typer.Option(min=1, help="Drop an item that fails by itself in so many runs, while others do not.")
    ] = FaultLimits().runs,
    max_internal_errors: Annotated[
        int, typer.Option(min=0, help="Stop after so many internal errors of a step in a row, or 5 % of its items.")
    ] = FaultLimits().internal_errors,
    retry: Annotated[
        Texts, typer.Option(help="Try again what was dropped for this reason, as in internal_error; repeatable.")
    ] = None,
) -> None:
    """Run a recipe; the same command goes on where it was left.

    Exit code 3: the teacher or the machine failed. What is without an answer stays open; the same command asks again.

    Examples:

    [bold]glotsmith run multipl-t -s package:toolz -l lua[/]  (no key, no network: the offline teacher)

    [bold]glotsmith run multipl-t -s ./src -l ocaml -l racket --teacher openai --model MODEL --base-url URL[/]

    [bold]glotsmith run run.toml --preview 5[/]
    """
    changes = _changes(source, language, teacher, model, base_url, option)
    chosen = config.load(recipe, {**changes, "isolation": isolation, "preview": preview or None})
    wanted = output or chosen.target("output") or Path("runs") / chosen.recipe
    folder, other = _folders(wanted, preview=bool(chosen.preview))
    place = Place(folder, cache or chosen.target("cache"), other)
    limits = FaultLimits(failures=max_failures, runs=max_runs, internal_errors=max_internal_errors)
    code = asyncio.run(_run(chosen, place, jobs, Faulty(limits, _reasons(retry))))
    if code == 0:
        found = _show_end(folder, preview=bool(chosen.preview))
        _advise(chosen, folder, found=found)
    raise typer.Exit(code)


class Place(NamedTuple):
    """Where a run works."""

    folder: Path
    cache: Path | None  #: to share between runs
    other: Path | None  #: a cache that is looked at too: a preview's for its run, and the run's for its preview


def _folders(run: Path, *, preview: bool) -> tuple[Path, Path]:
    """Return the folder to work in, and the cache of the run's preview or of the preview's run."""
    beside = run.with_name(f"{run.name}-preview")
    if preview:
        return beside, run / CACHE
    return run, beside / CACHE


class Faulty(NamedTuple):
    """What is done about faults: when to stop, and what to try again."""

    limits: FaultLimits
    retry: tuple[Reason, ...]


def _reasons(names: Texts) -> tuple[Reason, ...]:
    """Return the drop reasons of these names.

    Raises:
        UsageError: there is no such reason.

    """
    known = {str(reason): reason for reason in Reason}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UsageError(unknown_name(f"--retry: there is no drop reason {unknown[0]!r}", unknown[0], known))
    return tuple(known[name] for name in names or ())


def _changes(source: Texts, language: Texts, teacher: str, model: str, base_url: str, option: Texts) -> dict[str, Any]:
    given = config.assignments(option or [])
    own = {k.removeprefix("teacher."): v for k, v in given.items() if k.startswith("teacher.")}
    rest = {k: v for k, v in given.items() if not k.startswith("teacher.")}
    own_fields = {name: rest.pop(name) for name in ("seed", "formats") if name in rest}
    options = {**rest, "sources": tuple(source or ()), "languages": tuple(language or ())}
    return {
        **own_fields,
        "teacher": {"name": teacher, "model": model, "base_url": base_url, "options": own},
        "options": {k: v for k, v in options.items() if v != ()},
    }


async def _run(chosen: config.RunConfig, place: Place, jobs: int | None, faulty: Faulty) -> int:
    """Run with signals in hand from the first moment: the imports alone take a while."""
    worker = executor("local", faulty.limits)
    with stopping_on_signals(worker.stop, lambda text: err.print(text)) as seen:
        done = await _work(worker, chosen, place, jobs, faulty.retry)
    if done and not seen.exit_code:
        return 0
    err.print(f"Stopped; {place.folder} holds everything so far. The same command goes on from here.")
    return seen.exit_code or 1


async def _work(
    worker: Executor, chosen: config.RunConfig, place: Place, jobs: int | None, retry: Sequence[Reason]
) -> bool:
    """Check everything, run the recipe and write the dataset; return whether the run came to its end."""
    from glotsmith.sandbox import open_sandbox
    from glotsmith.teachers import open_teacher

    chosen = config.bounded(chosen)
    check_formats(chosen.formats)
    wanted = chosen.located_teacher()
    teacher = open_teacher(wanted.name, model=wanted.model, base_url=wanted.base_url, options=wanted.options)
    if teacher.model and teacher.model == wanted.model:
        teacher.model = chosen.teacher.model  # rows name it as the user wrote it, in every working directory
    try:
        sandbox = open_sandbox(chosen.isolation, jobs)
        try:
            check_steps(chosen, sandbox, teacher)
            free = config.free_keys(wanted.name, chosen.recipe)
            stored = msgspec.to_builtins(chosen)
            with (
                removed_if_refused(place.folder, *_FILES) as disposable,
                RunFolder.create_or_resume(place.folder, stored, place.cache, free, place.other) as folder,
            ):
                try:
                    return await _carry_out(worker, chosen, folder, Service(sandbox, teacher), retry)
                finally:
                    if any(row.made for row in folder.ledger.funnel()):
                        disposable.clear()
        finally:
            await sandbox.close()
    finally:
        await teacher.close()


def check_steps(chosen: config.RunConfig, sandbox: Sandbox, teacher: Teacher) -> None:
    """Make the steps of a run once, without a folder: what can be known of sources, languages and files is checked.

    Raises:
        GlotsmithError: something that the run needs is not there.

    """
    from glotsmith.recipes.base import RecipeServices
    from glotsmith.verification import Verifier

    with closing(Ledger(Path(":memory:"))) as ledger:
        chosen.made().steps(
            RecipeServices(sandbox, Verifier(sandbox), teacher, chosen.seed, ledger, chosen.sources_folder())
        )


class Service(NamedTuple):
    """Who runs programs, and who is asked."""

    sandbox: Sandbox
    teacher: Teacher


async def _carry_out(
    worker: Executor, chosen: config.RunConfig, folder: RunFolder, service: Service, retry: Sequence[Reason]
) -> bool:
    from glotsmith.recipes.base import RecipeServices
    from glotsmith.teachers.cached import Cached
    from glotsmith.verification import Verifier

    cached = Cached(service.teacher, folder.cache, hearing(folder.ledger))
    verifier, ledger = Verifier(service.sandbox, folder.cache), folder.ledger
    tools = RecipeServices(service.sandbox, verifier, cached, chosen.seed, ledger, chosen.sources_folder())
    try:
        steps = chosen.made().steps(tools)
        _reopen(ledger, steps, retry)
        with logging_to(folder.path), Shown(err) as shown:
            done = await worker.run(steps, ledger, shown)
    except UsageError:
        raise
    except GlotsmithError as error:
        await _write_so_far(folder, chosen.formats, goes_on=not isinstance(error, InputError))
        raise
    finally:
        await cached.close()
    if done:
        check_input(ledger.funnel()[0], chosen.recipe, chosen.options["sources"])
        _write_all(finished_rows(folder), chosen.formats)
    else:
        await _write_so_far(folder, chosen.formats)
    return done


def hearing(ledger: Ledger) -> Hear:
    """Return what writes the replies that a run hears into its ledger."""

    def hear(request: Request, address: str, reply: Reply, cached: bool) -> None:
        text = request.prompt or "\n\n".join(f"[{message.role}]\n{message.content}" for message in request.messages)
        tokens = reply.input_tokens + reply.output_tokens
        ledger.note_reply(Heard(address, request.item, request.call, request.sample, text, cached, reply.cost, tokens))

    return hear


def _reopen(ledger: Ledger, steps: Sequence[Step[Any, Any]], retry: Sequence[Reason]) -> None:
    """Take back the drops for these reasons."""
    whole = {step.name for step in steps if isinstance(step, WholeStep)}
    for reason in retry:
        count = ledger.reopen(reason, whole)
        err.print(f"{counted(count, 'item')} dropped as {reason}: tried again.")


async def _write_so_far(folder: RunFolder, formats: Sequence[str], *, goes_on: bool = True) -> None:
    """Write the dataset of a run that was stopped; what can't be written is told of, and is no error of the run.

    Without a row there is nothing to say, and where the same command fails again (not ``goes_on``) it can't go on.
    """
    try:
        async with rows_so_far(folder) as rows:
            if rows.made and goes_on:
                err.print(partial_sentence(rows))
            if rows.made:
                _write_all(rows, formats)
    except GlotsmithError as error:
        say(error)


def _write_all(rows: Rows, formats: Sequence[str]) -> None:
    """Write the dataset in all formats.

    Raises:
        GlotsmithError: of a format that can't be written; the others are.

    """
    failures = list[GlotsmithError]()
    for name in formats:
        try:
            write_dataset(rows, name, rows.folder.dataset / name)
        except GlotsmithError as error:  # such as no preference pair for a format of pairs
            failures.append(error)
    for error in failures[1:]:
        say(error)
    if failures:
        raise failures[0]


def _show_end(path: Path, *, preview: bool) -> bool:
    """Show the funnel, where the dataset is, and one example side by side; return whether the sources hold anything."""
    with RunFolder.open(path) as folder:
        funnel = folder.ledger.funnel()
        out.print(funnel_table(funnel))
        made = funnel[-1].made
        what = recipes.get(folder.config["recipe"]).row_noun
        out.print(f"\n{made} {what} are in {folder.dataset}")
        if sentence := no_input_sentence(funnel[0], folder.config["recipe"], folder.config["options"]["sources"]):
            out.print(sentence)
        if broken := sum(row.reasons.get(Reason.INTERNAL_ERROR, 0) for row in funnel):
            out.print(
                f"{counted(broken, 'item')} met an internal error: please report it; the tracebacks are in {path / LOG}"
            )
        for title, finding in finished_rows(folder).findings().items():
            out.print(f"{title}: {finding}")
        examples = (item for _, item in folder.ledger.kept(funnel[-1].step, Example) if item.kind != "original")
        first = next((e for e in examples if preview or 8 <= e.completion.count("\n") <= 16), None)
        if first is not None:
            out.print(side_by_side(first))
        return funnel[0].made > 0


def _advise(chosen: config.RunConfig, folder: Path, *, found: bool) -> None:
    """Print the next commands to type; another model is no help where the sources hold nothing (not ``found``)."""
    out.print(f"\nLook at what was kept and dropped:  glotsmith show {shlex.quote(str(folder))} --dropped")
    if chosen.teacher.name != "offline" or not found:
        return
    given = [f"-s {shlex.quote(s)}" for s in chosen.located_sources()]
    given += [
        f"--set {shlex.quote(f'{name}={msgspec.json.encode(value).decode()}')}"
        for name, value in chosen.options.items()
        if name not in ("sources", "languages")
    ]
    out.print("With your own model, on any OpenAI-compatible server (its key in OPENAI_API_KEY, if it wants one):")
    out.print(
        f"  glotsmith run {chosen.recipe} {' '.join(given)} -l ocaml -l racket -l r -l julia -l lua "
        "--teacher openai --model MODEL --base-url http://localhost:8000/v1",
        soft_wrap=True,
    )
