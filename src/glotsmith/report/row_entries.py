"""Make the list entries and the details of the rows of a run."""

from collections.abc import Sequence
from typing import Any

from glotsmith.ledger import LedgerRow
from glotsmith.report.row_details import Detail, ListedRow, describe
from glotsmith.report.row_exchanges import made_from, replies_about, sampling_about, with_first_step
from glotsmith.report.similar_items import similar_item
from glotsmith.run_folder import RunFolder

_REPLIES = 12  #: largest number of prompts and replies that are shown for a row
ItemPath = list[tuple[str, str]]  #: step and key of each item that a row was made from


class RowEntries:
    """Makes the entries of the rows of an open run folder."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._sampled = folder.ledger.sampling.steps()

    def listed(self, row: LedgerRow, taken: bytes | None) -> ListedRow:
        """Return the list entry of a row.

        Args:
            row: The row of the ledger.
            taken: For a lost output, the input of the step as JSON.

        """
        return self._entry(row, taken, made_from(self._folder.ledger, row) if self._sampled else [])[0]

    def described(self, row: LedgerRow, taken: bytes | None) -> tuple[ListedRow, Detail]:
        """Return the list entry and the details of a row."""
        path = made_from(self._folder.ledger, row)
        listed, detail = self._entry(row, taken, path)
        detail["path"] = with_first_step(path)
        detail["exchanges"] = self._exchanges(detail["path"], listed)
        if similar := similar_item(self._folder.ledger, row):
            detail["similar"] = similar
        return listed, detail

    def _entry(self, row: LedgerRow, taken: bytes | None, path: ItemPath) -> tuple[ListedRow, Detail]:
        listed, detail = describe(row, taken)
        if listed.status == "kept" and listed.step != self._folder.ledger.steps[-1]:
            listed = listed._replace(status="waiting")
        if end := sampling_about(self._folder.ledger, path, self._sampled):
            listed, detail["sampling"] = listed._replace(stop=end.reason), end.sentence
        return listed, detail

    def _exchanges(self, path: Sequence[tuple[str, str]], listed: ListedRow) -> list[dict[str, Any]]:
        """Return the requests about the items of a row. Of the last item, return only those of the row's sample."""
        found = replies_about(self._folder, [key for _, key in reversed(path)])
        last = path[-2][1] if len(path) > 1 else ""  # the input of the step that made the row
        shown = [
            {"call": e.call, "sample": e.sample, "prompt": e.prompt, "reply": reply}
            for e, reply in found
            if e.item != last or listed.status == "dropped" or e.sample == listed.sample
        ]
        return shown[:_REPLIES]
