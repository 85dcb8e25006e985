"""``glotsmith evaluate``: pass@k on benchmarks, by the runner that also makes data."""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, cast

import msgspec
import typer
from rich.progress import Progress
from rich.table import Table

from glotsmith.cache import Cache
from glotsmith.cli import config
from glotsmith.cli.app import Docstrings, Isolation, Jobs, Stopped, Wordings, app, complete_language, err, out
from glotsmith.cli.asking import Asking, Set, ask, named
from glotsmith.cli.folders import removed_if_refused
from glotsmith.counts import agreeing, counted
from glotsmith.errors import OutageError, UsageError
from glotsmith.evaluation import completions, output
from glotsmith.evaluation.evaluate import FAILURES, Asked, Evaluation, Plan, Source, Stored, evaluate
from glotsmith.evaluation.questions import Question, Style, at_signature
from glotsmith.evaluation.summary import warnings_of
from glotsmith.evaluation.trained import PROMPT_ENDS, trained_form
from glotsmith.languages import resolve, toolchain
from glotsmith.languages.docstrings import Wording
from glotsmith.records import Record
from glotsmith.sandbox.base import Sandbox
from glotsmith.teachers.base import Teacher

Texts = list[str] | None
_DATABASE = ("", "-wal", "-shm")  #: ends of the names of a database's files


class Options(Record, frozen=True, kw_only=True):
    """Everything that determines the figures."""

    sets: tuple[Set, ...]
    languages: tuple[str, ...]
    teacher: config.TeacherConfig
    completions: str
    style: str  #: of the completions; empty: as their fields say
    originals: tuple[Set, ...]
    limit: int
    isolation: str
    plan: Plan
    docstrings: Wording
    prompt_end: str  #: of completion prompts: ``newline``, ``signature``; empty where no model continues them

    def stored(self) -> dict[str, str]:
        """Return what is compared when the command goes on in a folder: what determines the figures."""
        free = config.free_keys(self.teacher.name)
        own = {name: value for name, value in self.teacher.options.items() if f"teacher.options.{name}" not in free}
        teacher = msgspec.structs.replace(self.teacher, base_url="", options=own)
        fields = {**msgspec.to_builtins(self), "teacher": msgspec.to_builtins(teacher)}
        del fields["isolation"]
        return {name: msgspec.json.encode(value).decode() for name, value in sorted(fields.items())}

    def sampling(self) -> dict[str, float]:
        """Return how a model was asked; nothing where completions were given."""
        names = () if self.completions else ("temperature", "top_p", "max_tokens")
        return {name: getattr(self.plan, name) for name in names}


