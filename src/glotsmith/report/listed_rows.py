"""Choose the rows of a run that a report lists: dataset rows, and examples of dropped and lost items."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from glotsmith.ledger import PAGE, Ledger, LedgerRow
from glotsmith.ledger_groups import RowGroup
from glotsmith.ledger_rows import RowStatus, StepInput
from glotsmith.recipes.item_languages import language_label

ROWS = 100_000  #: default number of dataset rows that a report lists
EXAMPLES = 500  #: default number of other rows that it lists for each step, drop reason and language


class ListLimits(NamedTuple):
    """The numbers of rows that a report lists; 0 for all."""

    rows: int = ROWS  #: number of dataset rows
    examples: int = EXAMPLES  #: number of other rows for each step, drop reason and language

    def of_group(self, group: RowGroup, last_step: str) -> int:
        """Return the number of rows of a group that are listed."""
        if group.status == "kept" and group.step != last_step:
            return 0  # a later step has a row for the item, or ``_waiting_rows`` lists it
        limit = self.rows if group.status == "kept" else self.examples
        return min(limit, group.rows) if limit else group.rows


class RowPicker:
    """Picks rows of each group at even distances, so that the same ledger gives the same rows."""

    def __init__(self, groups: Sequence[RowGroup], limits: ListLimits, last_step: str) -> None:
        self._totals = {_group_key(group): group.rows for group in groups}
        self._wanted = {_group_key(group): limits.of_group(group, last_step) for group in groups}
        self._seen = Counter[tuple[str, str, str, str]]()

    def picks(self, row: LedgerRow, language: str) -> bool:
        """Return whether a row is listed; call it once for each row, in order."""
        name = (row.step, row.status, row.reason, language)
        total, wanted, seen = self._totals.get(name, 1), self._wanted.get(name, 1), self._seen[name]
        self._seen[name] += 1
        return (seen + 1) * wanted // total > seen * wanted // total


def _group_key(group: RowGroup) -> tuple[str, str, str, str]:
    return group.step, group.status, group.reason, group.label


class ListedInput(NamedTuple):
    """A listed row of the ledger, with the input of its step if the row has no item."""

    row: LedgerRow
    made_from: bytes | None


def listed_rows(ledger: Ledger, groups: Sequence[RowGroup], limits: ListLimits) -> Iterator[ListedInput]:
    """Yield the rows that a report lists, in order of position, so that the rows of a problem are adjacent."""
    if not ledger.steps:
        return
    last = ledger.steps[-1]
    picker = RowPicker(groups, limits, last)
    streams = [
        ledger.kept_rows(last),
        *(ledger.rows_by_position(step, status) for step, status in _drop_groups(groups)),
    ]
    for row in heapq.merge(*streams, key=lambda row: row.position):
        made_from = None if row.data else input_of(ledger, row)
        if picker.picks(row, language_label(row.data, row.key, made_from)):
            yield ListedInput(row, made_from or input_of(ledger, row))
    yield from _waiting_rows(ledger, limits)


def _waiting_rows(ledger: Ledger, limits: ListLimits) -> Iterator[ListedInput]:
    """Yield the items of an unfinished run that the next step has not processed."""
    for step, following in pairwise(ledger.steps):
        if ledger.is_finished(following):
            continue
        for item in islice(_pending_items(ledger, step, following), limits.examples or None):
            yield ListedInput(LedgerRow(step, item.key, item.key, item.position, "kept", "", "", item.data), None)


def _pending_items(ledger: Ledger, step: str, following: str) -> Iterator[StepInput]:
    after = 0
    while page := ledger.pending(step, following, after, PAGE):
        yield from page
        after = page[-1].id


def _drop_groups(groups: Sequence[RowGroup]) -> list[tuple[str, RowStatus]]:
    """Return the steps and statuses of dropped and lost rows."""
    return list(dict.fromkeys((group.step, group.status) for group in groups if group.status != "kept"))


def input_of(ledger: Ledger, row: LedgerRow) -> bytes | None:
    """Return the input of the step for a lost row; None for a row of the first step and for other rows."""
    index = ledger.steps.index(row.step) if row.status == "lost" else 0
    found = ledger.find_input(ledger.steps[index - 1], row.parent) if index else None
    return found.data if found else None
