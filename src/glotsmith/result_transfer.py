"""Copy the results of a step from one ledger into another, row by row, with their positions and costs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from glotsmith.database import RunStatement
from glotsmith.ledger_sql import INSERT_ITEM

_PAGE = 500  #: rows read at once

_RESULTS = """
SELECT i.parent_id, own.key, input.key, i.ordinal, i.position, i.status, i.reason, i.detail, i.tokens, i.cost,
    i.payload, p.data
FROM items AS i JOIN keys AS own ON own.id = i.key_id JOIN keys AS input ON input.id = i.parent_id
LEFT JOIN payloads AS p ON p.id = i.payload
WHERE i.step = ? AND (i.parent_id, i.ordinal) > (?, ?) ORDER BY i.parent_id, i.ordinal LIMIT ?
"""
_INSERT_PAYLOAD = "INSERT INTO payloads (id, data) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"


class _StoredRow(NamedTuple):
    """A row of a ledger with its payload."""

    parent_id: int
    key: str
    parent: str
    ordinal: int
    position: str
    status: str
    reason: str
    detail: str
    tokens: int
    cost: int  #: billionths of a dollar
    payload: int | None
    data: bytes | None


class StoredResult(NamedTuple):
    """The stored result of a step for one input."""

    parent: str  #: key of the input
    rows: Sequence[_StoredRow]  #: the rows in order of ordinal

    @property
    def made(self) -> int:
        """The number of outputs kept."""
        return sum(row.status == "kept" for row in self.rows)


class ResultTransfer:
    """Reads and inserts the stored results of one ledger; only ``Ledger`` creates it, as ``Ledger.transfer``."""

    def __init__(self, run: RunStatement, places: Mapping[str, int], number_of: Callable[[str], int]) -> None:
        """Create it.

        Args:
            run: runs an SQL statement and returns its rows.
            places: step name → index.
            number_of: returns the number of a key, which it stores if it is new.

        """
        self._run, self._places, self._number_of = run, places, number_of

    def results(self, step: str) -> Iterator[StoredResult]:
        """Yield all results of a step, in the order in which their inputs were stored first."""
        for parent, rows in groupby(self._rows(self._places[step]), key=lambda row: row.parent):
            yield StoredResult(parent, list(rows))

    def _rows(self, place: int) -> Iterator[_StoredRow]:
        parent, ordinal = 0, -1
        while page := self._run(_RESULTS, place, parent, ordinal, _PAGE):
            yield from map(_StoredRow._make, page)
            parent, ordinal = page[-1][0], page[-1][3]

    def insert(self, step: str, result: StoredResult, payload_offset: int) -> None:
        """Insert a result of another ledger. A transaction must be open.

        Args:
            step: the name of the step.
            result: the result.
            payload_offset: added to the numbers of payloads, so that those of several ledgers differ.

        """
        parent = self._number_of(result.parent)
        for row in result.rows:
            payload = None if row.payload is None else row.payload + payload_offset
            if payload is not None:
                self._run(_INSERT_PAYLOAD, payload, row.data)
            key = parent if row.key == result.parent else self._number_of(row.key)
            stored = row.ordinal, row.position, row.status, row.reason, row.detail, payload, row.tokens, row.cost
            self._run(INSERT_ITEM, self._places[step], key, parent, *stored)

    def keeps(self, step: str, key: str) -> bool:
        """Return whether a step has kept an output with this key."""
        sql = (
            "SELECT 1 FROM keys AS k CROSS JOIN items AS i ON i.key_id = k.id AND i.step = ? AND i.status = 'kept' "
            "WHERE k.key = ?"
        )
        return bool(self._run(sql, self._places[step], key))

    def count_results(self, step: str) -> int:
        """Return the number of inputs for which a step has a result."""
        return self._run("SELECT COUNT(*) FROM items WHERE step = ? AND ordinal = 0", self._places[step])[0][0]

    def last_payload(self) -> int:
        """Return the number of the last payload; 0 if there is none."""
        return self._run("SELECT MAX(id) FROM payloads")[0][0] or 0
