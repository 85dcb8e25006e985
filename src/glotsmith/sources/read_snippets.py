"""Read snippets: the first step of inverse-instruct and xcoder, from instruction corpora, code and other runs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from glotsmith import languages
from glotsmith.drop_reasons import Reason
from glotsmith.errors import InputError, UsageError
from glotsmith.records import Origin, Record, Snippet, content_hash, printable
from glotsmith.sources import licences, table_rows
from glotsmith.sources.files import FileSelection, find_source_files, printable_path, read_text
from glotsmith.sources.snippet_rows import CONTENT_COLUMNS, RowOrigin, parse_snippet
from glotsmith.step import Dropped, Result, SourceStep, internal_error, keep

SNIPPET_SOURCE_EXAMPLES = (
    "a .jsonl, .jsonl.gz or .parquet file with instructions and responses or with code, a file or a folder of code in "
    "any of the languages, the folder of a finished run, hf:OWNER/DATASET[:CONFIG][:SPLIT] (a Hugging Face dataset)"
)
#: the units that the step reads, and their possible sources
SNIPPET = ("snippet", "a file of code in one of the languages, a row of a table with code, or a row of a finished run")
_READ_AHEAD = 64  #: number of units that are read at once
_MAX_BYTES = 5_000_000  #: largest size of a file in bytes, or of a row in characters


class SnippetUnit(NamedTuple):
    """One row or file, with its snippet or the reason why it has none."""

    key: str
    found: Snippet | Dropped


class ReadSnippets(SourceStep[Snippet]):
    """Reads snippets. A unit is a row or a file. The key of a snippet is its id, so equal snippets have equal keys.

    Raises:
        UsageError: A specification has an unknown form, or names a source that does not exist.

    """

    name: ClassVar[str] = "sources"
    output: ClassVar[type[Record]] = Snippet

    def __init__(self, specs: Sequence[str], column: str = "", folder: Path = Path(), *, locate: bool = True) -> None:
        """Create the step, and find the sources.

        Args:
            specs: The specifications of the sources.
            column: The column with the code, if it has an unusual name.
            folder: The folder to which paths are relative.
            locate: Whether to find the sources on this machine. Without them, the step cannot run.

        """
        if not specs:
            raise UsageError(f"no source given. Pass at least one with -s: {SNIPPET_SOURCE_EXAMPLES}")
        self._sources = [_unit_reader(spec, column, folder) for spec in dict.fromkeys(specs) if locate]

    async def run(self, done: Callable[[str], bool]) -> "AsyncIterator[tuple[str, Result[Snippet]]]":
        """Yield units in the order of specifications, rows and paths.

        Raises:
            InputError: A line is malformed, a table lacks the columns, or a folder has no file of code.

        """
        for source in self._sources:
            units = source()
            while chunk := await asyncio.to_thread(_next_units, units):  # reading may wait for disk or network
                for key, found in chunk:
                    if not done(key):
                        yield key, _unit_result(found)


def _next_units(units: Iterable[SnippetUnit]) -> list[SnippetUnit]:
    return list(islice(units, _READ_AHEAD))


def _unit_result(found: Snippet | Dropped) -> Result[Snippet]:
    return Result(dropped=(found,)) if isinstance(found, Dropped) else keep(found.id, found)


def _unit_reader(spec: str, column: str, folder: Path) -> "Callable[[], Iterator[SnippetUnit]]":
    if spec.startswith("hf:"):
        return _dataset_reader(spec, column)
    path = folder / Path(spec).expanduser()
    if not spec or not path.exists():
        raise UsageError(
            f"there is no file, folder or source {printable(spec)!r}. A source is one of: {SNIPPET_SOURCE_EXAMPLES}"
        )
    if (path / "run.toml").is_file() or (path / "data").is_dir():
        return _table_reader(spec, _dataset_files(path), column)
    if path.name.endswith(table_rows.TABLE_SUFFIXES):
        return _table_reader(spec, [path], column)
    if path.is_file() and path.suffix not in _languages_by_suffix():
        raise UsageError(f"{spec} has an unsupported format. A source is one of: {SNIPPET_SOURCE_EXAMPLES}")
    return lambda: _code_units(spec, path)


# ------------------------------------------------------------------------------------------ tables


def _dataset_files(path: Path) -> list[Path]:
    """Return the dataset files of a run, or of an exported dataset.

    Raises:
        UsageError: The run has no dataset yet.

    """
    for root in (path / "dataset" / "jsonl", path / "dataset" / "parquet", path):
        if files := sorted(p for p in root.glob("data/*/train[.-]*") if p.name.endswith(table_rows.TABLE_SUFFIXES)):
            return files
    raise UsageError(
        f"{path}: the run has no dataset. Finish the run, or export its rows with 'glotsmith export {path}'"
    )


def _table_reader(spec: str, files: Sequence[Path], column: str) -> "Callable[[], Iterator[SnippetUnit]]":
    def units() -> Iterator[SnippetUnit]:
        for file in files:
            part = "" if file.stem == "train" else f"{file.stem}/"  # one of several files of a language
            prefix = f"{file.parent.name}/{part}" if len(files) > 1 else ""
            read = (
                table_rows.parquet_rows(file) if file.suffix == ".parquet" else table_rows.jsonl_rows(file, _MAX_BYTES)
            )
            for number, row in read:
                yield _row_unit(RowOrigin(printable(spec), f"{prefix}{number}"), row, column, file, number)

    return lambda: _require_rows(units(), spec)


def _require_rows(units: Iterator[SnippetUnit], spec: str) -> Iterator[SnippetUnit]:
    """Yield units. Refuse an empty source, because a run without input would end without an error."""
    first = next(units, None)
    if first is None:
        raise InputError(f"{spec}: the table has no rows")
    yield first
    yield from units


def _dataset_reader(spec: str, column: str) -> "Callable[[], Iterator[SnippetUnit]]":
    dataset = table_rows.parse_dataset_spec(spec)

    def units() -> Iterator[SnippetUnit]:
        for number, row in table_rows.dataset_rows(spec, *dataset):
            yield _row_unit(RowOrigin(printable(spec), str(number)), row, column, spec, number)

    return lambda: _require_rows(units(), spec)


def _row_unit(
    origin: RowOrigin, row: "Mapping[str, Any] | Dropped", column: str, file: Path | str, number: int
) -> SnippetUnit:
    key = f"{origin.source}:{origin.path}"
    if isinstance(row, Dropped):
        return SnippetUnit(key, row)
    if not any(name in row for name in ((column,) if column else CONTENT_COLUMNS)):
        missing = f"no column {column!r}" if column else f"none of the columns {', '.join(CONTENT_COLUMNS)}"
        columns = ", ".join(sorted(row)) or "none"
        raise InputError.at(
            file, number, f"{missing}; the columns are {columns}. Name the column with the code: --set column=NAME"
        )
    try:
        return SnippetUnit(key, parse_snippet(row, origin, column))
    except Exception as error:
        return SnippetUnit(key, internal_error("sources", key, error))


# ------------------------------------------------------------------------------------------ files of code


def _languages_by_suffix() -> dict[str, str]:
    """Return the language of each file name extension."""
    return {languages.get_card(name).extension: name for name in languages.language_names()}


def _code_units(spec: str, path: Path) -> Iterator[SnippetUnit]:
    suffixes = _languages_by_suffix()
    base = path if path.is_dir() else path.parent
    scope = FileSelection(suffixes=tuple(suffixes))
    files = find_source_files(path, scope) if path.is_dir() else iter([(path, None)])
    empty = True
    licence = licences.licence_of_folder(base)
    for file, dropped in files:
        empty = False
        where = printable_path(file, base)
        content = dropped or read_text(file, _MAX_BYTES)
        yield SnippetUnit(
            f"{printable(spec)}:{where}",
            _snippet_of_file(content, suffixes[file.suffix], RowOrigin(spec, where, "", licence)),
        )
    if empty:
        raise InputError(f"{spec}: no file of code in any of the languages (see 'glotsmith languages list')")


def _snippet_of_file(content: str | Dropped, language: str, origin: RowOrigin) -> Snippet | Dropped:
    if isinstance(content, Dropped):
        return content
    if not content.strip():
        return Dropped(Reason.NOT_A_SNIPPET, "the file is empty")
    licence = licences.licence_of_source(content) or origin.licence
    stored = Origin(source=printable(origin.source), path=origin.path, licence=licence)
    return Snippet(id=content_hash(language, content), language=language, code=content.rstrip("\n"), origin=stored)
