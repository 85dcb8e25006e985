"""Ranges of positions in a ledger: read the rows before a position, which do not depend on the order of arrival."""

from collections.abc import Collection, Mapping
from itertools import pairwise

from glotsmith.database import RunStatement

LAST = "\uffff"  #: a position after all others

_NEXT = """
SELECT position FROM items WHERE step = ? AND status = 'kept' AND position >= ? ORDER BY position LIMIT 1 OFFSET ?
"""
_PENDING = """
SELECT k.key, i.position FROM items AS i JOIN keys AS k ON k.id = i.key_id
WHERE i.step = ? AND i.status = 'kept' AND i.position >= ? AND i.position < ?
    AND NOT EXISTS (SELECT 1 FROM items AS a WHERE a.step = ? AND a.parent_id = i.key_id)
ORDER BY i.position LIMIT ?
"""


class LedgerRanges:
    """Reads ranges of positions of one ledger; only ``Ledger`` creates it, as ``Ledger.ranges``."""

    def __init__(self, run: RunStatement, places: Mapping[str, int]) -> None:
        """Create it; ``run`` runs an SQL statement, and ``places`` maps a step to its index."""
        self._run, self._places = run, places

    def position_of_input(self, step: str, key: str) -> str:
        """Return the position of an input of a step, which the step before it has kept."""
        sql = "SELECT position FROM item_rows WHERE step = ? AND key = ? AND status = 'kept'"
        return self._run(sql, self._places[step] - 1, key)[0][0]

    def position_after(self, step: str, start: str, count: int) -> str:
        """Return the position of the output that follows ``count`` outputs of a step from ``start`` on.

        ``LAST`` if there are no more.
        """
        rows = self._run(_NEXT, self._places[step], start, count)
        return rows[0][0] if rows else LAST

    def first_pending(self, previous: str, step: str, start: str, end: str, without: Collection[str]) -> str:
        """Return the first position in [start, end) where ``previous`` kept an item without a result of ``step``.

        Args:
            previous: the step before ``step``.
            step: the step whose results are searched.
            start: the first position.
            end: the position after the last one.
            without: keys of items that do not count.

        Returns:
            The position; "" if there is none.

        """
        places = self._places[previous], start, end, self._places[step]
        rows = self._run(_PENDING, *places, len(without) + 1)
        return next((position for key, position in rows if key not in without), "")

    def spent_before(self, first: str, last: str, position: str) -> tuple[int, int]:
        """Return the tokens, and the billionths of a dollar, of the results before a position, in a range of steps."""
        sql = (
            "SELECT COALESCE(SUM(tokens), 0), COALESCE(SUM(cost), 0) FROM items "
            "WHERE step >= ? AND step <= ? AND status IN ('kept', 'dropped') AND position < ?"
        )
        return self._run(sql, self._places[first], self._places[last], position)[0]

    def chain(self, first: str, last: str) -> list[tuple[str, str]]:
        """Return the pairs of neighbouring steps from one step to another."""
        names = list(self._places)
        return list(pairwise(names[names.index(first) : names.index(last) + 1]))
