"""Open items: those without a result because the teacher or the machine failed. Also reopens dropped items.

An open item has no row for its step in the ledger, so the next start processes it again. The ledger counts the runs in
which an item failed while others succeeded; this module also remembers which items are open in this run.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from glotsmith.database import RunStatement, read_if_stored

SCHEMA = """
CREATE TABLE IF NOT EXISTS failed_runs (
    step INTEGER NOT NULL,
    key TEXT NOT NULL,
    runs INTEGER NOT NULL,
    PRIMARY KEY (step, key)
);
"""

_COUNT = """
INSERT INTO failed_runs VALUES (?, ?, 1) ON CONFLICT (step, key) DO UPDATE SET runs = runs + 1
"""


class OpenItems:
    """The open items of one ledger; only ``Ledger`` creates it, as ``Ledger.open_items``."""

    def __init__(self, run: RunStatement, places: Mapping[str, int]) -> None:
        """Create it.

        Args:
            run: runs an SQL statement and returns its rows.
            places: step name → index.

        """
        self._run = run
        self._places = places
        self._deferred: dict[str, set[str]] = {}
        self._left_open: dict[str, set[str]] = {}
        self._without_budget: dict[str, set[str]] = {}
        self._counted: set[tuple[str, str]] = set()

    def reset(self) -> None:
        """Forget the items of an earlier run."""
        for known in (self._deferred, self._left_open, self._without_budget, self._counted):
            known.clear()

    def defer(self, step: str, key: str) -> None:
        """Note that the item will be retried in this run."""
        self._deferred.setdefault(step, set()).add(key)

    def mark_retried(self, step: str, key: str) -> None:
        """Note that the item is being retried."""
        self._deferred.get(step, set()).discard(key)

    def leave_open(self, step: str, key: str, *, by_budget: bool = False) -> None:
        """Note that the item stays open in this run; ``by_budget``: because a budget is reached."""
        self._left_open.setdefault(step, set()).add(key)
        if by_budget:
            self._without_budget.setdefault(step, set()).add(key)

    def deferred(self, step: str) -> Collection[str]:
        """Return the keys that will be retried in this run."""
        return self._deferred.get(step, ())

    def left_open(self, step: str) -> Collection[str]:
        """Return the keys of the items that stay open in this run."""
        return self._left_open.get(step, ())

    def left_open_by_budget(self, step: str) -> Collection[str]:
        """Return the keys of the items that stay open in this run because a budget is reached."""
        return self._without_budget.get(step, ())

    def failed_runs(self, step: str, key: str) -> int:
        """Return in how many runs, including this one, the item failed while others succeeded."""
        sql = "SELECT runs FROM failed_runs WHERE step = ? AND key = ?"
        found = read_if_stored(self._run, sql, self._places[step], key)
        return found[0][0] if found else 0

    def count_failed_run(self, step: str, key: str) -> None:
        """Count this run, at most once, as one in which the item failed. A transaction must be open."""
        if (step, key) not in self._counted:
            self._counted.add((step, key))
            self._run(SCHEMA)
            self._run(_COUNT, self._places[step], key)


def reopen_statements(
    steps: Sequence[str], whole: Collection[str], first: str, reason: str
) -> list[tuple[str, Sequence[Any]]]:
    """Return the statements that delete the rows dropped for ``reason``, and rows that depend on them.

    They mark the steps from ``first`` on, the first step that dropped items for the reason, as unfinished. Results of
    the steps in ``whole`` depend on all items, so their rows and those of later steps are deleted too. If ``first`` is
    the source, all rows are deleted, since its units are numbered.
    """
    place = steps.index(first)
    first_deleted = next((n for n, name in enumerate(steps) if n >= place and (n == 0 or name in whole)), len(steps))
    return [
        ("DELETE FROM items WHERE step >= ?", (first_deleted,)),
        (
            "DELETE FROM items WHERE (step, parent_id) IN "
            "(SELECT step, parent_id FROM items WHERE step >= ? AND status = 'dropped' AND reason = ?)",
            (place, reason),
        ),
        ("UPDATE steps SET finished = 0 WHERE place >= ?", (place,)),
    ]
