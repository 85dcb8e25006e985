"""Write the columns of the list of rows, which a page filters and sorts."""

from collections import defaultdict
from typing import IO, Any

from glotsmith.report.blocks import data_element
from glotsmith.report.row_details import ListedRow

_INDEX_ROWS = 10_000  #: number of rows in one block

#: columns that are stored as numbers; a table has the text of each number
_CODED = ("step", "status", "reason", "language", "verdict", "source", "licence", "kind", "stop")


class IndexWriter:
    """Writes the columns of the list of rows to a file, in compressed blocks."""

    def __init__(self, file: IO[str], prefix: str) -> None:
        self._file, self._prefix = file, prefix
        self._codes: dict[str, dict[str, int]] = {name: {} for name in _CODED}
        self._columns: dict[str, list[Any]] = defaultdict(list)
        self._blocks = self._rows = 0

    def add(self, row: ListedRow, place: tuple[int, int]) -> None:
        """Add a row. ``place`` is the number of the block with its details, and their index in this block."""
        for name, value in row._asdict().items():
            if name in self._codes:
                value = self._codes[name].setdefault(value, len(self._codes[name]))
            self._columns[name].append(value)
        self._columns["block"].append(place[0])
        self._columns["place"].append(place[1])
        self._rows += 1
        if self._rows % _INDEX_ROWS == 0:
            self._flush()

    def _flush(self) -> None:
        if self._columns:
            self._file.write(data_element(f"{self._prefix}{self._blocks}", self._columns))
            self._blocks += 1
            self._columns = defaultdict(list)

    def finish(self) -> dict[str, Any]:
        """Write the last block. Return the numbers of rows and blocks, and the coded texts."""
        self._flush()
        return {
            "rows": self._rows,
            "blocks": self._blocks,
            "texts": {name: list(codes) for name, codes in self._codes.items()},
        }
