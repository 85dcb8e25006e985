"""Evaluate a model or a file of completions from Python: pass@k with intervals by problem."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from glotsmith.api import run_config
from glotsmith.api.activity import ReplyTally, ReportActivity, evaluation_activity, report_nothing, reporting_activity
from glotsmith.api.evaluation_notes import (
    notes_on_missing_completions,
    notes_on_missing_figures,
    notes_on_unknown_problems,
)
from glotsmith.api.folders import removed_if_refused
from glotsmith.api.program_services import ProgramServices, open_program_services
from glotsmith.api.run_rows import read_dataset
from glotsmith.api.synchronous import synchronous
from glotsmith.cache import Cache
from glotsmith.cluster import ClusterOptions
from glotsmith.counts import agreeing, counted
from glotsmith.errors import OutageError, UsageError
from glotsmith.evaluation import completions as completion_files
from glotsmith.evaluation import result_files as output_files
from glotsmith.evaluation.evaluate import (
    FAILURES,
    Evaluation,
    EvaluationPlan,
    ReplySource,
    StoredReplies,
    TeacherReplies,
)
from glotsmith.evaluation.evaluate import evaluate as evaluate_questions
from glotsmith.evaluation.evaluation_summary import empty_reply_warnings
from glotsmith.evaluation.load_questions import (
    BenchmarkSet,
    LoadedQuestions,
    QuestionServices,
    load_questions,
    parse_benchmark,
)
from glotsmith.evaluation.questions import (
    PROMPT_ENDS,
    EvaluationSample,
    Question,
    ReplyStyle,
    at_signature,
    trained_form,
)
from glotsmith.languages import resolve_language, toolchain
from glotsmith.languages.docstrings import Wording
from glotsmith.languages.reference_limits import ReferenceLimits
from glotsmith.records import Record
from glotsmith.suites.make_tasks import MakeTasks
from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Teacher
from glotsmith.teachers.wrappers import CachedTeacher
from glotsmith.verification.candidate_verifier import CandidateVerifier

_DATABASE = ("", "-wal", "-shm")  #: suffixes of the names of a database's files


class EvaluationDisplay(NamedTuple):
    """Receives the progress of an evaluation; the default ignores it."""

    begin: Callable[[Mapping[str, int], int], None] = lambda _samples, _replies: None
    """Receives the number of samples of each set of questions, and the number of replies that are already stored."""
    on_sample: Callable[[str, EvaluationSample], None] = lambda _set, _sample: None
    activity: ReportActivity = report_nothing  #: called about once a second, and at the end
    notify: Callable[[str], None] = lambda _: None  #: receives notices, such as the licence of a local model


class EvaluationConfig(Record, frozen=True, kw_only=True):
    """Everything that determines the figures of an evaluation."""

    sets: tuple[BenchmarkSet, ...]
    languages: tuple[str, ...]
    teacher: run_config.TeacherConfig
    completions: str
    style: str  #: style of the completions; empty if their fields determine it
    originals: tuple[BenchmarkSet, ...]
    limit: int
    isolation: str
    plan: EvaluationPlan
    docstrings: Wording
    prompt_end: str  #: end of completion prompts: ``newline``, ``signature``; empty if no model continues them
    reference_limits: ReferenceLimits = ReferenceLimits()  #: CPU limits of questions whose Python original was measured
    requested_ks: tuple[int, ...] = ()  #: values of k that the user named; a note lists those without a figure

    def stored(self) -> dict[str, str]:
        """Return the settings that determine the samples; a resumed evaluation must have the same."""
        changeable = run_config.changeable_keys(self.teacher.name)
        own = {
            name: value for name, value in self.teacher.options.items() if f"teacher.options.{name}" not in changeable
        }
        teacher = msgspec.structs.replace(self.teacher, base_url="", options=own)
        fields = {**msgspec.to_builtins(self), "teacher": msgspec.to_builtins(teacher)}
        for name in ("isolation", "requested_ks"):
            fields.pop(name, None)
        fields["plan"] = {
            name: value for name, value in fields["plan"].items() if f"plan.{name}" not in output_files.ONLY_FIGURES
        }
        return {name: msgspec.json.encode(value).decode() for name, value in sorted(fields.items())}

    def sampling(self) -> dict[str, float]:
        """Return the sampling settings of the requests; empty if completions were given."""
        names = () if self.completions else ("temperature", "top_p", "max_tokens")
        return {name: getattr(self.plan, name) for name in names}


class EvaluationResult(NamedTuple):
    """The outcome of an evaluation."""

    folder: Path  #: folder with the samples, figures and reasons
    evaluation: Evaluation
    notes: tuple[str, ...]  #: notes for readers of the figures

    def check_judged(self, figures: str = "the figures") -> None:
        """Check that every sample has a verdict.

        Args:
            figures: The name of the results in a message; they are computed from the other samples.

        Raises:
            OutageError: The teacher or the machine failed for some samples; the same evaluation requests them again.

        """
        samples = self.evaluation.samples
        if failed := [s for s in samples if s.status in FAILURES]:
            raise OutageError(
                f"{len(failed)} of {counted(len(samples), 'sample')} {agreeing(len(failed), 'has')} no verdict "
                f"({failed[0].status}: {failed[0].detail}); "
                f"{figures} are computed from the others. Run the same command again to request the rest"
            )


def evaluation_config(
    benchmarks: Sequence[str],
    *,
    languages: Sequence[str] = (),
    teacher: str = "",
    model: str = "",
    base_url: str = "",
    teacher_options: Mapping[str, Any] | None = None,
    completions: Path | str | None = None,
    originals: Sequence[str] = (),
    plan: EvaluationPlan | None = None,
    style: str = "",
    prompt_end: str = "auto",
    docstrings: Wording = "target",
    limit: int = 0,
    isolation: str = "auto",
    reference_limits: ReferenceLimits | None = None,
    requested_ks: Sequence[int] = (),
) -> EvaluationConfig:
    """Return the checked configuration of an evaluation.

    Raises:
        UsageError: An argument is invalid, or a language cannot be run on this machine.

    """
    if style not in ("", "chat", "completion", "whole") or (style == "whole" and not completions):
        raise UsageError(f"--style is {style!r}; it must be chat or completion, or whole for --completions")
    if prompt_end not in ("auto", *PROMPT_ENDS):
        raise UsageError(f"--prompt-end is {prompt_end!r}; it must be auto, {' or '.join(PROMPT_ENDS)}")
    form, plan = trained_form(model), plan or EvaluationPlan()
    style = style or ("" if completions else form.style)
    config = EvaluationConfig(
        sets=tuple(map(parse_benchmark, benchmarks)),
        languages=tuple(map(resolve_language, languages)),
        teacher=run_config.TeacherConfig(
            name=teacher, model=model, base_url=base_url, options=dict(teacher_options or {})
        ),
        completions=str(completions or ""),
        style=style,
        originals=tuple(map(parse_benchmark, originals)),
        limit=limit,
        isolation=isolation,
        plan=msgspec.structs.replace(plan, style="completion" if style == "completion" else "chat"),
        docstrings=docstrings,
        prompt_end="" if completions else form.prompt_end if prompt_end == "auto" else prompt_end,
        reference_limits=reference_limits or ReferenceLimits(),
        requested_ks=tuple(requested_ks),
    )
    if bool(config.completions) == bool(teacher):
        raise UsageError("give either --teacher and --model, or --completions")
    if teacher == "offline":
        raise UsageError(
            "the offline teacher cannot be evaluated: it translates source code by rules and is not a model"
        )
    for name in config.languages:
        toolchain.find_toolchain(name)  # raises if it is unknown or cannot be run, before any request
    return config


async def evaluate_async(
    benchmarks: Sequence[str],
    *,
    languages: Sequence[str] = (),
    teacher: str = "",
    model: str = "",
    base_url: str = "",
    teacher_options: Mapping[str, Any] | None = None,
    completions: Path | str | None = None,
    plan: EvaluationPlan | None = None,
    style: str = "",
    docstrings: Wording = "target",
    limit: int = 0,
    output: Path | str = "runs/evaluation",
    isolation: str = "auto",
    workers: int | None = None,
    cache: Path | str | None = None,
    reference_limits: ReferenceLimits | None = None,
) -> EvaluationResult:
    """Evaluate a model, or a file of completions. The same call resumes a stopped evaluation.

    Args:
        benchmarks: ``NAME=PATH`` or ``NAME`` (``docs/evaluation.md``).
        languages: Target languages.
        teacher: The teacher that answers (``local``, ``openai``, ``transformers``, ``scripted``); empty with
            ``completions``.
        model: The teacher's model.
        base_url: The teacher's server.
        teacher_options: Other options of the teacher.
        completions: A file or folder of completions to judge instead.
        plan: The numbers of samples, the sampling settings and the values of k.
        style: ``chat`` or ``completion``; ``whole`` for completions that are programs.
        docstrings: Wording of docstrings in prompts, ``target`` or ``verbatim``.
        limit: The number of problems of each benchmark; 0 for all.
        output: The folder of the results.
        isolation: The isolation back end of the sandbox.
        workers: The number of programs that run at once; by default one per processor.
        cache: A cache file to share; by default in ``output``.
        reference_limits: The CPU limits of the questions of an evaluation set, whose Python originals were measured.

    Raises:
        UsageError: An argument is invalid, or the folder contains another evaluation.
        InputError: A benchmark's file is malformed.
        OutageError: Samples have no verdict because the teacher or the machine failed.

    """
    config = evaluation_config(
        benchmarks,
        languages=languages,
        teacher=teacher,
        model=model,
        base_url=base_url,
        teacher_options=teacher_options,
        completions=completions,
        plan=plan,
        style=style,
        docstrings=docstrings,
        limit=limit,
        isolation=isolation,
        reference_limits=reference_limits,
    )
    store = Path(cache) if cache is not None else None
    result = await run_evaluation(config, Path(output), store, workers)
    result.check_judged()
    return result


evaluate = synchronous(evaluate_async)


async def run_evaluation(
    options: EvaluationConfig,
    folder: Path,
    cache: Path | None = None,
    workers: int | None = None,
    max_failures: int = 10,
    display: EvaluationDisplay | None = None,
    cluster: ClusterOptions | None = None,
) -> EvaluationResult:
    """Check the configuration, claim the folder, evaluate, and write the results into the folder.

    Raises:
        UsageError: The configuration is invalid, or the folder contains another evaluation.
        OutageError: Too many samples in a row have no verdict because the teacher or the machine failed.

    """
    loaded, found = await _run(options, folder, cache, workers, cluster, max_failures, display or EvaluationDisplay())
    notes = (
        *loaded.notes,
        *empty_reply_warnings(found.samples, loaded.questions),
        *notes_on_missing_figures(options.requested_ks, found),
    )
    output_files.write_evaluation(folder, loaded.questions, found, options.stored(), notes, options.sampling())
    return EvaluationResult(folder, found, notes)


async def _run(
    options: EvaluationConfig,
    folder: Path,
    cache: Path | None,
    workers: int | None,
    cluster: ClusterOptions | None,
    max_failures: int,
    display: EvaluationDisplay,
) -> tuple[LoadedQuestions, Evaluation]:
    config, teacher = options.teacher, None
    if config.name:
        teacher = open_teacher(config.name, model=config.model, base_url=config.base_url, options=config.options)
        if teacher.notice:
            display.notify(teacher.notice)
    try:
        async with open_program_services(
            options.isolation, workers, cluster, options.languages, display.notify
        ) as programs:
            with removed_if_refused(folder, *(f"{output_files.CACHE}{end}" for end in _DATABASE)) as disposable:
                output_files.claim_folder(folder, options.stored())
                with closing(Cache(cache or folder / output_files.CACHE)) as store:
                    try:
                        return await _evaluate(options, store, programs, teacher, max_failures, display)
                    finally:
                        if store.has_entries("reply"):
                            disposable.clear()
    finally:
        if teacher is not None:
            await teacher.close()


async def _evaluate(
    options: EvaluationConfig,
    store: Cache,
    programs: ProgramServices,
    teacher: Teacher | None,
    max_failures: int,
    display: EvaluationDisplay,
) -> tuple[LoadedQuestions, Evaluation]:
    verifier, tally = programs.verifier(store), ReplyTally()
    cached = CachedTeacher(teacher, store, tally.count) if teacher else None
    try:
        services = QuestionServices(programs.sandbox, verifier, MakeTasks, read_dataset)
        loaded = await load_questions(
            options.sets, options.originals, options.languages, options.limit, services, options.docstrings
        )
        loaded = _with_prompt_end(loaded, options.prompt_end)
        source: ReplySource = TeacherReplies(cached, options.plan) if cached else _stored_replies(options, loaded)
        notes = (
            *loaded.notes,
            *notes_on_missing_completions(loaded.questions, source),
            *notes_on_unknown_problems(options.completions, loaded),
        )
        loaded = msgspec.structs.replace(loaded, notes=notes)
        display.begin(_samples_by_set(loaded.questions, source), store.count_entries("reply"))
        sets = {question.id: _set_name(question) for question in loaded.questions}
        async with reporting_activity(partial(evaluation_activity, programs.sandbox, cached, tally), display.activity):
            found = await evaluate_questions(
                loaded.questions,
                source,
                CandidateVerifier(verifier, options.reference_limits),
                options.plan,
                impossible=loaded.impossible,
                max_failures=max_failures,
                on_sample=lambda sample: display.on_sample(sets[sample.question], sample),
            )
    finally:
        if cached is not None:
            await cached.close()
    return loaded, found


def _set_name(question: Question) -> str:
    return f"{question.benchmark} {question.language}"


def _samples_by_set(questions: Sequence[Question], source: ReplySource) -> dict[str, int]:
    """Return the number of samples of each benchmark in each language."""
    found = Counter[str]()
    for question in questions:
        found[_set_name(question)] += source.count(question)
    return dict(found)


def _with_prompt_end(loaded: LoadedQuestions, end: str) -> LoadedQuestions:
    """Return the questions with prompts that end in this way; rows of a dataset keep their prompts unchanged."""
    if end != "signature":
        return loaded
    questions = (q if q.benchmark == "rows" else at_signature(q) for q in loaded.questions)
    return msgspec.structs.replace(loaded, questions=tuple(questions))


def _stored_replies(options: EvaluationConfig, loaded: LoadedQuestions) -> StoredReplies:
    language = options.languages[0] if len(options.languages) == 1 else ""
    style = cast("ReplyStyle | None", options.style or None)
    return StoredReplies(
        completion_files.read_completions(Path(options.completions), loaded.questions, language, style)
    )
