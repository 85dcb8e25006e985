"""Run a recipe from Python: from sources to a dataset, resumable at any moment."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from glotsmith.api import run_config
from glotsmith.api.activity import FailureCounter, ReportActivity, RunActivity, report_nothing, reporting_activity
from glotsmith.api.budget_watch import RowCounter, count_rows_so_far, counting_time
from glotsmith.api.export import partial_sentence, write_formats
from glotsmith.api.folders import removed_if_refused
from glotsmith.api.no_input import check_input
from glotsmith.api.program_services import ProgramServices, open_program_services
from glotsmith.api.reply_rounds import refuse_open_batches, run_in_rounds
from glotsmith.api.run_log import LOG, logging_to
from glotsmith.api.run_rows import RunRows, finished_rows, rows_so_far
from glotsmith.api.run_steps import ExtraSteps, chosen_steps, fill_cluster, with_extra_steps
from glotsmith.api.run_teachers import CachedTeachers, RunTeachers
from glotsmith.api.spending import RunSpending
from glotsmith.api.stored_form import keep_stored_form
from glotsmith.api.synchronous import synchronous
from glotsmith.cluster import ClusterOptions
from glotsmith.counts import counted
from glotsmith.datasets.exporters.formats import check_format
from glotsmith.drop_reasons import Reason
from glotsmith.errors import BudgetError, GlotsmithError, InputError, UsageError
from glotsmith.execution.base import NoProgress, Progress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.folder_lock import LOCK
from glotsmith.ledger import Ledger
from glotsmith.recipes.adaptive_sampling import reopen_for_budget
from glotsmith.recipes.base import RecipeServices
from glotsmith.records import Example, FunnelRow
from glotsmith.run_folder import CACHE, CONFIG, LEDGER_FILES, RunFolder, stored_config
from glotsmith.shard import parse_shard
from glotsmith.step import ItemStep, Step, WholeStep
from glotsmith.verification import Verifier

_CACHE_FILES = tuple(f"{CACHE}{end}" for end in ("", "-wal", "-shm"))
RUN_FILES = (CONFIG, LOCK, LOG, *LEDGER_FILES, *_CACHE_FILES)  #: files of a run folder without a dataset


class RunPlace(NamedTuple):
    """The folder and the caches of a run."""

    folder: Path
    cache: Path | None = None  #: a cache file to share between runs
    others: Sequence[Path] = ()  #: other caches to read, of the run, its preview and its pilot
    preview_and_pilot: Sequence[Path] = ()  #: folders of the preview and the pilot, other than ``folder``

    @classmethod
    def choose(
        cls, config: run_config.RunConfig, output: Path | str | None = None, cache: Path | str | None = None
    ) -> "RunPlace":
        """Return the given folder of a run, or the folder of its configuration.

        A preview, a pilot and each shard have their own folder next to it: ``RUN-preview``, ``RUN-2-of-8``.

        Raises:
            UsageError: The shard of the configuration is not valid.

        """
        given = [Path(path) if path else None for path in (output, cache)]
        run = given[0] or config.output_path("output") or Path("runs") / config.recipe
        run = run if run.name else run.absolute()  # "." has no name
        if not run.name:
            raise UsageError(f"the run folder {run} has no name: choose another folder with -o")
        preview, pilot = (run.with_name(f"{run.name}-{kind}") for kind in ("preview", "pilot"))
        if shard := parse_shard(config.shard or ""):
            run = run.with_name(f"{run.name}-{shard.number}-of-{shard.total}")
        folder = preview if config.preview else pilot if config.pilot else run
        others = [place / CACHE for place in (run, preview, pilot) if place != folder]
        preview_and_pilot = [place for place in (preview, pilot) if place != folder]
        return cls(folder, given[1] or config.output_path("cache"), others, preview_and_pilot)


class RunRequest(NamedTuple):
    """A run to execute."""

    config: run_config.RunConfig
    place: RunPlace
    workers: int | None = None  #: number of programs that run at once, for each node of a cluster
    cluster: ClusterOptions | None = None  #: the options of a cluster; None to run programs on this machine
    retry: tuple[Reason, ...] = ()  #: drop reasons for which items are tried again
    steps_after: ExtraSteps = {}  #: name of a step → the user's step that follows it


class RunMessages(NamedTuple):
    """The functions that receive the messages of a run; by default they do nothing."""

    notify: Callable[[str], None] = lambda _: None
    warn: Callable[[GlotsmithError], None] = lambda _: None
    activity: ReportActivity = report_nothing  #: called about once a second, and at the end


class RunResult(NamedTuple):
    """The outcome of a run."""

    folder: Path  #: the run folder; ``dataset/`` in it holds the rows
    funnel: tuple[FunnelRow, ...]  #: the counts of each step

    def examples(self) -> Iterator[Example]:
        """Yield the dataset rows."""
        with RunFolder.open(self.folder) as folder:
            yield from finished_rows(folder).examples()


async def run_async(
    recipe: str,
    *,
    sources: Sequence[str] = (),
    languages: Sequence[str] = (),
    output: Path | str | None = None,
    teacher: str = "",
    model: str = "",
    base_url: str = "",
    teacher_options: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    prompts: Mapping[str, Path | str] | None = None,
    roles: Mapping[str, Any] | None = None,
    seed: int | None = None,
    formats: Sequence[str] = (),
    budget: Sequence[str] = (),
    isolation: str = "",
    workers: int | None = None,
    cache: Path | str | None = None,
    steps_after: ExtraSteps | None = None,
    shard: str = "",
    progress: Progress | None = None,
) -> RunResult:
    """Run a recipe; the same call resumes a stopped run.

    Args:
        recipe: The name of a recipe, or a TOML file. The other arguments override the file.
        sources: Packages (``package:toolz``), folders and files.
        languages: Target languages.
        output: The run folder; by default the folder in the file, or ``runs/RECIPE``.
        teacher: A teacher's name (``batch``, ``offline``, ``local``, ``openai``, ``scripted``, ``transformers``); by
            default ``offline``.
        model: The teacher's model.
        base_url: The teacher's server.
        teacher_options: Other options of the teacher.
        options: Options of the recipe (``docs/recipes``).
        prompts: Name of a prompt of the recipe → your file that replaces it (``glotsmith prompts RECIPE``).
        roles: Teachers of roles that differ from ``teacher``, as tables of the file (``docs/roles.md``).
        seed: The seed of all sampling; by default 0.
        formats: The formats of the dataset; by default ``jsonl`` and ``parquet``.
        budget: The limits of the run: ``("20usd", "ocaml=500rows")``.
        isolation: The isolation back end of the sandbox; by default the first that works.
        workers: The number of programs that run at once; by default one per processor.
        cache: A cache file to share between runs.
        steps_after: Name of a step → your own step that follows it. The names of these steps belong to the run.
        shard: The part of the sources to process, such as ``2/8``, in the folder ``OUTPUT-2-of-8``; ``merge`` makes
            the dataset of all parts.
        progress: The object that receives the progress of the run; by default nothing is shown.

    Raises:
        UsageError: An argument is invalid, or the run folder belongs to another configuration.
        InputError: A source is malformed.
        OutageError: The teacher or the machine failed; the same call resumes the run.
        BudgetError: A budget is reached; the same call with a larger one resumes the run.
        GlotsmithError: See ``errors.py``.

    """
    lists = {"sources": sources, "languages": languages}
    given = {
        "seed": seed,
        "formats": tuple(formats),
        "budget": tuple(budget),
        "isolation": isolation,
        "shard": shard,
        "teacher": {"name": teacher, "model": model, "base_url": base_url, "options": dict(teacher_options or {})},
        "roles": dict(roles or {}),
        "prompts": {name: str(file) for name, file in (prompts or {}).items()},
        "options": {**(options or {}), **{name: tuple(value) for name, value in lists.items() if value}},
    }
    config = run_config.load(recipe, given)
    place = RunPlace.choose(config, output, cache)
    request = RunRequest(config, place, workers, steps_after=steps_after or {})
    await execute(PipelineRunner(), request, progress or NoProgress())
    with RunFolder.open(place.folder) as opened:
        return RunResult(place.folder, tuple(opened.ledger.funnel()))


run = synchronous(run_async)


async def execute(
    runner: PipelineRunner, request: RunRequest, progress: Progress, messages: RunMessages | None = None
) -> bool:
    """Check the request, run the recipe and write the dataset; return whether the run is finished."""
    chosen = keep_stored_form(run_config.with_preview_limit(request.config), stored_config(request.place.folder))
    for name in chosen.formats:
        check_format(name)
    refuse_open_batches(request.place.preview_and_pilot)
    teachers = RunTeachers(chosen)
    try:
        languages = tuple(chosen.options.get("languages") or ())
        async with open_program_services(
            chosen.isolation, request.workers, request.cluster, languages, (messages or RunMessages()).notify
        ) as programs:
            teachers.check_prices(run_config.budget_limits(chosen))
            check_steps(chosen, programs, teachers)
            stored = msgspec.to_builtins(chosen)
            changeable = run_config.changeable_keys_of(stored)
            place = request.place
            with (
                removed_if_refused(place.folder, *RUN_FILES) as disposable,
                RunFolder.create_or_resume(place.folder, stored, place.cache, changeable, place.others) as folder,
            ):
                pipeline = _Pipeline(request._replace(config=chosen), folder, programs, teachers)
                try:
                    return await pipeline.run(runner, progress, messages or RunMessages())
                finally:
                    if any(row.made for row in folder.ledger.funnel()):
                        disposable.clear()
    finally:
        await teachers.close()


def check_steps(chosen: run_config.RunConfig, programs: ProgramServices, teachers: RunTeachers) -> None:
    """Create the steps of a run without a folder, which checks the sources, languages and files.

    Raises:
        GlotsmithError: Something that the run needs is missing.

    """
    with closing(Ledger(Path(":memory:"))) as ledger:
        services = RecipeServices(
            programs.sandbox,
            programs.verifier(),
            teachers.main,
            chosen.seed,
            ledger,
            chosen.sources_folder(),
            roles=teachers.roles,
        )
        chosen_steps(chosen.build_recipe().steps(services), chosen)


class _Pipeline(NamedTuple):
    """A run with its folder and services."""

    request: RunRequest
    folder: RunFolder
    programs: ProgramServices
    teachers: RunTeachers

    async def run(self, runner: PipelineRunner, progress: Progress, messages: RunMessages) -> bool:
        config, ledger = self.request.config, self.folder.ledger
        for notice in self.teachers.notices():
            messages.notify(notice)
        ledger.exchanges.create_tables()
        spending = self._make_spending(runner)
        cached = CachedTeachers(self.teachers, self.folder.cache, ledger, spending, messages.notify)
        sandbox, verifier = self.programs.sandbox, self.programs.verifier(self.folder.cache)
        prompts = config.prompts_in_use()
        ledger.exchanges.store_prompts(prompt.stored(call) for call, prompt in prompts.items())
        folder, budget = config.sources_folder(), spending.limits
        services = RecipeServices(
            *(sandbox, verifier, cached.main, config.seed, ledger, folder, prompts, budget),
            roles=cached.roles,
            call=self.programs.call,
            node_count=self.programs.node_count,
        )
        try:
            steps = chosen_steps(
                with_extra_steps(config.build_recipe(), services, ledger, self.request.steps_after), config
            )
            fill_cluster(steps, self.programs.items_in_flight)
            _reopen_dropped(ledger, steps, self.request.retry, messages)
            if count := reopen_for_budget(ledger, steps, spending.limits):
                messages.notify(f"{counted(count, 'problem')} continued, because the budget has changed.")
            failures = FailureCounter(progress, ledger)
            activity = RunActivity(cached, sandbox, spending, failures)
            with logging_to(self.folder.path):
                run_steps = partial(self._run_steps, runner, steps, spending, failures, messages.notify)
                async with reporting_activity(activity.observe, messages.activity):
                    done = await run_in_rounds(
                        self.teachers.rounds, self.folder.path, cached, run_steps, runner.stopped
                    )
        except UsageError:
            raise
        except GlotsmithError as error:
            if isinstance(error, BudgetError):
                await cached.wait_in_flight()
            if not config.shard:
                await _write_partial_dataset(
                    self.folder, config.formats, messages, can_resume=not isinstance(error, InputError)
                )
            raise
        finally:
            await cached.close()
        if config.shard:  # only the merge of all shards makes a dataset
            return done
        if done:
            check_input(ledger.funnel()[0], config.recipe, config.options["sources"])
            rows = finished_rows(self.folder)
            if config.strength_sample:
                await self._measure_suites(rows, verifier, messages)
            write_formats(rows, config.formats, messages.warn)
        else:
            await _write_partial_dataset(self.folder, config.formats, messages)
        return done

    def _make_spending(self, runner: PipelineRunner) -> RunSpending:
        """Return the limits on the spending of this run.

        Raises:
            UsageError: The budget is invalid, or the price of the model is unknown.

        """
        config = self.request.config
        limits = run_config.budget_limits(config)
        return RunSpending(
            limits, self.folder.ledger, self.teachers.main, runner.finish_early, run_config.languages(config)
        )

    async def _run_steps(
        self,
        runner: PipelineRunner,
        steps: Sequence[Step[Any, Any]],
        spending: RunSpending,
        progress: Progress,
        notify: Callable[[str], None],
    ) -> bool:
        """Run the steps, and again while a sampling policy continues problems. Meanwhile, rows are counted."""
        after = self.request.config.build_recipe().final_steps(self.folder.ledger).after_step
        rows = RowCounter(progress, spending, after, lambda: count_rows_so_far(self.folder))
        try:
            async with counting_time(spending):
                while await runner.run(steps, self.folder.ledger, rows):
                    if not (count := await self._continue_for_budget(steps, spending)):
                        return True
                    notify(f"{counted(count, 'problem')} continued, because the budget allows more replies.")
                return False
        finally:
            await rows.close()

    async def _continue_for_budget(self, steps: Sequence[Step[Any, Any]], spending: RunSpending) -> int:
        """Return the number of problems that a sampling policy continues in a finished run."""
        learning = [step for step in steps if isinstance(step, ItemStep) and step.learns]
        if not learning or not spending.limits:
            return 0
        rows = await count_rows_so_far(self.folder)
        return sum(step.continue_for_budget(rows) for step in learning)

    async def _measure_suites(self, rows: RunRows, verifier: Verifier, messages: RunMessages) -> None:
        """Measure the strength of the suites for the dataset card; the card omits it if the machine fails."""
        from glotsmith.api.measured_languages import store_strength  # a slow import

        if sentence := await store_strength(rows, verifier, self.programs.sandbox):
            messages.notify(sentence)


def _reopen_dropped(
    ledger: Ledger, steps: Sequence[Step[Any, Any]], retry: Sequence[Reason], messages: RunMessages
) -> None:
    """Make items that were dropped for these reasons open again."""
    whole = {step.name for step in steps if isinstance(step, WholeStep)}
    for reason in retry:
        count = ledger.reopen(reason, whole)
        messages.notify(f"{counted(count, 'item')} dropped as {reason}: tried again.")


async def _write_partial_dataset(
    folder: RunFolder, formats: Sequence[str], messages: RunMessages, *, can_resume: bool = True
) -> None:
    """Write the rows that an unfinished run has so far. A format that cannot be written causes only a warning.

    Nothing is written without rows. There is no notice about resuming if the same command would fail again (not
    ``can_resume``).
    """
    try:
        async with rows_so_far(folder) as rows:
            if rows.made and can_resume:
                messages.notify(partial_sentence(rows.made))
            if rows.made:
                write_formats(rows, formats, messages.warn)
    except GlotsmithError as error:
        messages.warn(error)
