"""Items that the teacher or the machine left without an answer, and dropped ones that a user wants to try again.

An open item has no row of its step in the ledger, so that the next start takes it again by itself. Beside that, the
ledger counts in how many runs an item has failed while others did not, and this module remembers what is open now.
"""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

RunStatement = Callable[..., list[tuple[Any, ...]]]

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
    """The open items of one ledger; ``Ledger.open_items`` is its only maker."""

    def __init__(self, run: RunStatement, places: Mapping[str, int]) -> None:
        """Run statements by ``run``; ``places`` are the steps'."""
        self._run = run
        self._places = places
        self._deferred: dict[str, set[str]] = {}
        self._left_open: dict[str, set[str]] = {}
        self._counted: set[tuple[str, str]] = set()

    def reset(self) -> None:
        """Begin a run: nothing is open yet."""
        for known in (self._deferred, self._left_open, self._counted):
            known.clear()

    def defer(self, step: str, key: str) -> None:
        """Note that the item is tried once more in this run."""
        self._deferred.setdefault(step, set()).add(key)

    def mark_retried(self, step: str, key: str) -> None:
        """Note that the item is being tried."""
        self._deferred.get(step, set()).discard(key)

    def leave_open(self, step: str, key: str) -> None:
        """Note that the item stays open in this run."""
        self._left_open.setdefault(step, set()).add(key)

    def deferred(self, step: str) -> Collection[str]:
        """Return the keys that are tried once more in this run."""
        return self._deferred.get(step, ())

    def left_open(self, step: str) -> Collection[str]:
        """Return the keys that stay open in this run."""
        return self._left_open.get(step, ())

    def failed_runs(self, step: str, key: str) -> int:
        """Return in how many runs the item failed by itself, this one included."""
        with suppress(sqlite3.OperationalError):  # a ledger from before the table
            found = self._run("SELECT runs FROM failed_runs WHERE step = ? AND key = ?", self._places[step], key)
            return found[0][0] if found else 0
        return 0

    def count_failed_run(self, step: str, key: str) -> None:
        """Count this run, once, as one in which the item failed by itself. The caller has a transaction open."""
        if (step, key) not in self._counted:
            self._counted.add((step, key))
            self._run(SCHEMA)
            self._run(_COUNT, self._places[step], key)


def reopen_statements(
    steps: Sequence[str], whole: Collection[str], first: str, reason: str
) -> list[tuple[str, Sequence[Any]]]:
    """Return the statements that delete what was dropped for ``reason``, and what must then be answered anew.

    From ``first`` on, the first step that dropped for it, steps are unfinished. What a step of ``whole`` decided
    depends on all items, so that it and everything behind it are answered anew; so is everything where the source
    itself is first, since its units are numbered.
    """
    place = steps.index(first)
    anew = next((n for n, name in enumerate(steps) if n >= place and (n == 0 or name in whole)), len(steps))
    return [
        ("DELETE FROM items WHERE step >= ?", (anew,)),
        (
            "DELETE FROM items WHERE step >= ? AND parent IN "
            "(SELECT a.parent FROM items AS a WHERE a.step = items.step AND a.status = 'dropped' AND a.reason = ?)",
            (place, reason),
        ),
        ("UPDATE steps SET finished = 0 WHERE place >= ?", (place,)),
    ]
