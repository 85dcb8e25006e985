"""JSON, one object a line.

Loaders infer types from what they see, so a text column of which every value looks like a date (a source's
version, say) may come back written out as a time. Parquet has no such doubt.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from glotsmith.datasets.exporters.row_files import write_files
from glotsmith.records import Example


class _Lines:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, row: dict[str, Any], line: bytes) -> None:
        self._file.write(line + b"\n")

    def close(self) -> None:
        self._file.close()


def write(rows: Iterable[Example], folder: Path) -> list[Path]:
    """Write ``data/LANGUAGE/train.jsonl`` (see ``Exporter``)."""
    return write_files(rows, folder, "jsonl", _Lines)
