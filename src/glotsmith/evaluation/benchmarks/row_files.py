"""Read the rows of a benchmark: JSON lines, a JSON list, Parquet, one file a problem, or a dataset of the hub."""

import gzip
import importlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from glotsmith.errors import InputError, UsageError, decode_fault
from glotsmith.installation import install_command
from glotsmith.records import Record

T = TypeVar("T")
_SUFFIXES = (".jsonl", ".json", ".parquet")


class QuestionRow(Record, frozen=True, kw_only=True):
    """One row, with its file and line."""

    file: str
    line: int | None
    data: dict[str, Any]

    def field(self, name: str, kind: type[T], default: T | None = None) -> T:
        """Return a field of the wanted type.

        Raises:
            InputError: it is missing without a default, or of another type.

        """
        value = self.data.get(name, default)
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            what = "has no" if name not in self.data else f"has a {type(value).__name__} as its"
            raise self.error(f"the row {what} field {name!r}") from None

    def error(self, what: str) -> InputError:
        """Return an error with the file and line of this row."""
        return InputError.at(self.file, self.line, what)


def read_rows(path: Path) -> list[QuestionRow]:
    """Read a file, or all files of a folder by name, without the results of earlier runs.

    Raises:
        UsageError: the path does not exist, or the folder has no such files.
        InputError: a file is malformed, by file and line.

    """
    if path.is_dir():
        files = [p for p in sorted(path.rglob("*")) if _suffix(p) and ".results." not in p.name]
        if not files:
            raise UsageError(f"{path} has no {', '.join(_SUFFIXES)} files")
        return [row for file in files for row in _rows(file)]
    if not path.is_file():
        raise UsageError(f"{path} is neither a file nor a folder")
    return list(_rows(path))


def hub_rows(name: str, split: str, config: str = "") -> list[QuestionRow]:
    """Read a dataset of the hub through ``datasets``.

    Raises:
        UsageError: the library is missing, or the dataset is not available.

    """
    try:
        datasets = cast(Any, importlib.import_module("datasets"))
    except ImportError:
        raise UsageError(f"a benchmark of the hub needs datasets: {install_command('datasets')}") from None
    try:
        found = datasets.load_dataset(name, config or None, split=split)
    except Exception as error:  # the library raises errors of all its layers, which share no class
        reason = str(error).strip().split("\n")[0]
        raise UsageError(f"{name} cannot be loaded from the hub ({reason}); give a file: BENCHMARK=PATH") from None
    return [QuestionRow(file=f"{name}:{split}", line=i, data=dict(row)) for i, row in enumerate(found, 1)]


def _suffix(path: Path) -> str:
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    return suffix if suffix in _SUFFIXES and path.is_file() else ""


def _rows(path: Path) -> Iterator[QuestionRow]:
    match _suffix(path):
        case ".jsonl":
            for number, line in enumerate(read_bytes(path).split(b"\n"), 1):
                if line.strip():
                    yield QuestionRow(file=str(path), line=number, data=_object(path, number, line))
        case ".json":
            data = read_bytes(path)
            if data.lstrip().startswith(b"["):
                yield from _list(path, data)
            else:
                yield QuestionRow(file=str(path), line=None, data=_object(path, None, data))
        case ".parquet":
            yield from _parquet(path)
        case _:
            raise InputError.at(path, None, f"a benchmark is one of {', '.join(_SUFFIXES)}, also with .gz")


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, decompressed if it is compressed.

    Raises:
        InputError: it cannot be read.

    """
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError.at(path, None, f"cannot be read: {error}") from None


def _decode(path: Path, line: int | None, data: bytes) -> Any:
    try:
        return json.loads(data)  # ints of any size, NaN and Infinity, as EvalPlus writes them
    except (ValueError, RecursionError) as error:
        raise InputError.at(path, line, f"not JSON: {decode_fault(data, error)}") from None


def _object(path: Path, line: int | None, data: bytes) -> dict[str, Any]:
    value = _decode(path, line, data)
    if not isinstance(value, dict):
        raise InputError.at(path, line, "a row must be a JSON object")
    return cast(dict[str, Any], value)


def _list(path: Path, data: bytes) -> Iterator[QuestionRow]:
    for number, value in enumerate(cast(list[Any], _decode(path, None, data)), 1):
        if not isinstance(value, dict):
            raise InputError.at(path, None, f"row {number} must be a JSON object")
        yield QuestionRow(file=str(path), line=number, data=cast(dict[str, Any], value))


def _parquet(path: Path) -> Iterator[QuestionRow]:
    import pyarrow.parquet as pq

    try:
        rows = cast(Any, pq).read_table(path).to_pylist()
    except (ValueError, OSError, NotImplementedError) as error:  # the base of Arrow's errors
        raise InputError.at(path, None, f"not a readable Parquet file: {error}") from error
    for number, row in enumerate(rows, 1):
        yield QuestionRow(file=str(path), line=number, data=cast(dict[str, Any], row))
