"""Stream the rows of JSONL files, Parquet files and Hugging Face datasets, as texts with their licences."""

import gzip
import importlib.util
import json
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any, cast

from glotsmith.drop_reasons import Reason
from glotsmith.errors import InputError, UsageError
from glotsmith.installation import install_command
from glotsmith.records import printable
from glotsmith.sources.files import SourceText, decode_utf8
from glotsmith.step import Dropped

TABLE_SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")
CODE_COLUMNS = ("content", "code")
LICENCE_COLUMNS = ("license", "licence", "licenses", "max_stars_repo_licenses")
_ESCAPES = 6  #: length of ``\\u0041``, the longest form of one byte of text in JSON


def jsonl_texts(path: Path, column: str, max_bytes: int) -> Iterator[SourceText]:
    """Yield the rows of a JSONL file, gzipped or not. The path of a row is its line number.

    Raises:
        InputError: A line is not a JSON object or lacks the column, or the file cannot be read to its end.

    """
    for number, row in jsonl_rows(path, max_bytes):
        if isinstance(row, Dropped):
            yield SourceText(str(number), row, is_unit=True)
        else:
            yield _source_text(str(number), row, column, max_bytes, f"{path}:{number}")


def jsonl_rows(path: Path, max_bytes: int) -> "Iterator[tuple[int, Mapping[str, Any] | Dropped]]":
    """Yield line numbers and objects of a JSONL file, gzipped or not. An unreadable line is a ``Dropped``.

    Raises:
        InputError: A line is not a JSON object, or the file cannot be read to its end.

    """
    try:
        with _open_binary(path) as file:
            for number, line in _bounded_lines(cast(BufferedIOBase, file), max_bytes * _ESCAPES + 65_536):
                text = (
                    Dropped(Reason.TOO_LARGE, "the line is over the size limit") if line is None else decode_utf8(line)
                )
                if isinstance(text, Dropped):
                    yield number, text
                elif text.strip():
                    yield number, _json_object(text, path, number)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError.at(path, None, f"the file cannot be read to its end: {error}") from error


def parquet_texts(path: Path, column: str, max_bytes: int) -> Iterator[SourceText]:
    """Yield the rows of a Parquet file. The path of a row is its number, from 1.

    Raises:
        InputError: The file is not Parquet or lacks the column.

    """
    have = _parquet_columns(path)
    names = [_code_column(have, column, str(path)), *(n for n in LICENCE_COLUMNS if n in have)]
    for number, row in parquet_rows(path, names):
        yield _source_text(str(number), row, names[0], max_bytes, f"{path}: row {number}")


