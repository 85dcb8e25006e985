"""Load the questions of an evaluation: read benchmarks, pose their problems, and prove their suites."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from glotsmith.errors import UsageError
from glotsmith.evaluation import benchmarks, corrected_suites, stub_checks
from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark, PythonProblem
from glotsmith.evaluation.benchmarks.row_files import QuestionRow, hub_rows, read_rows
from glotsmith.evaluation.pose_problems import MakeProver, pose_problems
from glotsmith.evaluation.questions import ImpossibleProblem, Question, question_of_task
from glotsmith.languages import language_names
from glotsmith.languages.docstrings import Wording
from glotsmith.records import Record, Task
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Verify

#: fields with the name of the problem; the first one that a row has counts
_PROBLEM = ("parallel_id", "problem", "task_id", "name", "question_id")


class BenchmarkSet(Record, frozen=True, kw_only=True):
    """One benchmark of a command: its name and its path (a file or a folder; "" for the hub)."""

    name: str
    path: str = ""


class LoadedQuestions(Record, frozen=True, kw_only=True):
    """The questions of an evaluation, the impossible problems, and notes for readers of the figures."""

    questions: tuple[Question, ...]
    impossible: tuple[ImpossibleProblem, ...]
    notes: tuple[str, ...]


def parse_benchmark(text: str) -> BenchmarkSet:
    """Parse ``NAME=PATH`` or ``NAME``.

    Raises:
        UsageError: The benchmark does not exist.

    """
    name, _, path = text.partition("=")
    benchmarks.get(name)
    return BenchmarkSet(name=name, path=path)


class QuestionServices(NamedTuple):
    """The services that turn benchmarks into questions."""

    sandbox: Sandbox
    verify: Verify
    make_prover: MakeProver
    #: reads the benchmark ``rows``: dataset rows of a file or a run folder
    read_dataset: Callable[[Path], list[QuestionRow]]


async def load_questions(
    sets: Sequence[BenchmarkSet],
    originals: Sequence[BenchmarkSet],
    languages: Sequence[str],
    limit: int,
    services: QuestionServices,
    wording: Wording = "target",
) -> LoadedQuestions:
    """Read benchmarks, pose the problems with a Python original, and check published questions with stubs.

    Args:
        sets: The benchmarks.
        originals: Python originals of MultiPL-E's problems. The evaluation uses their suites too.
        languages: Target languages of problems with a Python original.
        limit: Number of problems of each benchmark; 0 for all.
        services: The services that run programs and prove suites.
        wording: The wording of the docstrings in prompts.

    Raises:
        UsageError: A benchmark needs languages and none is given, the hub has no rows, or no question remains.
        InputError: A file is malformed.

    """
    questions, impossible, notes = list[Question](), list[ImpossibleProblem](), list[str]()
    for chosen in sets:
        loaded = await _load_benchmark(chosen, languages, limit, services)
        tasks, lost = await _pose_in_languages(chosen.name, loaded, languages, services, wording)
        lost += stub_checks.unrepresentable(loaded.questions)
        never = {(i.problem, i.language) for i in lost}
        questions += [*(q for q in loaded.questions if (q.problem, q.language) not in never), *tasks]
        impossible += [
            *loaded.impossible,
            *lost,
            *await stub_checks.check_with_stubs(loaded.questions, services.verify),
        ]
        notes += loaded.notes
    corrected_questions, lost = await _correct_published([q for q in questions if q.published], originals, services)
    if not (questions or corrected_questions):
        why = impossible[0].detail if impossible else "no row is in a requested language"
        raise UsageError(f"no question remains: {why}")
    return LoadedQuestions(
        questions=_without_duplicates((*questions, *corrected_questions)),
        impossible=(*impossible, *lost),
        notes=tuple(dict.fromkeys(notes)),
    )


def _without_duplicates(questions: Sequence[Question]) -> tuple[Question, ...]:
    """Return the questions without duplicates, which would count twice.

    Raises:
        UsageError: Two different questions have the same name.

    """
    known = dict[str, Question]()
    for question in questions:
        if known.setdefault(question.id, question) != question:
            raise UsageError(
                f"the question {question.id} appears twice with different content. Evaluate the files one by one"
            )
    return tuple(known.values())


async def _load_benchmark(
    chosen: BenchmarkSet, languages: Sequence[str], limit: int, services: QuestionServices
) -> LoadedBenchmark:
    wanted = BenchmarkRequest(
        name=chosen.name, languages=tuple(languages), sandbox=services.sandbox, verify=services.verify
    )
    rows = _first_problems(_read_benchmark(chosen, languages, services), limit, numbered=chosen.name == "mceval")
    loaded = await benchmarks.get(chosen.name).read(rows, wanted)
    if not languages and (loaded.problems or (rows and not loaded.questions and not loaded.impossible)):
        raise UsageError(f"{chosen.name} needs a target language, such as --language lua")
    return loaded


def _first_problems(rows: Sequence[QuestionRow], limit: int, *, numbered: bool = False) -> list[QuestionRow]:
    """Return the rows of the first problems, in all their languages; all rows for 0.

    McEval numbers its problems in each language (``Lua/1``).
    """
    names = [next((str(row.data[f]) for f in _PROBLEM if f in row.data), str(row.line)) for row in rows]
    if numbered:
        names = [name.rpartition("/")[2] for name in names]
    kept = set(list(dict.fromkeys(names))[: limit or None])
    return [row for row, name in zip(rows, names, strict=True) if name in kept]


def _read_benchmark(chosen: BenchmarkSet, languages: Sequence[str], services: QuestionServices) -> list[QuestionRow]:
    if chosen.path:
        return services.read_dataset(Path(chosen.path)) if chosen.name == "rows" else read_rows(Path(chosen.path))
    hub = benchmarks.get(chosen.name).HUB
    if not hub:
        raise UsageError(f"the hub has no runnable version of {chosen.name}: give its file, {chosen.name}=PATH")
    dataset, split, *part = hub.split(":")
    if chosen.name != "multipl-e":
        return hub_rows(dataset, split, *part)
    from glotsmith.evaluation.benchmarks.multipl_e import hub_part_of

    if not languages:
        raise UsageError("multipl-e needs a target language, such as --language lua")
    return [row for language in languages for row in hub_rows(dataset, split, hub_part_of(language))]


async def _pose_in_languages(
    benchmark: str, loaded: LoadedBenchmark, languages: Sequence[str], services: QuestionServices, wording: Wording
) -> tuple[list[Question], list[ImpossibleProblem]]:
    if not loaded.problems:
        return [], []
    tasks, lost = await pose_problems(benchmark, loaded.problems, languages, services.verify, services.make_prover)
    made = [
        msgspec.structs.replace(
            question_of_task(task, benchmark, p.name, tolerance=p.tolerance, oracle=p.oracle, wording=wording),
            alias=p.alias,
        )
        for p, task in tasks
    ]
    return made, lost


async def _correct_published(
    published: Sequence[Question], originals: Sequence[BenchmarkSet], services: QuestionServices
) -> tuple[list[Question], list[ImpossibleProblem]]:
    """Return the published MultiPL-E questions with corrected suites, and those without; nothing without originals."""
    questions = [q for q in published if q.benchmark == "multipl-e"]
    if not originals or not questions:
        return [], []
    languages = list(dict.fromkeys(q.language for q in questions if q.language in language_names()))
    tasks = dict[tuple[str, int, str], tuple[Task, float, str]]()
    for original in originals:
        loaded = await _load_benchmark(original, languages, 0, services)
        wanted = {corrected_suites.key_of(q.problem) for q in questions}
        some: list[PythonProblem] = [p for p in loaded.problems if corrected_suites.key_of(p.name) in wanted]
        for p, task in (await pose_problems(original.name, some, languages, services.verify, services.make_prover))[0]:
            key = corrected_suites.key_of(p.name)
            if key:
                tasks[(*key, task.language)] = (task, p.tolerance, p.oracle)
    return await corrected_suites.with_corrected_suites(questions, tasks, services.verify)
