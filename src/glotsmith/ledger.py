"""The ledger: stores the result of every step for every item in one SQLite file, and is the queue between steps.

A result has one or more rows in the table ``items``. ``ordinal`` numbers them; row 0 represents the input:

    kept      an output, which is an input of the next step
    dropped   the input itself, if no output was kept
    lost      an output that was not kept

An input has a result if its row 0 exists, so in = kept + dropped always holds. To resume, a step reads the inputs
without a result.

A position is a text that sorts in source order: the ordinal of the unit, then, for each step that makes several
outputs, the index of the output. It never depends on timing, and neither does the order of ``kept_items``.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from glotsmith import ledger_sql as tables
from glotsmith.database import Checkpoints, connect, connect_read_only, storage_errors
from glotsmith.errors import StorageError, UsageError
from glotsmith.exchanges import Exchanges, ReceivedReply
from glotsmith.ledger_changes import LedgerChanges
from glotsmith.ledger_groups import LabelOf, LedgerGroups, RowGroup
from glotsmith.ledger_inserts import LedgerInserts
from glotsmith.ledger_ranges import LedgerRanges
from glotsmith.ledger_rows import BrokenResult, RowStatus, StepInput, funnel_row, plan_rows
from glotsmith.ledger_rows import LedgerRow as LedgerRow
from glotsmith.open_items import OpenItems, reopen_statements
from glotsmith.records import FunnelRow, Record, content_hash, printable
from glotsmith.renames import former_names_of
from glotsmith.result_transfer import ResultTransfer
from glotsmith.sent_requests import SentRequest
from glotsmith.source_census import SourceCensus, read_census, record_census
from glotsmith.step import Result
from glotsmith.stored_sampling import StoredSampling

Item = TypeVar("Item", bound=Record)

COMMIT_RESULTS = 256  #: maximum number of results in one transaction
COMMIT_S = 0.05  #: the pipeline runner calls ``flush`` at this interval; ``record`` commits after twice this time
_CHECKPOINT_COMMITS = 100  #: number of commits between two checkpoints
PAGE = 256  #: rows read at once


class Ledger:
    """The ledger of one run. One process writes (``RunFolder`` holds a lock); others may read at the same time.

    Every method raises ``StorageError`` if the disk is full or the file cannot be used.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open or create the ledger; with ``read_only``, open it even if nothing can be written."""
        self.path = path
        self._connection = (connect_read_only if read_only else connect)(path, tables.SCHEMA, tables.VERSION)
        self._checkpoints = Checkpoints(self._connection, path, _CHECKPOINT_COMMITS)
        self._results, self._transaction_start = 0, 0.0  #: number of results in the open transaction; its start
        self._atomic = False  #: inside ``atomically``
        self._failure: BaseException | None = None  #: the error of the first write that failed
        self._step_indexes, former_calls = self._load_steps()
        self._inserts = LedgerInserts(self._connection, path)
        self.open_items = OpenItems(self._execute, self._step_indexes)
        self.exchanges = Exchanges(self._execute, path, former_calls)
        self.transfer = ResultTransfer(self._execute, self._step_indexes, self._inserts.number_of)
        self.sampling = StoredSampling(self._execute, self._step_indexes)
        self.ranges = LedgerRanges(self._execute, self._step_indexes)
        self.changes = LedgerChanges(self._execute, self._step_indexes)
        self.groups = LedgerGroups(self._connection, path, self._step_indexes)

    def _load_steps(self) -> tuple[dict[str, int], Mapping[str, str]]:
        """Return current step name → index, in order of the pipeline, and former name → current name of calls."""
        stored = [name for (name,) in self._execute("SELECT name FROM steps ORDER BY place")]
        former = former_names_of(stored)
        return {former.steps.get(name, name): place for place, name in enumerate(stored)}, former.requests

    def _execute(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement and return all its rows."""
        with storage_errors(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    # --- steps -----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps, in order of the pipeline; empty before ``register_steps``."""
        return tuple(self._step_indexes)

    def register_steps(self, names: Sequence[str]) -> None:
        """Store the steps of the pipeline, or check that they equal the stored ones.

        Raises:
            UsageError: the ledger has other steps.

        """
        if len(set(names)) < len(names):
            raise ValueError(f"step names must be unique: {', '.join(names)}")
        self.open_items.reset()
        self.exchanges.create_tables()
        if not self._step_indexes:
            with self.atomically(), storage_errors(self.path):
                self._connection.executemany("INSERT INTO steps (place, name) VALUES (?, ?)", enumerate(names))
            self._step_indexes.update((name, place) for place, name in enumerate(names))
        if self.steps != tuple(names):
            raise UsageError(
                f"{self.path}: this run has the steps {', '.join(self.steps)}, but the command has the steps "
                f"{', '.join(names)}. Start in another folder and reuse the replies: "
                f"-o NEWFOLDER --cache {self.path.with_name('cache.sqlite')}"
            )

    def mark_finished(self, step: str) -> None:
        """Mark the step as finished; committed with the results recorded before."""
        self._open_transaction()
        self._execute("UPDATE steps SET finished = 1 WHERE place = ?", self._step_indexes[step])

    def is_finished(self, step: str) -> bool:
        """Return whether the step is marked as finished."""
        place = self._step_indexes.get(step)
        return self._execute("SELECT finished FROM steps WHERE place = ?", place) == [(1,)]

    def count_failed_run(self, step: str, key: str) -> None:
        """Count this run as one in which the item failed (see ``OpenItems.count_failed_run``)."""
        self._open_transaction()
        self.open_items.count_failed_run(step, key)

    def reopen(self, reason: str, whole: Collection[str]) -> int:
        """Delete all drops for ``reason``, so that the next start processes those items again; return their number.

        ``whole`` names the ``WholeStep``s: their results and those of later steps are deleted too.
        """
        counts = {row.step: row.reasons.get(reason, 0) for row in self.funnel()}
        first = next((step for step, count in counts.items() if count), None)
        if first is not None:
            with self.atomically():
                for sql, parameters in reopen_statements(self.steps, whole, first, reason):
                    self._execute(sql, *parameters)
                self.sampling.forget_unanswered()
        return sum(counts.values())

    # --- writing ---------------------------------------------------------------------------------------------------

    def record(self, step: str, taken: StepInput, result: Result[Any], *, ordered: bool = False) -> int:
        """Store the result of one input, and return the number of outputs kept.

        All rows of a result are in one transaction, which is committed after ``COMMIT_RESULTS`` results or
        ``2 * COMMIT_S`` seconds, and by ``flush``.

        An output with a key that the step has kept before is lost as ``EXACT_DUPLICATE``. Which of the two comes first
        must not depend on timing, so only steps with a fixed order of results (``ordered``) may make a key twice.

        Raises:
            BrokenResult: see ``ledger_rows.plan_rows``; or a step without ``ordered`` made one key from two inputs.

        """
        place = self._step_indexes[step]
        rows = plan_rows(taken, result, lambda key: self._kept_from(place, taken, key, ordered))
        self._open_transaction()
        try:
            if result.sampling is not None:
                self.sampling.record(place, taken.key, result.sampling)
            self._inserts.result(place, taken, rows, result)
        except BaseException as error:
            self._roll_back_for_good(error)
            raise
        self._results += 1
        if self._results >= COMMIT_RESULTS or time.monotonic() - self._transaction_start > 2 * COMMIT_S:
            self.flush()
        return sum(row.status == "kept" for row in rows)

    def record_reply(self, reply: ReceivedReply) -> None:
        """Store a reply that the run received; committed with the results around it."""
        self._open_transaction()
        try:
            self.exchanges.record(reply, content_hash(printable(reply.prompt)))
        except BaseException as error:
            self._roll_back_for_good(error)
            raise

    def record_census(self, census: SourceCensus) -> None:
        """Store what the source step of a shard has read; committed with the results around it."""
        self._open_transaction()
        record_census(self._execute, census)

    def update_exchanges(self, update: Callable[[Exchanges], None]) -> None:
        """Change the exchanges; committed with the results around it."""
        self._open_transaction()
        update(self.exchanges)

    def store_sent(self, request: SentRequest) -> None:
        """Store a request before it is sent; it needs no commit."""
        self._check_writable()
        self.exchanges.sent_requests.store(request)

    def _kept_from(self, place: int, taken: StepInput, key: str, ordered: bool) -> str | None:
        """Return the input from which the step has kept an output ``key``."""
        found = self._inserts.kept_from(place, taken, key)
        if found is not None and not ordered:
            raise BrokenResult(
                f"the output key {key} was made before, from {found}; derive it from the key of the input"
            )
        return found

    def _check_writable(self) -> None:
        """Raise the first failure of a write again.

        Results that were rolled back may already be inputs of later steps, and several steps write concurrently.
        """
        if isinstance(self._failure, StorageError):
            raise StorageError(str(self._failure)) from self._failure
        if self._failure is not None:
            what = "an earlier write failed, so nothing more is written. Start the same command again"
            raise StorageError(f"{self.path}: {what}")

    def _open_transaction(self) -> None:
        """Begin a transaction unless one is open."""
        self._check_writable()
        if not self._connection.in_transaction:
            self._execute("BEGIN IMMEDIATE")
            self._transaction_start = time.monotonic()

    def flush(self) -> None:
        """Commit all results; inside ``atomically`` do nothing."""
        if not self._atomic:
            self._commit()

    def _commit(self) -> None:
        self._results = 0
        try:
            with storage_errors(self.path):
                if self._connection.in_transaction:
                    self._connection.commit()
                    self._checkpoints.count_write()
            self.exchanges.sent_requests.after_commit()
        except BaseException as error:
            self._roll_back_for_good(error)
            raise

    def _roll_back_for_good(self, error: BaseException) -> None:
        """Roll back the open transaction and refuse further writes, so that no partial result is committed."""
        self._failure = self._failure or error
        self._rollback()

    def _rollback(self) -> None:
        """Roll back the open transaction, unless SQLite already has (it may, on a full disk)."""
        self._results = 0
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.rollback()

    @contextmanager
    def atomically(self) -> Generator[None, None, None]:
        """Commit everything recorded in the block in one transaction; roll it back if an exception leaves the block."""
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
            with suppress(sqlite3.ProgrammingError):  # it is already closed
                self.flush()
                if not self._connection.in_transaction:
                    self.exchanges.sent_requests.close()
        finally:
            self._checkpoints.close()
            self._connection.close()

    # --- the queue -------------------------------------------------------------------------------------------------

    def pending(self, previous: str, step: str, after: int, limit: int) -> list[StepInput]:
        """Return up to ``limit`` items without a result of ``step`` that ``previous`` kept in rows after ``after``."""
        rows = self._execute(tables.PENDING, self._step_indexes[previous], after, self._step_indexes[step], limit)
        return [StepInput(*row) for row in rows]

    def find_input(self, previous: str, key: str) -> StepInput | None:
        """Return the item that ``previous`` kept under ``key``, as an input of the next step; None if there is none."""
        rows = self._execute(tables.TAKEN, self._step_indexes[previous], key)
        return StepInput(*rows[0]) if rows else None

    def count_kept(self, step: str) -> int:
        """Return the number of outputs that the step has kept."""
        return self._execute(tables.COUNT, self._step_indexes[step])[0][0]

    def has_result(self, step: str, key: str) -> bool:
        """Return whether the step has a result for the input ``key``."""
        return bool(self._execute(tables.HAS_RESULT, self._step_indexes[step], printable(key)))

    def count_pending(self, previous: str, step: str) -> int:
        """Return the number of outputs of ``previous`` for which the next step has no result."""
        return self.count_kept(previous) - self._execute(tables.COUNT_RESULTS, self._step_indexes[step])[0][0]

    @property
    def census(self) -> SourceCensus | None:
        """What the source step of a shard, or of the shards of a merge, has read; None in another run."""
        return read_census(self._execute)

    # --- reading ---------------------------------------------------------------------------------------------------

    def kept_items(self, step: str, type: type[Item]) -> Iterator[tuple[str, Item]]:
        """Yield the key and item of every output that the step kept, in order of position; ``PAGE`` are in memory."""
        decode = msgspec.json.Decoder(type).decode
        for row in self.rows_by_position(step, "kept"):
            yield row.key, decode(row.data or b"")

    def kept_rows(self, step: str) -> Iterator[LedgerRow]:
        """Yield the row of every output that the step kept, in order of position."""
        yield from self.rows_by_position(step, "kept")

    def dropped_rows(self, step: str | None = None, reason: str | None = None) -> Iterator[LedgerRow]:
        """Yield the dropped inputs, then the lost outputs, of one step or all steps, in order of position."""
        for name in self.steps if step is None else (step,):
            for status in ("dropped", "lost"):
                yield from (row for row in self.rows_by_position(name, status) if reason in (None, row.reason))

    def rows_by_position(self, step: str, status: RowStatus) -> Iterator[LedgerRow]:
        """Yield the rows of one step with this status, in order of position.

        They are read page by page: an open reader would prevent checkpoints of the write-ahead log.
        """
        sql = f"{tables.ROW} AND i.status = ? AND i.position > ? ORDER BY i.position LIMIT {PAGE}"
        position = ""
        while page := self._rows(sql, self._step_indexes[step], status, position):
            yield from page
            position = page[-1].position

    def _rows(self, sql: str, *parameters: object) -> list[LedgerRow]:
        """Return the rows of a query that begins with ``tables.ROW``."""
        names = self.steps
        return [LedgerRow(names[int(row[0])], *row[1:]) for row in self._execute(sql, *parameters)]

    def funnel(self) -> list[FunnelRow]:
        """Return the counts of each step, in order of the pipeline, including steps that have not started."""
        names = self.steps
        groups: dict[str, list[tuple[Any, ...]]] = {name: [] for name in names}
        for place, *group in self._execute(tables.FUNNEL):
            groups[names[place]].append(tuple(group))
        return [funnel_row(name, rows) for name, rows in groups.items()]

    def count_by_label(self, label_of: LabelOf) -> Iterator[RowGroup]:
        """Yield the number of rows by a label (see ``LedgerGroups.count_by_label``)."""
        return self.groups.count_by_label(label_of)

    def lineage(self, key: str) -> list[LedgerRow]:
        """Return the rows of the item ``key``, of the items it was made from, and of the items made from it.

        They are in order of the pipeline, then of position. The list is empty if the ledger has no such key.
        """
        own = [row for name in self.steps for row in self._rows_of_key(name, key)]
        own = own or [row for row in self.dropped_rows() if row.key == key]
        found = dict.fromkeys([*self._ancestors(own[0]), *own] if own else [])
        frontier = own
        while frontier := [child for row in frontier for child in self._children(row) if child not in found]:
            found.update(dict.fromkeys(frontier))
        return sorted(found, key=lambda row: (self._step_indexes[row.step], row.position))

    def _rows_of_key(self, step: str, key: str) -> list[LedgerRow]:
        """Return the rows of one step with this key, without lost outputs."""
        kept = self._rows(f"{tables.ROW} AND i.key = ? AND i.status = 'kept'", self._step_indexes[step], key)
        taken = self._rows(f"{tables.ROW} AND i.parent = ? AND i.ordinal = 0", self._step_indexes[step], key)
        return [*kept, *(row for row in taken if row.status == "dropped")]

    def _ancestors(self, row: LedgerRow) -> Iterator[LedgerRow]:
        """Yield the rows of earlier steps that this row was made from, last step first."""
        for place in range(self._step_indexes[row.step] - 1, -1, -1):
            (row,) = self._rows(f"{tables.ROW} AND i.key = ? AND i.status = 'kept'", place, row.parent)
            yield row

    def _children(self, row: LedgerRow) -> list[LedgerRow]:
        """Return the rows of the next step that were made from a kept row."""
        sql, place = f"{tables.ROW} AND i.parent = ? ORDER BY i.ordinal", self._step_indexes[row.step] + 1
        return self._rows(sql, place, row.key) if row.status == "kept" else []
