"""Read the rows of a benchmark: JSON lines, a JSON list, Parquet, a file for each problem, or a dataset of the hub."""

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
        """Return a field as a value of the given type.

        Raises:
            InputError: The field is missing and has no default, or has another type.

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
        UsageError: The path does not exist, or the folder has no such files.
        InputError: A file is malformed. The message names the file and the line.

    """
    if path.is_dir():
        files = [p for p in sorted(path.rglob("*")) if _suffix(p) and ".results." not in p.name]
        if not files:
            raise UsageError(f"{path} has no {', '.join(_SUFFIXES)} files")
        return [row for file in files for row in _rows_of_file(file)]
    if not path.is_file():
        raise UsageError(f"{path} is neither a file nor a folder")
    return list(_rows_of_file(path))


def hub_rows(name: str, split: str, config: str = "") -> list[QuestionRow]:
    """Read a dataset of the hub by the library ``datasets``.

    Raises:
        UsageError: The library is missing, or the dataset is not available.

    """
    try:
        datasets = cast(Any, importlib.import_module("datasets"))
    except ImportError:
        raise UsageError(
            f"a benchmark of the hub needs the extra datasets. Install it: {install_command('datasets')}"
        ) from None
    try:
        found = datasets.load_dataset(name, config or None, split=split)
    except Exception as error:  # the library raises errors without a common class
        reason = str(error).strip().split("\n")[0]
        raise UsageError(f"{name} cannot be loaded from the hub ({reason}); give a file: BENCHMARK=PATH") from None
    return [QuestionRow(file=f"{name}:{split}", line=i, data=dict(row)) for i, row in enumerate(found, 1)]


def _suffix(path: Path) -> str:
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    return suffix if suffix in _SUFFIXES and path.is_file() else ""


def _rows_of_file(path: Path) -> Iterator[QuestionRow]:
    match _suffix(path):
        case ".jsonl":
            for number, line in enumerate(read_bytes(path).split(b"\n"), 1):
                if line.strip():
                    yield QuestionRow(file=str(path), line=number, data=_decode_object(path, number, line))
        case ".json":
            data = read_bytes(path)
            if data.lstrip().startswith(b"["):
                yield from _rows_of_list(path, data)
            else:
                yield QuestionRow(file=str(path), line=None, data=_decode_object(path, None, data))
        case ".parquet":
            yield from _rows_of_parquet(path)
        case _:
            kinds = ", ".join(_SUFFIXES)
            raise InputError.at(
                path,
                None,
                f"the name of a benchmark file must end in one of {kinds}; all but .parquet may also end in .gz",
            )


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, decompressed if it is compressed.

    Raises:
        InputError: The file cannot be read.

    """
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError.at(path, None, f"the file cannot be read: {error}") from None


def _decode(path: Path, line: int | None, data: bytes) -> Any:
    try:
        return json.loads(data)  # ints of any size, NaN and Infinity, as EvalPlus writes them
    except (ValueError, RecursionError) as error:
        raise InputError.at(path, line, f"not JSON: {decode_fault(data, error)}") from None


def _decode_object(path: Path, line: int | None, data: bytes) -> dict[str, Any]:
    value = _decode(path, line, data)
    if not isinstance(value, dict):
        raise InputError.at(path, line, "a row must be a JSON object")
    return cast(dict[str, Any], value)


def _rows_of_list(path: Path, data: bytes) -> Iterator[QuestionRow]:
    for number, value in enumerate(cast(list[Any], _decode(path, None, data)), 1):
        if not isinstance(value, dict):
            raise InputError.at(path, None, f"row {number} must be a JSON object")
        yield QuestionRow(file=str(path), line=number, data=cast(dict[str, Any], value))


def _rows_of_parquet(path: Path) -> Iterator[QuestionRow]:
    import pyarrow.parquet as pq

    try:
        rows = cast(Any, pq).read_table(path).to_pylist()
    except (ValueError, OSError, NotImplementedError) as error:  # the base classes of Arrow's errors
        raise InputError.at(path, None, f"not a readable Parquet file: {error}") from error
    for number, row in enumerate(rows, 1):
        yield QuestionRow(file=str(path), line=number, data=cast(dict[str, Any], row))
