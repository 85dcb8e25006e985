"""The report of a run in progress: an update reads only the rows that were added to the ledger since the last one."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, groupby, islice, pairwise
from operator import attrgetter
from typing import IO, NamedTuple

from glotsmith.folder_lock import LOCK
from glotsmith.ledger import Ledger
from glotsmith.ledger_changes import AddedRow, LedgerState
from glotsmith.ledger_groups import RowGroup
from glotsmith.ledger_rows import RowStatus, funnel_row
from glotsmith.recipes.item_languages import language_label
from glotsmith.records import FunnelRow
from glotsmith.report.index_writer import IndexWriter
from glotsmith.report.listed_rows import ListLimits, input_of
from glotsmith.report.row_details import Detail, ListedRow
from glotsmith.report.row_entries import RowEntries
from glotsmith.report.run_counts import RunCounts
from glotsmith.report.run_summary import Summary, summarise_run
from glotsmith.run_folder import RunFolder


class _Entry(NamedTuple):
    """One row of the list."""

    position: str
    id: int
    listed: ListedRow


class ThinnedRows:
    """Keeps at most ``limit`` entries (0: all), at even distances in the order in which they are added."""

    def __init__(self, limit: int) -> None:
        self.entries = list[_Entry]()
        self._limit, self._distance, self._seen = limit, 1, 0

    def add(self, make_entry: Callable[[], _Entry]) -> None:
        """Add an entry. ``make_entry`` is called only if the entry is kept."""
        if self._limit and len(self.entries) == self._limit and self._seen % self._distance == 0:
            self.entries = self.entries[::2]
            self._distance *= 2
        if self._seen % self._distance == 0:
            self.entries.append(make_entry())
        self._seen += 1


class _RunRows:
    """The counts and list entries of the rows of a ledger that were read so far."""

    def __init__(self, steps: Sequence[str], limits: ListLimits) -> None:
        self.steps, self.limits = steps, limits
        self.last_row: AddedRow | None = None
        self.rows = 0
        self.counts = RunCounts(steps)
        self.waiting: dict[str, dict[str, int]] = {step: {} for step in steps}  #: step → key → number of the row
        self.listed: dict[tuple[str, str, str, str], ThinnedRows] = {}
        self._groups = defaultdict[tuple[str, RowStatus, str, str], list[int]](lambda: [0, 0])
        self._totals = defaultdict[tuple[str, str, str], list[int]](lambda: [0, 0, 0, 0])

    def add_result(self, rows: Sequence[AddedRow], entries: RowEntries, ledger: Ledger) -> None:
        """Add the rows of the result of a step for one input."""
        self.rows += len(rows)
        self.last_row = rows[-1]
        self.counts.add_result([one.row for one in rows])
        first = next((one.row.data for one in rows if one.ordinal == 0), None)
        for one in rows:
            row = one.row
            label = language_label(row.data, row.key, None if row.data else first)
            self._count(one, label)
            self._update_waiting(one)
            if row.status != "kept" or row.step == self.steps[-1]:
                name = (row.step, row.status, row.reason, label)
                limit = self.limits.rows if row.status == "kept" else self.limits.examples
                self.listed.setdefault(name, ThinnedRows(limit)).add(lambda one=one: _entry(one, entries, ledger))

    def _count(self, one: AddedRow, label: str) -> None:
        row, is_input = one.row, int(one.ordinal == 0)
        group = self._groups[row.step, row.status, row.reason, label]
        total = self._totals[row.step, row.status, row.reason]
        for counts, added in ((group, (1, is_input)), (total, (1, is_input, one.tokens, one.cost))):
            for place, number in enumerate(added):
                counts[place] += number

    def _update_waiting(self, one: AddedRow) -> None:
        row, place = one.row, self.steps.index(one.row.step)
        if one.ordinal == 0 and place:
            self.waiting[self.steps[place - 1]].pop(row.parent, None)
        if row.status == "kept" and place < len(self.steps) - 1:
            self.waiting[row.step][row.key] = one.id

    def groups(self) -> list[RowGroup]:
        """Return the number of rows for each step, status, reason and language, in order of the pipeline."""
        found = [RowGroup(*name, *counts) for name, counts in sorted(self._groups.items())]
        return sorted(found, key=lambda group: self.steps.index(group.step))

    def funnel(self) -> list[FunnelRow]:
        """Return the counts of each step."""
        totals = sorted(self._totals.items())
        return [
            funnel_row(step, [(*name[1:], *counts) for name, counts in totals if name[0] == step])
            for step in self.steps
        ]


class LiveRun:
    """The report of a run in progress. It keeps the list of rows and reads the details of a row on request."""

    def __init__(self, limits: ListLimits) -> None:
        self._limits = limits
        self._found = _RunRows((), limits)
        self._start: tuple[bytes, int] | None = None  #: the start of the process that uses the folder (``_start_of``)

    def write(self, folder: RunFolder, name: str, file: IO[str], prefix: str) -> Summary:
        """Write the index of the rows to a file, and return the summary. The index of a row is its ledger number."""
        self._update(folder)
        entries, index = RowEntries(folder), IndexWriter(file, prefix)
        listed = chain.from_iterable(rows.entries for rows in self._found.listed.values())
        for entry in sorted(listed, key=attrgetter("position")):
            index.add(entry.listed, (0, entry.id))
        for entry in self._waiting_entries(entries, folder.ledger):
            index.add(entry.listed, (0, entry.id))
        found = self._found
        return summarise_run(folder, name, found.funnel(), found.groups(), found.counts) | {"index": index.finish()}

    def _update(self, folder: RunFolder) -> None:
        """Read the new rows, or all rows if the run was started again, which may have deleted some."""
        start, state = _start_of(folder), folder.ledger.changes.state()
        if start != self._start or not self._is_continued(folder.ledger):
            self._found = _RunRows(folder.ledger.steps, self._limits)
        self._start = start
        self._read(folder, state)
        if self._found.rows != state.rows:
            self._found = _RunRows(folder.ledger.steps, self._limits)
            self._read(folder, folder.ledger.changes.state())

    def _is_continued(self, ledger: Ledger) -> bool:
        """Return whether the ledger still has the last row that was read."""
        last = self._found.last_row
        return self._found.steps == ledger.steps and (last is None or ledger.changes.find(last.id) == last)

    def _read(self, folder: RunFolder, state: LedgerState) -> None:
        entries, last = RowEntries(folder), self._found.last_row
        added = folder.ledger.changes.added(last.id if last else 0, state.last_id)
        for _, rows in groupby(added, lambda one: (one.row.step, one.row.parent)):
            self._found.add_result(list(rows), entries, folder.ledger)

    def _waiting_entries(self, entries: RowEntries, ledger: Ledger) -> Iterator[_Entry]:
        """Yield the items that the next step has not processed."""
        for step, following in pairwise(self._found.steps):
            if not ledger.is_finished(following):
                for id_ in islice(self._found.waiting[step].values(), self._limits.examples or None):
                    if one := ledger.changes.find(id_):
                        yield _entry(one, entries, ledger)


def _start_of(folder: RunFolder) -> tuple[bytes, int] | None:
    """Return a value that changes when a process starts to use a folder: content and time of its lock file."""
    try:
        lock = folder.path / LOCK
        return lock.read_bytes(), lock.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _entry(one: AddedRow, entries: RowEntries, ledger: Ledger) -> _Entry:
    return _Entry(one.row.position, one.id, entries.listed(one.row, input_of(ledger, one.row)))


def read_details(folder: RunFolder, id: int) -> Detail | None:
    """Return the details of the row with a number; None if the ledger has no such row."""
    one = folder.ledger.changes.find(id)
    if one is None:
        return None
    return RowEntries(folder).described(one.row, input_of(folder.ledger, one.row))[1]