def parquet_rows(path: Path, names: "list[str] | None" = None) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield numbers and rows of a Parquet file, with all or some columns. A value that is not UTF-8 is a ``Dropped``.

    Raises:
        InputError: The file is not Parquet.

    """
    with _open_parquet(path) as file:
        wanted = file.schema_arrow.names if names is None else names
        yield from enumerate(_parquet_rows(file, wanted), start=1)


def _parquet_columns(path: Path) -> list[str]:
    with _open_parquet(path) as file:
        return file.schema_arrow.names


@contextmanager
def _open_parquet(path: Path) -> Generator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    failures: tuple[type[Exception], ...] = (cast(Any, pa).ArrowException, OSError)
    try:
        with closing(cast(Any, pq.ParquetFile(path))) as file:
            yield file
    except failures as error:
        raise InputError.at(path, None, f"the file cannot be read as Parquet: {error}") from error


def _parquet_rows(file: Any, names: list[str]) -> Iterator[dict[str, object]]:
    for batch in file.iter_batches(batch_size=64, columns=names):
        columns = [batch.column(name) for name in names]
        for i in range(batch.num_rows):
            yield {name: _python_value(column[i]) for name, column in zip(names, columns, strict=True)}


def dataset_texts(spec: str, name: str, config: str, split: str, column: str, max_bytes: int) -> Iterator[SourceText]:
    """Stream the texts of a Hugging Face dataset (see ``dataset_rows``).

    Raises:
        UsageError: The ``datasets`` extra is not installed.
        InputError: The dataset does not exist, cannot be reached, or lacks the column.

    """
    for number, row in dataset_rows(spec, name, config, split):
        yield _source_text(str(number), row, column, max_bytes, f"{spec}: row {number}")


def require_datasets(spec: str) -> None:
    """Refuse a dataset of the Hugging Face hub if the package ``datasets`` is missing.

    Raises:
        UsageError: The ``datasets`` extra is not installed.

    """
    if importlib.util.find_spec("datasets") is None:
        raise UsageError(f"{spec} needs the extra datasets. Install it: {install_command('datasets')}")


def parse_dataset_spec(spec: str) -> tuple[str, str, str]:
    """Return name, configuration and split (default: ``train``) of ``hf:OWNER/DATASET[:CONFIG][:SPLIT]``.

    Raises:
        UsageError: The specification has another form, or the ``datasets`` extra is not installed.

    """
    name, config, split, *more = [*spec.split(":")[1:], "", ""]
    if not name or any(more):
        raise UsageError(f"{spec!r} is not of the form hf:OWNER/DATASET[:CONFIG][:SPLIT]")
    require_datasets(spec)
    return name, config, split or "train"


def dataset_rows(spec: str, name: str, config: str, split: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the rows of a Hugging Face dataset. Only these rows are downloaded, and no code of the dataset is run.

    Raises:
        UsageError: The ``datasets`` extra is not installed.
        InputError: The dataset does not exist or cannot be reached.

    """
    try:
        import datasets
    except ImportError as error:
        message = f"{spec} needs the extra datasets. Install it: {install_command('datasets')}"
        raise UsageError(message) from error
    try:
        load = cast(Any, datasets).load_dataset
        rows: Iterator[Mapping[str, Any]] = iter(load(name, config or None, split=split, streaming=True))
    except Exception as error:  # the library raises many types
        raise InputError(f"{spec}: the dataset cannot be opened: {_first_line(error)}") from error
    number = 0
    while (row := _next_row(rows, spec, number + 1)) is not None:
        number += 1
        yield number, row


def _next_row(rows: Iterator[Mapping[str, Any]], spec: str, number: int) -> Mapping[str, Any] | None:
    try:
        return next(rows, None)
    except Exception as error:  # network failures, truncated files, schemas that change
        raise InputError(f"{spec}: row {number} cannot be read: {_first_line(error)}") from error


def _source_text(path: str, row: Mapping[str, Any], column: str, max_bytes: int, where: str) -> SourceText:
    content = row[_code_column(row, column, where)]
    licence = next((_licence_text(row[c]) for c in LICENCE_COLUMNS if row.get(c)), "")
    if isinstance(content, Dropped):
        return SourceText(path, content, licence, is_unit=True)
    if not isinstance(content, str):
        content = Dropped(Reason.NOT_A_FUNCTION, f"the column contains {type(content).__name__}, not text")
    elif len(content) > max_bytes:
        content = Dropped(Reason.TOO_LARGE, f"over {max_bytes:,} characters")
    return SourceText(path, content, licence, is_unit=True)


def _code_column(names: Iterable[str], wanted: str, where: str) -> str:
    columns = list(names)
    for name in [wanted] if wanted else CODE_COLUMNS:
        if name in columns:
            return name
    missing = f"no column {wanted!r}" if wanted else "no column 'content' or 'code'"
    found = ", ".join(sorted(columns)) or "none"
    raise InputError(f"{where}: {missing}; the columns are {found}. Name the column with the code: --set column=NAME")


def _licence_text(licence: object) -> str:
    parts = cast(list[object], licence) if isinstance(licence, list) else [licence]
    return printable(" AND ".join(str(p) for p in parts if p))


def _json_object(line: str, path: Path, number: int) -> Mapping[str, Any]:
    try:
        row: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError.at(path, number, f"not JSON ({error}); each line must be one JSON object") from error
    if not isinstance(row, dict):
        raise InputError.at(path, number, f"each line must be one JSON object, and this one is {type(row).__name__}")
    return cast(dict[str, Any], row)


def _open_binary(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _bounded_lines(file: BufferedIOBase, max_bytes: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield lines with their numbers from 1; None for a line over ``max_bytes``, which is never wholly in memory."""
    number = 0
    while line := file.readline(max_bytes):
        number += 1
        if len(line) == max_bytes and not line.endswith(b"\n"):
            while (rest := file.readline(max_bytes)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, line


def _python_value(value: Any) -> object:
    try:
        return value.as_py()
    except UnicodeDecodeError as error:
        return Dropped(Reason.UNREADABLE, f"byte {error.start} is not UTF-8")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
