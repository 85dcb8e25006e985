"""The ledger: what became of every item at every step, in one SQLite file; also the queue between steps.

Rows of one result, in table ``items`` (``ordinal`` counts them, so that row 0 stands for the input):

    kept      an output; the next step's input
    dropped   the input itself, when nothing was kept of it
    lost      one of the things made from it, on the way

An input is answered when its row 0 is there, so in = kept + dropped holds by construction, and resuming is reading on.

A position is a text that sorts as the source order does: a unit's ordinal, then, for each step that makes new items of
one, the output's index. It never depends on timing, nor does ``kept``'s order.
"""

import sqlite3
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from glotsmith import ledger_sql as tables
from glotsmith.database import connect, connect_read_only, storage_errors
from glotsmith.errors import StorageError, UsageError
from glotsmith.exchanges import Exchanges, ReceivedReply
from glotsmith.ledger_rows import NANO, BrokenResult, NewRow, RowStatus, StepInput, funnel_row, plan_rows
from glotsmith.open_items import OpenItems, reopen_statements
from glotsmith.records import FunnelRow, Record, content_hash, printable
from glotsmith.step import Result

Item = TypeVar("Item", bound=Record)

COMMIT_RESULTS = 256  #: results in one transaction, at most
COMMIT_S = 0.05  #: age of a transaction, at most, as long as results come in; else ``flush`` ends it
PAGE = 256  #: rows read at once


class LedgerRow(msgspec.Struct, frozen=True):
    """One row of the ledger, for ``show`` and reports."""

    step: str
    key: str
    parent: str  #: key of the step's input; equal to ``key`` for a dropped input
    position: str
    status: RowStatus
    reason: str  #: a ``Reason``; empty for kept
    detail: str
    data: bytes | None  #: the item as JSON; for a dropped input what it was, where a step before made it


