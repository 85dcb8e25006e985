"""Parquet, compressed with zstd, with the types of ``records.Example``."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from glotsmith.datasets.exporters.row_files import write_files
from glotsmith.datasets.schema import arrow, arrow_schema
from glotsmith.records import Example

_GROUP = 1000  #: rows in a row group, and in memory


class ParquetFile:
    """An open file of rows with the columns of an Arrow schema, written in row groups."""

    def __init__(self, path: Path, schema: Any) -> None:
        """Open the file."""
        self._schema = schema
        self._writer = cast(Any, import_module("pyarrow.parquet")).ParquetWriter(path, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def write(self, row: dict[str, Any], line: bytes = b"") -> None:
        """Add a row; its JSON is not needed (see ``files.Writer``)."""
        self._rows.append(row)
        if len(self._rows) == _GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        try:
            if self._rows:
                self._flush()
        finally:
            self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(arrow().Table.from_pylist(self._rows, self._schema))
        self._rows.clear()


def write(rows: Iterable[Example], folder: Path) -> list[Path]:
    """Write ``data/LANGUAGE/train.parquet`` (see ``Exporter``)."""
    return write_files(rows, folder, "parquet", lambda path: ParquetFile(path, arrow_schema()))