@app.command(name="evaluate")
def evaluate_command(
    benchmark: Annotated[
        list[str],
        typer.Argument(
            help="NAME=PATH, or NAME alone to take it from the hub: humaneval, mbpp, humaneval+, mbpp+, multipl-e, "
            "mceval, ds1000, livecodebench-x; questions (of 'benchmark make'), rows (of a dataset)."
        ),
    ],
    language: Annotated[
        Texts, typer.Option("--language", "-l", help="Target language; repeatable.", autocompletion=complete_language)
    ] = None,
    teacher: Annotated[str, typer.Option(help="Who is asked: openai, transformers, scripted.")] = "",
    model: Annotated[str, typer.Option(help="The model; for scripted, the file with replies.")] = "",
    base_url: Annotated[str, typer.Option(help="The server, as in http://localhost:8000/v1.")] = "",
    option: Annotated[Texts, typer.Option("--set", help="teacher.NAME=VALUE; repeatable.")] = None,
    stored: Annotated[
        Path | None, typer.Option("--completions", help="Judge a file or folder of completions; no model is asked.")
    ] = None,
    original: Annotated[
        Texts, typer.Option(help="humaneval=FILE or mbpp=FILE: judge multipl-e by our corrected suites too.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="Samples a problem.")] = 20,
    temperature: Annotated[float, typer.Option("--temperature", "-t", min=0.0)] = 0.2,
    greedy: Annotated[bool, typer.Option("--greedy", help="One sample at temperature 0.")] = False,
    top_p: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.95,
    max_tokens: Annotated[int, typer.Option(min=1)] = 1024,
    style: Annotated[
        str,
        typer.Option(
            help="chat, or completion for base models; whole for --completions that are programs (default there: what "
            "their field's name says)."
        ),
    ] = "",
    prompt_end: Annotated[
        str,
        typer.Option(
            help="How a completion prompt ends: newline (as MultiPL-E's), signature, or auto: as the model was trained "
            "by glotsmith, else newline."
        ),
    ] = "auto",
    docstrings: Docstrings = Wordings.target,
    k: Annotated[list[int] | None, typer.Option("--k", min=1, help="k of pass@k; repeatable.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only the first N problems of each benchmark; 0 for all.")] = 0,
    seed: Annotated[int, typer.Option()] = 0,
    output_: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.")] = Path("runs/evaluation"),
    isolation: Isolation = "auto",
    jobs: Jobs = None,
    cache: Annotated[Path | None, typer.Option(help="A cache file to share; default: in the folder.")] = None,
    max_failures: Annotated[
        int, typer.Option(min=1, help="Stop, with exit code 3, when so many samples in a row have no verdict.")
    ] = 10,
) -> None:
    """Evaluate a model, or a file of completions. The same command goes on where it was left.

    Examples:

    [bold]glotsmith evaluate humaneval=HumanEval.jsonl.gz -l lua -l ocaml --teacher openai --model M --base-url URL[/]

    [bold]glotsmith evaluate multipl-e=dir/ --completions dir/ --original humaneval=HumanEval.jsonl.gz[/]
    """
    if style not in ("", "chat", "completion", "whole") or (style == "whole" and not stored):
        raise UsageError(f"--style is chat or completion, or whole for --completions; not {style!r}")
    if prompt_end not in ("auto", *PROMPT_ENDS):
        raise UsageError(f"--prompt-end must be auto, {' or '.join(PROMPT_ENDS)}, not {prompt_end!r}")
    form = trained_form(model)
    style = style or ("" if stored else form.style)
    given = config.assignments(option or [])
    options = Options(
        sets=tuple(map(named, benchmark)),
        languages=tuple(map(resolve, language or ())),
        teacher=config.TeacherConfig(
            name=teacher,
            model=model,
            base_url=base_url,
            options={name.removeprefix("teacher."): value for name, value in given.items()},
        ),
        completions=str(stored or ""),
        style=style,
        originals=tuple(map(named, original or ())),
        limit=limit,
        isolation=isolation,
        plan=Plan(
            samples=1 if greedy else samples,
            temperature=0.0 if greedy else temperature,
            top_p=1.0 if greedy else top_p,
            max_tokens=max_tokens,
            style="completion" if style == "completion" else "chat",
            seed=seed,
            ks=tuple(sorted(set(k or (1, 10, 100)))),
        ),
        docstrings=docstrings.value,
        prompt_end="" if stored else form.prompt_end if prompt_end == "auto" else prompt_end,
    )
    if bool(options.completions) == bool(teacher):
        raise UsageError("name who is asked (--teacher, --model) or a file that is judged (--completions), one of both")
    if teacher == "offline":
        raise UsageError(
            "the offline teacher translates by rules and is shown no source here: it is no model to evaluate"
        )
    for name in options.languages:
        toolchain.resolve(name)  # raises where it is unknown or can't be run, before anything is paid for
    try:
        asking, found = asyncio.run(_run(options, output_, cache, jobs, max_failures))
    except KeyboardInterrupt:
        raise Stopped(
            f"Stopped: {cache or output_ / output.CACHE} keeps the replies and verdicts so far. "
            "The same command goes on from there."
        ) from None
    notes = (*asking.notes, *warnings_of(found.samples, asking.questions), *_without_figure(k or (), found))
    asking = msgspec.structs.replace(asking, notes=notes)
    output.write(output_, asking.questions, found, options.stored(), asking.notes, options.sampling())
    _show(found, asking, output_)
    if failed := [s for s in found.samples if s.status in FAILURES]:
        raise OutageError(
            f"{len(failed)} of {counted(len(found.samples), 'sample')} {agreeing(len(failed), 'has')} no verdict "
            f"({failed[0].status}: {failed[0].detail}); "
            "the figures are over the others, and the same command asks again"
        )


async def _run(
    options: Options, folder: Path, cache: Path | None, jobs: int | None, max_failures: int
) -> tuple[Asking, Evaluation]:
    """Check everything, and then take the folder and evaluate."""
    from glotsmith.sandbox import open_sandbox
    from glotsmith.teachers import open_teacher

    who, teacher = options.teacher, None
    if who.name:
        teacher = open_teacher(who.name, model=who.model, base_url=who.base_url, options=who.options)
    try:
        sandbox = open_sandbox(options.isolation, jobs)
        try:
            with removed_if_refused(folder, *(f"{output.CACHE}{end}" for end in _DATABASE)) as disposable:
                output.prepare(folder, options.stored())
                with closing(Cache(cache or folder / output.CACHE)) as store:
                    try:
                        return await _evaluate(options, store, sandbox, teacher, max_failures)
                    finally:
                        if store.holds("reply"):
                            disposable.clear()
        finally:
            await sandbox.close()
    finally:
        if teacher is not None:
            await teacher.close()


async def _evaluate(
    options: Options, store: Cache, sandbox: Sandbox, teacher: Teacher | None, max_failures: int
) -> tuple[Asking, Evaluation]:
    from glotsmith.teachers.cached import Cached
    from glotsmith.verification import Verifier

    verifier, cached = Verifier(sandbox, store), Cached(teacher, store) if teacher else None
    try:
        asking = await ask(
            options.sets,
            options.originals,
            options.languages,
            options.limit,
            sandbox,
            verifier,
            options.docstrings,
        )
        asking = _with_prompt_end(asking, options.prompt_end)
        source: Source = Asked(cached, options.plan) if cached else _stored(options, asking)
        notes = (*asking.notes, *_unanswered(asking.questions, source), *_not_asked(options, asking))
        asking = msgspec.structs.replace(asking, notes=notes)
        with _ticking(sum(map(source.count, asking.questions))) as tick:
            found = await evaluate(
                asking.questions,
                source,
                verifier,
                options.plan,
                impossible=asking.impossible,
                max_failures=max_failures,
                on_sample=lambda _: tick(),
            )
    finally:
        if cached is not None:
            await cached.close()
    return asking, found


def _with_prompt_end(asking: Asking, end: str) -> Asking:
    """Return the questions with prompts that end as asked; rows of a dataset keep their prompts word for word."""
    if end != "signature":
        return asking
    questions = (q if q.benchmark == "rows" else at_signature(q) for q in asking.questions)
    return msgspec.structs.replace(asking, questions=tuple(questions))


def _stored(options: Options, asking: Asking) -> Stored:
    language = options.languages[0] if len(options.languages) == 1 else ""
    style = cast("Style | None", options.style or None)
    return Stored(completions.read_completions(Path(options.completions), asking.questions, language, style))


def _unanswered(questions: Sequence[Question], source: Source) -> list[str]:
    """Say of which questions a file has no completions: figures are over the others."""
    asked = Counter((q.benchmark, q.language) for q in questions)
    missing = Counter((q.benchmark, q.language) for q in questions if not source.count(q))
    return [
        f"{b}, {one}: {n} of {counted(asked[b, one], 'problem')} {agreeing(n, 'has')} no completion"
        for (b, one), n in missing.items()
    ]


def _not_asked(options: Options, asking: Asking) -> list[str]:
    """Say how many problems of a file of completions are none of this evaluation, with the names of three."""
    if not options.completions:
        return []
    names = {name for q in asking.questions for name in (q.id, q.problem, q.alias)}
    unknown = completions.unknown_problems(Path(options.completions), names | {i.problem for i in asking.impossible})
    if not unknown:
        return []
    shown = ", ".join([*unknown[:3], *(["…"] if len(unknown) > 3 else [])])
    count = f"{counted(len(unknown), 'problem')} that {agreeing(len(unknown), 'is')}"
    return [f"{options.completions} names {count} not in this evaluation: {shown}"]


def _without_figure(ks: Sequence[int], found: Evaluation) -> list[str]:
    """Say of which k that was asked for there is no figure."""
    known = {figure.k for score in found.summary.scores for figure in score.figures}
    return [
        f"there is no pass@{k}: no problem has {k} samples with a verdict, so give --samples {k} or more"
        for k in sorted({*ks} - known)
    ]


@contextmanager
def _ticking(total: int) -> Generator[Callable[[], None], None, None]:
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("samples", total=total)
        yield lambda: progress.advance(task)


def _show(found: Evaluation, asking: Asking, folder: Path) -> None:
    columns, rows = output.table(found.summary)
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    out.print(table)
    for note in asking.notes:
        out.print(f"Note: {note}")
    for line in output.impossible_lines(found.summary):
        out.print(line)
    out.print(f"Samples, figures and reasons are in {folder}")
