"""``glotsmith benchmark make``: make an evaluation set from verified problems."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from glotsmith.api.run_rows import read_dataset
from glotsmith.cli.app import Docstrings, Isolation, Jobs, Wordings, app, complete_language, out
from glotsmith.counts import counted
from glotsmith.datasets.schema import plain
from glotsmith.errors import StorageError, UsageError
from glotsmith.evaluation import benchmark_maker, stub_checks
from glotsmith.evaluation.benchmarks.base import PythonProblem
from glotsmith.evaluation.benchmarks.example_rows import example
from glotsmith.evaluation.benchmarks.multipl_e import code_of, question
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.pose_problems import pose_problems
from glotsmith.evaluation.questions import ImpossibleProblem, Question, question_of_task
from glotsmith.languages import get_card, require_call_tests, resolve_language, toolchain
from glotsmith.languages.docstrings import Wording
from glotsmith.languages.json_calls import exchanges_json
from glotsmith.records import Example, Problem, Record, Task
from glotsmith.suites.make_tasks import MakeTasks

ORIGIN = "origin.json"  #: file that stores the origin of a set, in its folder

benchmark = typer.Typer(help="Make evaluation sets.", no_args_is_help=True)
app.add_typer(benchmark, name="benchmark")


@benchmark.command()
def make(
    source: Annotated[Path, typer.Argument(help="A run folder, or dataset rows (JSONL, Parquet).")],
    language: Annotated[
        list[str],
        typer.Option("--language", "-l", help="Language of the set; repeatable.", autocompletion=complete_language),
    ],
    name: Annotated[str, typer.Option(help="Name of the benchmark in tables.")] = "own",
    share: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share of the problems to evaluate on; the others are for training."),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the choice of these problems.")] = 0,
    assertions: Annotated[
        Path | None, typer.Option(help="TOML file with templates of tests for languages that MultiPL-E does not know.")
    ] = None,
    docstrings: Docstrings = Wordings.target,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the set.")] = Path("benchmark"),
    isolation: Isolation = "auto",
    jobs: Jobs = None,
) -> None:
    """Pose verified problems in a language and write an evaluation set.

    The set has four parts: questions.jsonl for 'glotsmith evaluate questions=…'; multipl-e/NAME-LANGUAGE.jsonl for the
    tools of MultiPL-E, for languages that have templates of tests; impossible.jsonl with the problems that cannot be
    posed or passed; and train.jsonl with the rows of the other problems.

    Example: [bold]glotsmith benchmark make runs/demo -l ocaml --share 0.2 -o sets/ocaml[/]
    """
    language = [*map(resolve_language, language)]
    for each in language:
        require_call_tests(each)
        toolchain.find_toolchain(each)  # raises if it is unknown or cannot run
        benchmark_maker.assertion_templates(each, assertions)  # raises if the file is malformed
    rows = [example(row) for row in read_dataset(source)]
    problems, lost = benchmark_maker.problems_of(rows)
    chosen = benchmark_maker.choose_problems(problems, share, seed)
    if not chosen:
        raise UsageError(f"{source}: no problem is left to evaluate on" + (f": {lost[0].detail}" if lost else ""))
    unsupported = [_impossible(name, one, p) for p in lost for one in language]
    claim(output, SetOrigin(str(source), name, tuple(language), share, seed, str(assertions or "")))
    problems = [PythonProblem(name=f"{p.function.name}-{p.id[:8]}", problem=p) for p in chosen]
    made = asyncio.run(_make_set(name, problems, language, assertions, docstrings.value, isolation, jobs))
    impossible = [*unsupported, *made.impossible]
    _write(output, name, made, impossible, _training_rows(rows, chosen))
    _print_summary(output, made, len(impossible) - made.missing_in_multipl_e)


class SetOrigin(NamedTuple):
    """The options that determine a set; a folder holds one set."""

    source: str
    name: str
    languages: tuple[str, ...]
    share: float
    seed: int
    assertions: str


def claim(folder: Path, origin: SetOrigin) -> None:
    """Claim a folder for a set: a new or empty folder, or one with a set of the same origin.

    Raises:
        UsageError: The folder contains other files or another set.
        StorageError: The folder cannot be created or written.

    """
    file, wanted = folder / ORIGIN, {name: str(value) for name, value in origin._asdict().items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = sorted(path.name for path in folder.iterdir())
        if ORIGIN not in names and names:
            raise UsageError(
                f"{folder}: the folder contains other files ({', '.join(names[:3])}): choose a new or empty one with -o"
            )
        before = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if names else wanted
        changed = [
            f"{n}: {before.get(n)} in the folder, {wanted[n]} in the command"
            for n in wanted
            if before.get(n) != wanted[n]
        ]
        if changed:
            raise UsageError(
                f"{folder}: the folder contains a set with other options ({'; '.join(changed)}): choose another one "
                "with -o"
            )
        file.write_bytes(msgspec.json.encode(wanted) + b"\n")
    except msgspec.DecodeError as error:
        what = f"the file is not a valid {ORIGIN} of an evaluation set ({error})"
        raise UsageError(f"{file}: {what}: choose another folder with -o") from error
    except OSError as error:
        raise StorageError(f"the folder {folder} cannot be written: {error.strerror or error}") from error


class EvaluationSet(Record, frozen=True, kw_only=True):
    """The content of an evaluation set."""

    questions: list[Question]
    prompts: dict[str, list[dict[str, object]]]  #: language → rows in the format of MultiPL-E
    impossible: list[ImpossibleProblem]
    missing_in_multipl_e: int  #: number of questions that the files of MultiPL-E cannot express
    languages_without_templates: list[str]  #: of tests, for MultiPL-E


async def _make_set(
    name: str,
    problems: Sequence[PythonProblem],
    languages: Sequence[str],
    path: Path | None,
    wording: Wording,
    isolation: str,
    jobs: int | None,
) -> EvaluationSet:
    from glotsmith.sandbox import open_sandbox
    from glotsmith.verification import Verifier

    sandbox = open_sandbox(isolation, jobs)
    try:
        verifier = Verifier(sandbox)
        tasks, impossible = await pose_problems(name, problems, languages, verifier, MakeTasks)
        numbers = {p.name: number for number, p in enumerate(problems)}  # the same in all languages
        by_language = {one: [t for t in tasks if t[1].language == one] for one in languages}
        prompts = {one: _prompt_rows(one, by_language[one], numbers, path, wording) for one in languages}
        published = [
            question(QuestionRow(file=name, line=i, data=row), f"{name}-multipl-e", one)
            for one, rows in prompts.items()
            for i, row in enumerate(rows, 1)
        ]
        impossible += await stub_checks.check_with_stubs(published, verifier)
        written = [t for t in tasks if benchmark_maker.assertion_templates(t[1].language, path) is not None]
        missing = [
            _missing_in_multipl_e(name, p, task)
            for p, task in written
            if benchmark_maker.first_test_without_value(task)
        ]
    finally:
        await sandbox.close()
    return EvaluationSet(
        questions=[question_of_task(task, name, p.name, wording=wording) for p, task in tasks],
        prompts={one: rows for one, rows in prompts.items() if rows},
        impossible=[*impossible, *missing],
        missing_in_multipl_e=len(missing),
        languages_without_templates=[
            one for one in languages if benchmark_maker.assertion_templates(one, path) is None
        ],
    )


def _prompt_rows(
    language: str,
    tasks: Sequence[tuple[PythonProblem, Task]],
    numbers: Mapping[str, int],
    path: Path | None,
    wording: Wording,
) -> list[dict[str, object]]:
    templates, card = benchmark_maker.assertion_templates(language, path), get_card(language)
    if templates is None:
        return []
    rows = list[dict[str, object]]()
    for p, task in tasks:
        if benchmark_maker.first_test_without_value(task):
            continue  # _missing_in_multipl_e lists it
        named = f"own_{numbers[p.name]}_{p.problem.function.name}"
        question = msgspec.structs.replace(question_of_task(task, "", named, wording=wording), stop=card.syntax.stop)
        rows.append(
            benchmark_maker.prompt_row(
                question, task, code_of(language), benchmark_maker.multipl_e_tests(card, task, templates), wording
            )
        )
    return rows


def _missing_in_multipl_e(name: str, p: PythonProblem, task: Task) -> ImpossibleProblem:
    """Return the reason why a problem of questions.jsonl is missing in the files of MultiPL-E."""
    test = benchmark_maker.first_test_without_value(task)
    detail = f"the files of MultiPL-E cannot express the test {test!r}, which states no value of the call"
    return ImpossibleProblem(
        benchmark=f"{name}-multipl-e", problem=p.name, language=task.language, reason="unrepresentable", detail=detail
    )


def _impossible(name: str, language: str, lost: benchmark_maker.UnsupportedProblem) -> ImpossibleProblem:
    return ImpossibleProblem(
        benchmark=name, problem=lost.problem, language=language, reason="unusable", detail=lost.detail
    )


def _training_rows(rows: Sequence[Example], chosen: Iterable[Problem]) -> list[Example]:
    ids = {p.id for p in chosen}
    return [row for row in rows if row.parallel_id not in ids]


def _write(
    folder: Path, name: str, made: EvaluationSet, impossible: Sequence[ImpossibleProblem], training: Sequence[Example]
) -> None:
    files = {
        "questions.jsonl": made.questions,
        "impossible.jsonl": impossible,
        "train.jsonl": [plain(row) for row in training],
        **{f"multipl-e/{name}-{code_of(one)}.jsonl": rows for one, rows in made.prompts.items()},
    }
    try:
        for file, records in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in records))
    except OSError as error:
        raise StorageError(f"the folder {folder} cannot be written: {error.strerror or error}") from error


def _print_summary(folder: Path, made: EvaluationSet, impossible: int) -> None:
    counts = ", ".join(
        f"{sum(q.language == one for q in made.questions)} in {get_card(one).display}" for one in _languages_of(made)
    )
    out.print(
        f"{counted(len(made.questions), 'question')} ({counts}); {counted(impossible, 'problem', 'is')} impossible"
    )
    if made.missing_in_multipl_e:
        missing = counted(made.missing_in_multipl_e, "question", "is")
        out.print(f"{missing} not in the files for MultiPL-E; impossible.jsonl says why")
    for one in made.languages_without_templates:
        templates = f"it has no template of tests; give one with --assertions FILE.toml, table [{one}]"
        why = "it has no tests of whole programs" if exchanges_json(one) else templates
        out.print(f"No files for MultiPL-E in {get_card(one).display}: {why}")
    out.print(f"Evaluate:  glotsmith evaluate questions={folder / 'questions.jsonl'} --teacher …")


def _languages_of(made: EvaluationSet) -> list[str]:
    return list(dict.fromkeys(q.language for q in made.questions))
