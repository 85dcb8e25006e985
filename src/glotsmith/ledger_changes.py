"""Read the rows that a run has added to its ledger since the last query of a reader."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from glotsmith.database import RunStatement
from glotsmith.ledger_rows import LedgerRow

_PAGE = 256  #: rows read at once
_COLUMNS = """
SELECT i.id, i.ordinal, i.tokens, i.cost,
    i.step, i.key, i.parent, i.position, i.status, i.reason, i.detail, p.data
FROM item_rows AS i LEFT JOIN payloads AS p ON p.id = i.payload
"""
_ADDED = f"{_COLUMNS} WHERE i.id > ? AND i.id <= ? ORDER BY i.id LIMIT {_PAGE}"
_ONE = f"{_COLUMNS} WHERE i.id = ?"
_LARGEST_ID = 2**63 - 1  #: largest row id of SQLite


class AddedRow(NamedTuple):
    """One row of the ledger, with its number."""

    id: int
    ordinal: int  #: 0 for the row that stands for the input of the step
    tokens: int
    cost: int  #: billionths of a dollar
    row: LedgerRow


class LedgerState(NamedTuple):
    """What a ledger holds at one time. A run adds rows; when it starts, it may also delete some."""

    last_id: int
    rows: int


class LedgerChanges:
    """The rows of one ledger in the order in which they were added; only ``Ledger`` creates it."""

    def __init__(self, run: RunStatement, places: Mapping[str, int]) -> None:
        """Create it; ``run`` runs an SQL statement, and ``places`` maps a step to its index."""
        self._run, self._places = run, places

    def state(self) -> LedgerState:
        """Return the id of the last row and the number of rows."""
        last, rows = self._run("SELECT MAX(id), COUNT(*) FROM items")[0]
        return LedgerState(last or 0, rows)

    def added(self, after: int, until: int) -> Iterator[AddedRow]:
        """Yield the rows with a number in (after, until]. The rows of one result follow each other."""
        while page := self._run(_ADDED, after, until):
            yield from (self._row(one) for one in page)
            after = page[-1][0]

    def find(self, id: int) -> AddedRow | None:
        """Return the row with a number; None if there is none."""
        found = self._run(_ONE, id) if 0 <= id <= _LARGEST_ID else []
        return self._row(found[0]) if found else None

    def _row(self, found: tuple[Any, ...]) -> AddedRow:
        id, ordinal, tokens, cost, place, *columns = found
        return AddedRow(id, ordinal, tokens, cost, LedgerRow(list(self._places)[int(place)], *columns))
