"""Read rows from the files of a dataset: JSON lines or Parquet with the fields of a record."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from glotsmith.errors import InputError, UsageError, decode_fault
from glotsmith.records import Record

Item = TypeVar("Item", bound=Record)


def read_dataset_rows(path: Path, kind: type[Item]) -> Iterator[Item]:
    """Yield the rows of a file, or of a dataset's folder (``data/LANGUAGE/train.*`` or ``train-*``).

    Raises:
        UsageError: No file exists.
        InputError: A row is not of this kind. The message names the file and the line.

    """
    for file in _dataset_files(path):
        yield from (_rows_of_parquet if file.suffix == ".parquet" else _rows_of_jsonl)(file, kind)


def _dataset_files(path: Path) -> list[Path]:
    if path.is_file() and path.suffix in (".jsonl", ".parquet"):
        return [path]
    found = sorted(file for file in path.glob("data/*/train[.-]*") if file.suffix in (".jsonl", ".parquet"))
    if not found:
        raise UsageError(
            f"{path} is not a run folder, a dataset that 'glotsmith export' wrote as jsonl or parquet, or a .jsonl or "
            ".parquet file"
        )
    return found


def _rows_of_jsonl(file: Path, kind: type[Item]) -> Iterator[Item]:
    decode = msgspec.json.Decoder(kind).decode
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise InputError.at(
                    file, number, f"not a valid row of a dataset ({kind.__name__}): {decode_fault(line, error)}"
                ) from error


def _rows_of_parquet(file: Path, kind: type[Item]) -> Iterator[Item]:
    arrow, parquet = cast(Any, import_module("pyarrow")), cast(Any, import_module("pyarrow.parquet"))
    number = 0
    try:
        for batch in parquet.ParquetFile(file).iter_batches():
            for row in batch.to_pylist():
                number += 1
                yield msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise InputError.at(
            file, None, f"row {number} is not a valid row of a dataset ({kind.__name__}): {error}"
        ) from error
    except (arrow.ArrowException, OSError) as error:
        raise InputError.at(file, None, f"not a dataset ({kind.__name__}): {error}") from error
