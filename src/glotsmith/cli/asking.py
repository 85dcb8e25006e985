"""From the benchmarks that a command names to the questions that are asked: read, posed, proved."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from glotsmith.cli.posing import pose
from glotsmith.errors import UsageError
from glotsmith.evaluation import benchmarks, corrected, passable
from glotsmith.evaluation.benchmarks.base import Loaded, Posable, Wanted
from glotsmith.evaluation.benchmarks.files import Row, hub_rows, read_rows
from glotsmith.evaluation.questions import Impossible, Question, of_task
from glotsmith.languages import names
from glotsmith.languages.docstrings import Wording
from glotsmith.records import Record, Task
from glotsmith.run_folder import RunFolder
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Verify

_PROBLEM = ("parallel_id", "problem", "task_id", "name", "question_id")  #: fields that name a row's problem, best first


class Set(Record, frozen=True, kw_only=True):
    """One benchmark of a command: its name, and a file, a folder, or nothing for the hub."""

    name: str
    path: str = ""


class Asking(Record, frozen=True, kw_only=True):
    """What is asked, what can't be, and what a reader of the figures has to know."""

    questions: tuple[Question, ...]
    impossible: tuple[Impossible, ...]
    notes: tuple[str, ...]


def named(text: str) -> Set:
    """Parse ``NAME=PATH`` or ``NAME``.

    Raises:
        UsageError: there is no such benchmark.

    """
    name, _, path = text.partition("=")
    benchmarks.get(name)
    return Set(name=name, path=path)


async def ask(
    sets: Sequence[Set],
    originals: Sequence[Set],
    languages: Sequence[str],
    limit: int,
    sandbox: Sandbox,
    verify: Verify,
    wording: Wording = "target",
) -> Asking:
    """Read the benchmarks, pose what has a Python original, and check by stubs what is published as it is.

    Raises:
        UsageError: a benchmark needs languages and none is named, nothing can be had from the hub, or nothing is left.
        InputError: a file is malformed.

    """
    questions, impossible, notes = list[Question](), list[Impossible](), list[str]()
    for chosen in sets:
        loaded = await _load(chosen, languages, limit, sandbox, verify)
        tasks, lost = await _posed(chosen.name, loaded, languages, verify, wording)
        lost += passable.unrepresentable(loaded.questions)
        never = {(i.problem, i.language) for i in lost}
        questions += [*(q for q in loaded.questions if (q.problem, q.language) not in never), *tasks]
        impossible += [*loaded.impossible, *lost, *await passable.check(loaded.questions, verify)]
        notes += loaded.notes
    beside, lost = await _corrected([q for q in questions if q.published], originals, sandbox, verify)
    if not (questions or beside):
        why = impossible[0].detail if impossible else "no row is in a wanted language"
        raise UsageError(f"no question is left to ask: {why}")
    return Asking(
        questions=_once((*questions, *beside)), impossible=(*impossible, *lost), notes=tuple(dict.fromkeys(notes))
    )


def _once(questions: Sequence[Question]) -> tuple[Question, ...]:
    """Return the questions, equal ones once: asked twice, a problem would count twice.

    Raises:
        UsageError: two questions have one name.

    """
    known = dict[str, Question]()
    for question in questions:
        if known.setdefault(question.id, question) != question:
            raise UsageError(
                f"{question.id} stands twice in the benchmark's files, and not alike: evaluate them one by one"
            )
    return tuple(known.values())


async def _load(chosen: Set, languages: Sequence[str], limit: int, sandbox: Sandbox, verify: Verify) -> Loaded:
    wanted = Wanted(name=chosen.name, languages=tuple(languages), sandbox=sandbox, verify=verify)
    rows = _first(_rows(chosen, languages), limit, numbered=chosen.name == "mceval")
    loaded = await benchmarks.get(chosen.name).read(rows, wanted)
    if not languages and (loaded.posable or (rows and not loaded.questions and not loaded.impossible)):
        raise UsageError(f"{chosen.name} can be asked in any language: name one, as in --language lua")
    return loaded


def _first(rows: Sequence[Row], limit: int, *, numbered: bool = False) -> list[Row]:
    """Return the rows of the first problems, in however many languages they stand there; all of them for 0.

    McEval's are numbered in each language (``Lua/1``).
    """
    names = [next((str(row.data[f]) for f in _PROBLEM if f in row.data), str(row.line)) for row in rows]
    if numbered:
        names = [name.rpartition("/")[2] for name in names]
    kept = set(list(dict.fromkeys(names))[: limit or None])
    return [row for row, name in zip(rows, names, strict=True) if name in kept]


def _rows(chosen: Set, languages: Sequence[str]) -> list[Row]:
    if chosen.path:
        return own_rows(Path(chosen.path)) if chosen.name == "rows" else read_rows(Path(chosen.path))
    hub = benchmarks.get(chosen.name).HUB
    if not hub:
        raise UsageError(
            f"{chosen.name} is not on the hub in a form that can be run: give its file, {chosen.name}=PATH"
        )
    dataset, split, *part = hub.split(":")
    if chosen.name != "multipl-e":
        return hub_rows(dataset, split, *part)
    from glotsmith.evaluation.benchmarks.multipl_e import part_of

    if not languages:
        raise UsageError("multipl-e has a part for each language: name one, as in --language lua")
    return [row for language in languages for row in hub_rows(dataset, split, part_of(language))]


def own_rows(path: Path) -> list[Row]:
    """Read dataset rows, of a run folder too."""
    if not (path / "run.toml").is_file():
        return read_rows(path)
    with RunFolder.open(path) as folder:
        from glotsmith.datasets.schema import plain
        from glotsmith.records import Example

        steps = folder.ledger.steps
        kept = folder.ledger.kept(steps[-1], Example) if steps else ()
        return [Row(file=str(path), line=i, data=plain(row)) for i, (_, row) in enumerate(kept, 1)]


async def _posed(
    benchmark: str, loaded: Loaded, languages: Sequence[str], verify: Verify, wording: Wording
) -> tuple[list[Question], list[Impossible]]:
    if not loaded.posable:
        return [], []
    tasks, lost = await pose(benchmark, loaded.posable, languages, verify)
    made = [
        msgspec.structs.replace(
            of_task(task, benchmark, p.name, tolerance=p.tolerance, oracle=p.oracle, wording=wording), alias=p.alias
        )
        for p, task in tasks
    ]
    return made, lost


async def _corrected(
    published: Sequence[Question], originals: Sequence[Set], sandbox: Sandbox, verify: Verify
) -> tuple[list[Question], list[Impossible]]:
    """Return the published MultiPL-E questions with our suites beside, where originals are given."""
    questions = [q for q in published if q.benchmark == "multipl-e"]
    if not originals or not questions:
        return [], []
    languages = list(dict.fromkeys(q.language for q in questions if q.language in names()))
    tasks = dict[tuple[str, int, str], tuple[Task, float, str]]()
    for original in originals:
        loaded = await _load(original, languages, 0, sandbox, verify)
        wanted = {corrected.key_of(q.problem) for q in questions}
        some: list[Posable] = [p for p in loaded.posable if corrected.key_of(p.name) in wanted]
        for p, task in (await pose(original.name, some, languages, verify))[0]:
            key = corrected.key_of(p.name)
            if key:
                tasks[(*key, task.language)] = (task, p.tolerance, p.oracle)
    return await corrected.beside(questions, tasks, verify)
