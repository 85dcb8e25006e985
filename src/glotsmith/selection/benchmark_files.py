"""Read benchmark files: all texts of each row, with a name for the row.

A benchmark serves here only to keep its problems out of a dataset, so that no schema is required. Every string of a
row counts, at any depth: ``prompt``, ``canonical_solution``, ``test``, ``text``, ``code``, ``instruction`` …
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from glotsmith.errors import InputError, decode_fault
from glotsmith.records import Record

_NAMES = ("task_id", "id", "name", "question_id", "problem_id")  #: fields that name a row, in order of preference
_SUFFIXES = ".jsonl, .jsonl.gz, .json, .json.gz, .parquet"
_BATCH = 256  #: rows of a Parquet file in memory


class BenchmarkRow(Record, frozen=True, kw_only=True):
    """One problem of a benchmark."""

    name: str  #: file name and the row's id, or its line number or its number from 1
    language: str = ""  #: the row's own language field
    texts: tuple[str, ...]
    fields: dict[str, Any] = {}  #: the row itself

    @property
    def programs(self) -> tuple[str, ...]:
        """The texts that may be programs: all texts, and the prompt with the solution that continues it."""
        prompt, solution = self.fields.get("prompt"), self.fields.get("canonical_solution")
        whole = (prompt + solution,) if isinstance(prompt, str) and isinstance(solution, str) else ()
        return (*self.texts, *whole)


def read_benchmark(path: Path) -> Iterator[BenchmarkRow]:
    """Read a benchmark: one object per line, a list of objects, or a Parquet table.

    Raises:
        InputError: the file is missing or of another kind, or a line is not a JSON object.

    """
    kind = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    readers = {".jsonl": _json_lines, ".jsonl.gz": _json_lines, ".json": _json, ".json.gz": _json, ".parquet": _parquet}
    if kind not in readers:
        raise InputError.at(path, None, f"not a benchmark file; a benchmark is one of {_SUFFIXES}")
    if not path.is_file():
        raise InputError.at(path, None, "no such benchmark file")
    for number, row in readers[kind](path):
        label = next((str(row[field]) for field in _NAMES if row.get(field) not in (None, "")), str(number))
        language = row.get("language") or row.get("lang")
        yield BenchmarkRow(
            name=f"{path.name}:{label}",
            language=language.lower() if isinstance(language, str) else "",
            texts=tuple(_texts(row)),
            fields=row,
        )


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in cast(dict[Any, Any], value).values():
                yield from _texts(inner)
        case list():
            items = cast(list[Any], value)
            if items and all(isinstance(item, str) for item in items):
                yield "\n".join(items)  # a list of asserts is one text
            else:
                for inner in items:
                    yield from _texts(inner)
        case _:
            pass


def _lines(path: Path) -> Iterator[bytes]:
    """Read a plain or compressed file line by line."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise InputError.at(path, None, f"the benchmark cannot be read: {error}") from error


def _decode(path: Path, line: int | None, data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError.at(path, line, f"not JSON: {decode_fault(data, error)}") from error


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        row = _decode(path, number, line)
        if not isinstance(row, dict):
            raise InputError.at(path, number, "a line of a benchmark must be a JSON object")
        yield number, cast(dict[str, Any], row)


def _json(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read a list of rows, rows by id, or an object whose fields are lists of rows."""
    data = _decode(path, None, b"".join(_lines(path)))
    if isinstance(data, dict):
        values = cast(dict[str, Any], data)
        if all(isinstance(value, dict) for value in values.values()):
            data = [{"id": name} | value for name, value in values.items()]
        else:
            data = [row for value in values.values() if isinstance(value, list) for row in cast(list[Any], value)]
    rows = cast(list[Any], data) if isinstance(data, list) else []
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError.at(path, None, "a JSON benchmark must be a list of objects")
    yield from enumerate(cast(list[dict[str, Any]], rows), 1)


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            batches = cast(Iterable[Any], file.iter_batches(_BATCH))  # pyright: ignore[reportUnknownMemberType]
            rows = (cast(dict[str, Any], row) for batch in batches for row in batch.to_pylist())
            yield from enumerate(rows, 1)
    except (ValueError, OSError, NotImplementedError) as error:  # the base classes of Arrow's errors
        raise InputError.at(path, None, f"not a readable Parquet file: {error}") from error
