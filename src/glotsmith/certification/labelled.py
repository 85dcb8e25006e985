"""Programs that are known to be right or wrong: rows of a language, translations, and programs of a user."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from glotsmith.errors import InputError
from glotsmith.languages.card import get_card, language_folder, language_names
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Example, Function, Job, Origin, Record, Task
from glotsmith.sources.extract import SourceModule
from glotsmith.sources.parse import Unparsable

#: ``rows``: rows of ``verdicts.toml``; ``translations``: of functions with a suite; ``given``: programs of a user
LabelSource = Literal["rows", "translations", "given"]


class LabelledProgram(Record, frozen=True, kw_only=True):
    """A program, and whether it is right."""

    name: str
    source: LabelSource
    right: bool
    job: Job
    problem: str = ""  #: programs of one problem are not independent, and count as one trial in an interval
    function: Function | None = None  #: the Python original of a right program, if there is one
    mutated: bool = False  #: whether mutants of the program are judged too, which requires ``job.tests``


class Translation(Record, frozen=True, kw_only=True):
    """A translation of a Python function, and whether it is right."""

    function: str  #: name of the function
    language: str
    code: str
    right: bool = True


def labelled_rows(language: str) -> list[LabelledProgram]:
    """Return the rows of a language whose programs must pass or must fail."""
    return [
        LabelledProgram(
            name=title,
            source="rows",
            right=row.expected_statuses == ("pass",),
            job=row.job(language, title),
            problem=f"row {title}",
        )
        for title, row in read_proof_rows(language).items()
        if row.expected_statuses == ("pass",) or all(status.startswith("fail:") for status in row.expected_statuses)
    ]


def own_translations(language: str) -> list[Translation]:
    """Return the translations of the functions in ``source.py``, from ``translations.toml`` of a language.

    Raises:
        InputError: The file is not a table of texts.

    """
    path = language_folder(language) / "translations.toml"
    try:
        table = msgspec.convert(tomllib.loads(path.read_text("utf-8")), dict[str, str])
    except FileNotFoundError:
        return []
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, str(error)) from error
    return [Translation(function=name, language=language, code=code) for name, code in table.items()]


def translations_in_folder(folder: Path) -> list[Translation]:
    """Return the translations of a folder with ``source.py``: ``LANGUAGE/NAME.EXT``, wrong ones ``NAME.wrong.EXT``.

    Raises:
        InputError: The folder has no ``source.py``, or a file cannot be read.

    """
    if not (folder / "source.py").is_file():
        raise InputError.at(folder, None, "the folder has no source.py with the Python functions of its translations")
    found = list[Translation]()
    for language in (name for name in language_names() if (folder / name).is_dir()):
        for path in sorted((folder / language).glob(f"*{get_card(language).extension}")):
            name, _, variant = path.name.removesuffix(get_card(language).extension).partition(".")
            found.append(
                Translation(
                    function=name, language=language, code=_read_text(path), right=not variant.startswith("wrong")
                )
            )
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError.at(path, None, f"not UTF-8: {error}") from error


def of_translation(translation: Translation, task: Task) -> LabelledProgram:
    """Return a translation with the suite of its task."""
    wrong = "" if translation.right else " (wrong)"
    return LabelledProgram(
        name=f"{translation.function}{wrong}",
        source="translations",
        right=translation.right,
        job=Job(
            id=translation.function,
            language=task.language,
            code=translation.code.lstrip("\n"),
            signature=task.signature,
            tests=task.tests,
        ),
        problem=translation.function,
        function=task.problem.function,
        mutated=translation.right,
    )


def of_example(example: Example) -> LabelledProgram | None:
    """Return the verified program of a dataset row with its tests; None if the row has no tests."""
    if not example.tests or example.kind == "original" or example.language not in language_names():
        return None
    job = Job(
        id=example.id,
        language=example.language,
        code=f"{example.prompt}{example.completion}",
        signature=example.signature,
        tests=example.tests,
    )
    return LabelledProgram(
        name=f"{example.name} ({example.id[:8]})",
        source="given",
        right=True,
        job=job,
        problem=example.parallel_id,
        function=python_original(example.source, example.name, example.parallel_id),
        mutated=True,
    )


def python_original(source: str, name: str, identity: str) -> Function | None:
    """Return a function of a Python program, with the helpers that it uses; None if the program has no such function.

    Args:
        source: The program.
        name: The name of the function.
        identity: The id of the returned function.

    """
    return next((f for f in _functions(source, identity) if f.name == name), None)


def _functions(source: str, identity: str) -> Iterator[Function]:
    try:
        found = SourceModule(source).functions(helpers=True, imports=True)
        for function in found:
            yield Function(
                id=identity,
                name=function.name,
                code=function.code,
                docstring=function.docstring,
                helpers=function.helpers,
                origin=Origin(source="", path=""),
            )
    except Unparsable:
        return
