"""Insert the rows of new results into a ledger. Each key, and each item that passes unchanged, is stored once."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glotsmith import ledger_sql as tables
from glotsmith.database import storage_errors
from glotsmith.ledger_rows import NANO, NewRow, StepInput
from glotsmith.step import Result


class LedgerInserts:
    """The inserts of one ledger; only ``Ledger`` creates it. A transaction must be open, except for ``kept_from``."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Create it for an open ledger."""
        self._connection, self._path = connection, path

    def number_of(self, key: str) -> int:
        """Return the number of a key, which is stored if it is new."""
        with storage_errors(self._path):
            found = self._connection.execute(tables.KEY_NUMBER, (key,)).fetchone()
            if found:
                return found[0]
            number = self._connection.execute(tables.INSERT_KEY, (key,)).lastrowid
            assert number is not None, "an insert has a row id"
            return number

    def kept_from(self, place: int, taken: StepInput, key: str) -> str | None:
        """Return the key of the input from which a step has kept an output ``key``; None if it has not.

        Args:
            place: the index of the step.
            taken: the input of which an output has the key: the number of its own key is known.
            key: the key of the output.

        """
        known = key == taken.key and taken.key_id is not None
        sql, wanted = (tables.KEPT_FROM_NUMBER, taken.key_id) if known else (tables.KEPT_FROM, key)
        with storage_errors(self._path):
            found = self._connection.execute(sql, (place, wanted)).fetchone()
        return found[0] if found else None

    def result(self, place: int, taken: StepInput, rows: Sequence[NewRow], result: Result[Any]) -> None:
        """Insert the rows of one result; row 0 holds its tokens and cost."""
        with storage_errors(self._path):
            parent = self.number_of(taken.key) if taken.key_id is None else taken.key_id
            for ordinal, row in enumerate(rows):
                key = parent if row.key == taken.key else self.number_of(row.key)
                tokens, cost = (result.tokens, round(result.cost * NANO)) if ordinal == 0 else (0, 0)
                self._connection.execute(
                    tables.INSERT_ITEM,
                    (
                        *(place, key, parent, ordinal, row.position, row.status),
                        *(str(row.reason), row.detail, self._payload(taken, row.data), tokens, cost),
                    ),
                )

    def _payload(self, taken: StepInput, data: bytes) -> int | None:
        """Store an item, unless it equals the input; return the row of its payload."""
        if not data:
            return None
        if taken.payload is not None and data == taken.data:
            return taken.payload
        return self._connection.execute("INSERT INTO payloads (data) VALUES (?)", (data,)).lastrowid