class Ledger:
    """The ledger of one run. One process writes (``RunFolder`` sees to that); others may read meanwhile.

    Every method raises ``StorageError`` when the disk is full or the file can't be used.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the ledger, or make it; to read it only, also where nothing can be written."""
        self.path = path
        self._connection = (connect_read_only if read_only else connect)(path, tables.SCHEMA, version=1)
        self._results = 0  #: results in the open transaction
        self._transaction_start = 0.0  #: when it began, seconds
        self._atomic = False  #: inside ``atomically``
        self._failure: BaseException | None = None  #: of the first write that failed
        self._step_indexes = self._load_steps()
        self.open_items = OpenItems(self._execute, self._step_indexes)
        self.exchanges = Exchanges(self._execute)

    def _load_steps(self) -> dict[str, int]:
        """Return the steps' places by name, in order."""
        return {name: place for place, name in self._execute("SELECT place, name FROM steps ORDER BY place")}

    def _execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement and return all its rows."""
        with storage_errors(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    # --- steps -----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps, in order of the pipeline; empty before ``begin``."""
        return tuple(self._step_indexes)

    def register_steps(self, names: Sequence[str]) -> None:
        """Enter the steps of the pipeline, or check that they are those it was begun with.

        Raises:
            UsageError: the ledger was begun with other steps.

        """
        if len(set(names)) < len(names):
            raise ValueError(f"two steps have one name: {', '.join(names)}")
        self.open_items.reset()
        self.exchanges.create_tables()
        if not self._step_indexes:
            with self.atomically(), storage_errors(self.path):
                self._connection.executemany("INSERT INTO steps (place, name) VALUES (?, ?)", enumerate(names))
            self._step_indexes.update(self._load_steps())
        if self.steps != tuple(names):
            raise UsageError(
                f"{self.path}: this run was begun with the steps {', '.join(self.steps)}, "
                f"and now they are {', '.join(names)}: start in another folder that reuses the replies, "
                f"-o NEWFOLDER --cache {self.path.with_name('cache.sqlite')}"
            )

    def mark_finished(self, step: str) -> None:
        """Note that the step has answered all it will ever get; committed with what was recorded before."""
        self._open_transaction()
        self._execute("UPDATE steps SET finished = 1 WHERE name = ?", step)

    def is_finished(self, step: str) -> bool:
        """Return whether the step has answered all it will ever get."""
        return self._execute("SELECT finished FROM steps WHERE name = ?", step) == [(1,)]

    def count_failed_run(self, step: str, key: str) -> None:
        """Count this run as one in which the item failed by itself (``OpenItems.count_failed_run``)."""
        self._open_transaction()
        self.open_items.count_failed_run(step, key)

    def reopen(self, reason: str, whole: Collection[str]) -> int:
        """Take back all drops for ``reason``, so that the next start tries those items again; return how many.

        ``whole`` names the ``WholeStep``s: what they and later steps decided is taken back too.
        """
        counts = {row.step: row.reasons.get(reason, 0) for row in self.funnel()}
        first = next((step for step, count in counts.items() if count), None)
        if first is not None:
            with self.atomically():
                for sql, parameters in reopen_statements(self.steps, whole, first, reason):
                    self._execute(sql, *parameters)
        return sum(counts.values())

    # --- writing ---------------------------------------------------------------------------------------------------

    def record(self, step: str, taken: StepInput, result: Result[Any], *, ordered: bool = False) -> int:
        """Enter what became of one input, and return how many outputs were kept.

        All rows of a result get into the file together, committed with their neighbours after ``COMMIT_RESULTS``
        results or ``COMMIT_S`` seconds, and by ``flush``.

        An output whose key the step has kept before is lost as ``EXACT_DUPLICATE``. Which of the two is first must
        not depend on timing, so that only steps that answer in a fixed order (``ordered``) may make one key twice.

        Raises:
            BrokenResult: see ``ledger_rows.plan``; also where a step without order made one key of two inputs.

        """
        place = self._step_indexes[step]
        rows = plan_rows(taken, result, lambda key: self._kept_from(place, key, ordered))
        self._open_transaction()
        try:
            with storage_errors(self.path):
                self._insert(place, taken, rows, result)
        except BaseException as error:
            self._roll_back_for_good(error)
            raise
        self._results += 1
        if self._results >= COMMIT_RESULTS or time.monotonic() - self._transaction_start > COMMIT_S:
            self.flush()
        return sum(row.status == "kept" for row in rows)

    def record_reply(self, reply: ReceivedReply) -> None:
        """Write down a reply that the run heard, committed with the results around it."""
        self._open_transaction()
        try:
            self.exchanges.record(reply, content_hash(printable(reply.prompt)))
        except BaseException as error:
            self._roll_back_for_good(error)
            raise

    def _kept_from(self, place: int, key: str, ordered: bool) -> str | None:
        """Return the input of which the step has kept an output ``key`` before."""
        found = self._execute("SELECT parent FROM items WHERE step = ? AND key = ? AND status = 'kept'", place, key)
        if found and not ordered:
            raise BrokenResult(f"the output key {key} was made before, from {found[0][0]}: derive it from the input's")
        return found[0][0] if found else None

    def _insert(self, place: int, taken: StepInput, rows: Sequence[NewRow], result: Result[Any]) -> None:
        """Write the rows of one result; what it cost stands in the input's row."""
        for ordinal, row in enumerate(rows):
            tokens, cost = (result.tokens, round(result.cost * NANO)) if ordinal == 0 else (0, 0)
            self._connection.execute(
                "INSERT INTO items VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(place, row.key, taken.key, ordinal, row.position, row.status),
                    *(str(row.reason), row.detail, self._payload(taken, row.data), tokens, cost),
                ),
            )

    def _payload(self, taken: StepInput, data: bytes) -> int | None:
        """Store an item unless it is the input, unchanged; return its row."""
        if not data:
            return None
        if taken.payload is not None and data == taken.data:
            return taken.payload
        return self._connection.execute("INSERT INTO payloads (data) VALUES (?)", (data,)).lastrowid

    def _open_transaction(self) -> None:
        """Begin a transaction unless one is open.

        After a failed write there is none: what was undone may have been handed out as inputs. The first failure is
        told again, since of several steps at work the one that meets it may not be the one that is heard.
        """
        if isinstance(self._failure, StorageError):
            raise StorageError(str(self._failure)) from self._failure
        if self._failure is not None:
            raise StorageError(f"{self.path}: an earlier write failed, so nothing more is written: start again")
        if not self._connection.in_transaction:
            self._execute("BEGIN IMMEDIATE")
            self._transaction_start = time.monotonic()

    def flush(self) -> None:
        """Commit what was recorded; inside ``atomically`` that waits for its end."""
        if not self._atomic:
            self._commit()

    def _commit(self) -> None:
        self._results = 0
        try:
            with storage_errors(self.path):
                self._connection.commit()
        except BaseException as error:
            self._roll_back_for_good(error)
            raise

    def _roll_back_for_good(self, error: BaseException) -> None:
        """Undo the open transaction, since half a result must never be committed, and write no more."""
        self._failure = self._failure or error
        self._rollback()

    def _rollback(self) -> None:
        """Undo the open transaction, if SQLite has not done so by itself (it may, on a full disk)."""
        self._results = 0
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.rollback()

    @contextmanager
    def atomically(self) -> Generator[None, None, None]:
        """Commit all that is recorded inside at once, or nothing of it if an exception leaves the block."""
        self.flush()
        self._open_transaction()
        self._atomic = True
        try:
            yield
        except BaseException:
            self._rollback()
            raise
        else:
            self._commit()
        finally:
            self._atomic = False

    def close(self) -> None:
        """Commit and close; idempotent."""
        try:
            with suppress(sqlite3.ProgrammingError):  # closed before
                self.flush()
        finally:
            self._connection.close()

    # --- the queue -------------------------------------------------------------------------------------------------

    def pending(self, previous: str, step: str, after: int, limit: int) -> list[StepInput]:
        """Return up to ``limit`` items that ``previous`` kept in rows behind ``after``, not answered by ``step``."""
        rows = self._execute(tables.PENDING, self._step_indexes[previous], after, self._step_indexes[step], limit)
        return [StepInput(key, position, id, payload, data) for id, key, position, payload, data in rows]

    def find_input(self, previous: str, key: str) -> StepInput | None:
        """Return the item that ``previous`` kept as ``key``, as an input of the next step; None if there is none."""
        rows = self._execute(tables.TAKEN, self._step_indexes[previous], key)
        return StepInput(rows[0][1], rows[0][2], rows[0][0], *rows[0][3:]) if rows else None

    def count_kept(self, step: str) -> int:
        """Return how many outputs the step has kept."""
        return self._execute(tables.COUNT, self._step_indexes[step])[0][0]

    def is_answered(self, step: str, key: str) -> bool:
        """Return whether the step has answered the input ``key``."""
        return bool(self._execute(tables.ANSWERED, self._step_indexes[step], printable(key)))

    def count_pending(self, previous: str, step: str) -> int:
        """Return how many outputs of ``previous`` the next step has not answered."""
        return self.count_kept(previous) - self._execute(tables.ANSWERS, self._step_indexes[step])[0][0]

    # --- reading ---------------------------------------------------------------------------------------------------

    def kept_items(self, step: str, type: type[Item]) -> Iterator[tuple[str, Item]]:
        """Yield key and item of all that the step kept, in order of position; ``PAGE`` of them in memory."""
        decode = msgspec.json.Decoder(type).decode
        for row in self._rows_by_position(step, "kept"):
            yield row.key, decode(row.data or b"")

    def kept_rows(self, step: str) -> Iterator[LedgerRow]:
        """Yield the rows of all that the step kept, in order of position."""
        yield from self._rows_by_position(step, "kept")

    def dropped_rows(self, step: str | None = None, reason: str | None = None) -> Iterator[LedgerRow]:
        """Yield the dropped inputs, then the lost outputs, of one step or all, in order of position."""
        for name in self.steps if step is None else (step,):
            for status in ("dropped", "lost"):
                yield from (row for row in self._rows_by_position(name, status) if reason in (None, row.reason))

    def _rows_by_position(self, step: str, status: RowStatus) -> Iterator[LedgerRow]:
        """Read page by page: no reader stays open, so that the write-ahead log can be emptied meanwhile."""
        sql = f"{tables.ROW} AND i.status = ? AND i.position > ? ORDER BY i.position LIMIT {PAGE}"
        position = ""
        while page := self._rows(sql, self._step_indexes[step], status, position):
            yield from page
            position = page[-1].position

    def _rows(self, sql: str, *parameters: object) -> list[LedgerRow]:
        """Run a query that begins as ``tables.ROW`` does."""
        names = self.steps
        return [LedgerRow(names[int(row[0])], *row[1:]) for row in self._execute(sql, *parameters)]

    def funnel(self) -> list[FunnelRow]:
        """Return each step's account, in order of the pipeline, steps that have not begun too."""
        groups: dict[str, list[tuple[Any, ...]]] = {name: [] for name in self.steps}
        for name, *group in self._execute(tables.FUNNEL):
            groups[name].append(tuple(group))
        return [funnel_row(name, rows) for name, rows in groups.items()]

    def lineage(self, key: str) -> list[LedgerRow]:
        """Return every row about the item ``key``: what it was made from, itself, and what was made from it.

        In order of the pipeline, then of position; empty if the ledger does not know the key.
        """
        own = [row for name in self.steps for row in self._rows_of_key(name, key)]
        own = own or [row for row in self.dropped_rows() if row.key == key]
        found = dict.fromkeys([*self._ancestors(own[0]), *own] if own else [])
        frontier = own
        while frontier := [child for row in frontier for child in self._children(row) if child not in found]:
            found.update(dict.fromkeys(frontier))
        return sorted(found, key=lambda row: (self._step_indexes[row.step], row.position))

    def keys_with_prefix(self, prefix: str) -> list[str]:
        """Return up to two keys of kept items that begin with ``prefix``."""
        sql = "SELECT DISTINCT key FROM items WHERE step = ? AND status = 'kept' AND key >= ? AND key < ? LIMIT 2"
        found = [
            row[0]
            for place in self._step_indexes.values()
            for row in self._execute(sql, place, prefix, f"{prefix}\uffff")
        ]
        return list(dict.fromkeys(found))[:2]

    def _rows_of_key(self, step: str, key: str) -> list[LedgerRow]:
        """Return the rows of one step that carry ``key``, but for lost ones."""
        kept = self._rows(f"{tables.ROW} AND i.key = ? AND i.status = 'kept'", self._step_indexes[step], key)
        taken = self._rows(f"{tables.ROW} AND i.parent = ? AND i.ordinal = 0", self._step_indexes[step], key)
        return [*kept, *(row for row in taken if row.status == "dropped")]

    def _ancestors(self, row: LedgerRow) -> Iterator[LedgerRow]:
        """Yield the rows that led to this one, backwards."""
        for place in range(self._step_indexes[row.step] - 1, -1, -1):
            (row,) = self._rows(f"{tables.ROW} AND i.key = ? AND i.status = 'kept'", place, row.parent)
            yield row

    def _children(self, row: LedgerRow) -> list[LedgerRow]:
        """Return what the next step made of a kept row."""
        if row.status != "kept":
            return []
        return self._rows(
            f"{tables.ROW} AND i.parent = ? ORDER BY i.ordinal", self._step_indexes[row.step] + 1, row.key
        )
