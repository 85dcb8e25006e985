"""Write rows to JSONL and Parquet files, and group rows by key in a temporary database.

Files are written under temporary names (``write_aside``) and renamed when all are complete.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import msgspec

from glotsmith.datasets.schema import ColumnType, arrow, arrow_type, columns, plain
from glotsmith.errors import InputError, StorageError
from glotsmith.records import Example, Preference, content_hash
from glotsmith.write_aside import Drafts

_LANGUAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+#.-]*")
_ROW_GROUP = 1000  #: number of rows in a row group of a Parquet file, and in memory
_FILE_BYTES = 500_000_000  #: size at which a Parquet file of a dataset ends and the next one begins, as on the Hub


class RowWriter(Protocol):
    """An open file of rows. The constructor takes its path and its columns."""

    def write(self, row: dict[str, Any], line: bytes = b"") -> None:
        """Add a row. ``line`` is its JSON; "" if the caller does not have it."""
        ...

    def close(self) -> None:
        """Write the rows in memory and close the file."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether the next row belongs in a new file."""
        ...


class JsonLinesFile:
    """A file of JSON lines.

    Loaders infer types from values: they may read a text column as a time if each of its values looks like a date.
    """

    def __init__(self, path: Path, columns: Mapping[str, ColumnType]) -> None:
        """Open the file. The format does not use the columns."""
        self._file = path.open("wb")

    def write(self, row: dict[str, Any], line: bytes = b"") -> None:
        """Add a row."""
        self._file.write((line or msgspec.json.encode(row)) + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def is_full(self) -> bool:
        """False, because the format ``jsonl`` has one file for each language."""
        return False


class ParquetFile:
    """Parquet with typed columns, compressed with zstd and written in row groups."""

    def __init__(self, path: Path, columns: Mapping[str, ColumnType]) -> None:
        """Open the file."""
        self._path = path
        self._schema = arrow().schema([(name, arrow_type(node)) for name, node in columns.items()])
        self._writer = cast(Any, import_module("pyarrow.parquet")).ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def write(self, row: dict[str, Any], line: bytes = b"") -> None:
        """Add a row."""
        self._rows.append(row)
        if len(self._rows) == _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write the rows in memory and close the file."""
        try:
            if self._rows:
                self._flush()
        finally:
            self._writer.close()

    @property
    def is_full(self) -> bool:
        """Whether the file has reached ``_FILE_BYTES``. Rows in memory do not count."""
        return not self._rows and self._path.stat().st_size >= _FILE_BYTES

    def _flush(self) -> None:
        self._writer.write_table(arrow().Table.from_pylist(self._rows, self._schema))
        self._rows.clear()


#: extension of a file → its writer
ROW_WRITERS: Mapping[str, Callable[[Path, Mapping[str, ColumnType]], RowWriter]] = {
    "jsonl": JsonLinesFile,
    "parquet": ParquetFile,
}


def write_language_files(rows: Iterable[Example], folder: Path, extension: str) -> list[Path]:
    """Write the rows to ``folder/data/LANGUAGE/train.EXTENSION`` and return these files, sorted.

    A language with much data has several files in Parquet: ``train-00001.parquet``, ``train-00002.parquet``, ….
    Files of an earlier export are removed. Memory does not grow with the rows. A file is written whole or not at all.

    Raises:
        StorageError: The disk is full, or the folder cannot be written.
        InputError: A row contains a lone surrogate, or a language that cannot be the name of a folder.

    """
    try:
        with Drafts() as drafts:
            _write_drafts(rows, folder / "data", extension, drafts)
            drafts.replace_targets()
        _remove_others(folder / "data", set(drafts.targets))
    except OSError as error:
        raise StorageError(f"{folder}: the dataset cannot be written: {error.strerror or error}") from error
    return sorted(drafts.targets)


def _write_drafts(rows: Iterable[Example], data: Path, extension: str, drafts: Drafts) -> None:
    files: dict[str, _LanguageFiles] = {}
    with ExitStack() as stack:
        for example in rows:
            row, line = _encode_row(example)
            if (language := example.language) not in files:
                files[language] = _LanguageFiles(data / language, extension, drafts)
                stack.callback(files[language].close)
            files[language].write(row, line)


class _LanguageFiles:
    """The files of one language. The last file is open."""

    def __init__(self, folder: Path, extension: str, drafts: Drafts) -> None:
        self._folder, self._extension, self._drafts = folder, extension, drafts
        self._full = 0  #: number of closed files
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = self._open(f"train.{extension}")

    def _open(self, name: str) -> RowWriter:
        return ROW_WRITERS[self._extension](self._drafts.add(self._folder / name), columns())

    def write(self, row: dict[str, Any], line: bytes) -> None:
        """Add a row."""
        if self._writer.is_full:
            self._begin_file()
        self._writer.write(row, line)

    def _begin_file(self) -> None:
        self._writer.close()
        self._full += 1
        if self._full == 1:
            self._drafts.rename(self._folder / f"train.{self._extension}", self._part(1))
        self._writer = self._open(self._part(self._full + 1).name)

    def _part(self, number: int) -> Path:
        return self._folder / f"train-{number:05}.{self._extension}"

    def close(self) -> None:
        """Close the open file."""
        self._writer.close()


def _encode_row(example: Example) -> tuple[dict[str, Any], bytes]:
    if not _LANGUAGE.fullmatch(example.language):
        raise InputError(f"row {example.id}: the language {example.language!r} cannot be the name of a folder")
    row = plain(example)
    try:
        return row, msgspec.json.encode(row)
    except UnicodeEncodeError as error:
        raise not_unicode(example, error) from error


def _remove_others(data: Path, kept: set[Path]) -> None:
    """Remove the files of an earlier export: those of other languages and formats, and further parts."""
    for file in sorted(data.glob("*/train[.-]*")):
        if file not in kept:
            file.unlink()
            if not any(file.parent.iterdir()):
                file.parent.rmdir()


Item = TypeVar("Item", Example, Preference)

_SCHEMA = """
PRAGMA synchronous = OFF;
CREATE TABLE groups (key TEXT PRIMARY KEY, first INTEGER) WITHOUT ROWID;
CREATE TABLE items (first INTEGER, position INTEGER, data BLOB, PRIMARY KEY (first, position)) WITHOUT ROWID;
"""
_GROUP = "INSERT INTO groups VALUES (?, ?) ON CONFLICT DO NOTHING"
_ITEM = "INSERT INTO items SELECT first, ?, ? FROM groups WHERE key = ?"


def group_items(items: Iterable[Item], key: Callable[[Item], tuple[str, ...]]) -> Iterator[list[Item]]:
    """Yield lists of items with the same key. Lists have the order of their first items. Items keep their order.

    The items are stored in a temporary file of SQLite. Memory contains only one list.

    Raises:
        InputError: An item contains text that is not Unicode.

    """
    with closing(sqlite3.connect("")) as database:  # "": a temporary database on disk, deleted when it is closed
        database.executescript(_SCHEMA)
        kind: type[Item] | None = None
        for position, item in enumerate(items):
            name, kind = content_hash(*key(item)), type(item)
            database.execute(_GROUP, (name, position))
            database.execute(_ITEM, (position, _encode_item(item), name))
        if kind is None:
            return
        decode = msgspec.json.Decoder(kind).decode
        rows = database.execute("SELECT first, data FROM items ORDER BY first, position")
        for _, group in groupby(rows, key=lambda row: row[0]):
            yield [decode(data) for _, data in group]


def _encode_item(item: Example | Preference) -> bytes:
    try:
        return msgspec.json.encode(item)
    except UnicodeEncodeError as error:
        raise not_unicode(item, error) from error


def not_unicode(item: Example | Preference, error: UnicodeEncodeError) -> InputError:
    """Return the error of a row that no file can store."""
    return InputError(f"row {item.id} ({item.language}) contains text that is not Unicode: {error}")
