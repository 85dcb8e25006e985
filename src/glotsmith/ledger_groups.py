"""Counts of the ledger's rows by a label that a caller defines; the keys of items, and of what they were made from."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from glotsmith.database import storage_errors
from glotsmith.ledger_rows import RowStatus

#: the item of a row as JSON; or for a row without an item: its key, and the input that it was made from as JSON
LabelOf = Callable[[bytes | None, str, bytes | None], str]

#: an item that passes several steps is stored once, so that the label of each stored item is computed once
_COUNT_BY_LABEL = """
WITH labels (id, label) AS MATERIALIZED (SELECT id, label_of(data, '', NULL) FROM payloads)
SELECT i.step, i.status, i.reason,
    COALESCE(l.label, label_of(NULL, (SELECT key FROM keys WHERE id = i.key_id), f.data)),
    COUNT(*), SUM(i.ordinal = 0)
FROM items AS i
LEFT JOIN labels AS l ON l.id = i.payload
LEFT JOIN items AS first ON i.payload IS NULL
    AND first.step = i.step AND first.parent_id = i.parent_id AND first.ordinal = 0
LEFT JOIN payloads AS f ON f.id = first.payload
GROUP BY i.step, i.status, i.reason, 4
ORDER BY i.step
"""
#: the status of a failed program: a ``Candidate`` has the field ``verdict``, an ``InstructionCandidate`` ``round_trip``
_COUNT_FAILURES = """
SELECT COALESCE(json_extract(text, '$.verdict.status'), json_extract(text, '$.round_trip')) AS failure, COUNT(*)
FROM (
    SELECT CAST(p.data AS TEXT) AS text FROM steps AS s
    JOIN items AS i ON i.step = s.place AND i.status = 'lost' JOIN payloads AS p ON p.id = i.payload
)
GROUP BY failure HAVING failure LIKE 'fail:%' ORDER BY failure
"""
_ANCESTORS = """
WITH RECURSIVE made_from (step, key_id, parent_id) AS (
    SELECT i.step, i.key_id, i.parent_id FROM keys AS k CROSS JOIN items AS i ON i.key_id = k.id
    WHERE i.step = ? AND k.key = ? AND i.status = 'kept'
    UNION ALL
    SELECT i.step, i.key_id, i.parent_id FROM made_from AS m
    JOIN items AS i ON i.step = m.step - 1 AND i.key_id = m.parent_id AND i.status = 'kept'
)
SELECT m.step, k.key FROM made_from AS m JOIN keys AS k ON k.id = m.key_id ORDER BY m.step
"""
_WITH_PREFIX = """
SELECT k.key FROM keys AS k WHERE k.key >= ? AND k.key < ? AND EXISTS (
    SELECT 1 FROM steps AS s CROSS JOIN items AS i ON i.step = s.place AND i.key_id = k.id AND i.status = 'kept'
) ORDER BY k.key LIMIT 2
"""


class RowGroup(NamedTuple):
    """Rows of one step that have the same status, reason and label."""

    step: str
    status: RowStatus
    reason: str
    label: str
    rows: int
    inputs: int  #: how many of the rows stand for an input of the step


class LedgerGroups:
    """Counts and ancestors of one ledger; only ``Ledger`` creates it, as ``Ledger.groups``."""

    def __init__(self, connection: sqlite3.Connection, path: Path, step_indexes: Mapping[str, int]) -> None:
        """Create it for an open ledger; ``step_indexes`` may change later."""
        self._connection, self._path, self._step_indexes = connection, path, step_indexes

    def count_by_label(self, label_of: LabelOf) -> Iterator[RowGroup]:
        """Yield the number of rows for each step, status, reason and label, in order of the pipeline."""
        self._connection.create_function("label_of", 3, label_of, deterministic=True)
        names = list(self._step_indexes)
        for step, *group in self._read(_COUNT_BY_LABEL):
            yield RowGroup(names[step], *group)

    def count_failures(self) -> dict[str, int]:
        """Return the number of generated programs that failed, by verdict."""
        return dict(self._read(_COUNT_FAILURES))

    def ancestors(self, step: str, key: str) -> list[tuple[str, str]]:
        """Return step and key of a kept item and of all items that it was made from, in order of the pipeline."""
        names = list(self._step_indexes)
        return [(names[place], key) for place, key in self._read(_ANCESTORS, self._step_indexes[step], key)]

    def keys_with_prefix(self, prefix: str) -> list[str]:
        """Return up to two keys of kept items that begin with ``prefix``."""
        return [row[0] for row in self._read(_WITH_PREFIX, prefix, f"{prefix}\uffff")]

    def _read(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with storage_errors(self._path):
            return self._connection.execute(sql, parameters).fetchall()
