"""What all formats share: one file a language, written aside and put in place at the end."""

import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import msgspec

from glotsmith.datasets.schema import plain
from glotsmith.errors import InputError, StorageError
from glotsmith.records import Example

_LANGUAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+#.-]*")


class RowWriter(Protocol):
    """An open file of rows; the constructor takes its path."""

    def write(self, row: dict[str, Any], line: bytes) -> None:
        """Add a row, given as a dict and as JSON."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


def write_files(
    rows: Iterable[Example], folder: Path, extension: str, open_file: Callable[[Path], RowWriter]
) -> list[Path]:
    """Write the rows to ``folder/data/LANGUAGE/train.EXTENSION`` and return these files, sorted.

    Raises:
        StorageError: the disk is full or the folder can't be written.
        InputError: a row holds half of a surrogate pair, or a language that can't name a folder.

    """
    files: dict[str, Path] = {}
    try:
        try:
            _write_aside(rows, folder / "data", extension, open_file, files)
            for file in files.values():
                aside(file).replace(file)
        finally:
            for file in files.values():
                aside(file).unlink(missing_ok=True)
        _remove_others(folder / "data", set(files.values()))
    except OSError as error:
        raise StorageError(f"{folder}: the dataset can't be written: {error.strerror or error}") from error
    return sorted(files.values())


def _write_aside(
    rows: Iterable[Example], data: Path, extension: str, open_file: Callable[[Path], RowWriter], files: dict[str, Path]
) -> None:
    writers: dict[str, RowWriter] = {}
    with ExitStack() as stack:
        for example in rows:
            row, line = _encoded(example)
            if (language := example.language) not in writers:
                file = files[language] = data / language / f"train.{extension}"
                file.parent.mkdir(parents=True, exist_ok=True)
                writers[language] = open_file(aside(file))
                stack.callback(writers[language].close)
            writers[language].write(row, line)


def aside(file: Path) -> Path:
    """Return where a file is written until it is whole."""
    return file.with_name(f".{file.name}.part")


def _encoded(example: Example) -> tuple[dict[str, Any], bytes]:
    if not _LANGUAGE.fullmatch(example.language):
        raise InputError(f"row {example.id}: a language {example.language!r} can't name a folder")
    row = plain(example)
    try:
        return row, msgspec.json.encode(row)
    except UnicodeEncodeError as error:
        raise InputError(f"row {example.id} ({example.language}) holds text that is not Unicode: {error}") from error


def _remove_others(data: Path, kept: set[Path]) -> None:
    """Remove the files of an earlier export: other languages, other formats."""
    for file in sorted(data.glob("*/train.*")):
        if file not in kept:
            file.unlink()
            if not any(file.parent.iterdir()):
                file.parent.rmdir()
