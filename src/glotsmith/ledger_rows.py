"""Convert the result of a step into rows of the ledger. This module reads and writes no files."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.records import FunnelRow, Record, printable
from glotsmith.step import Dropped, Kept, Result

DETAIL_CHARACTERS = 4000  #: longer details are cut

NANO = 1_000_000_000  #: costs are stored in billionths of a dollar, so that sums do not depend on their order

RowStatus = Literal["kept", "dropped", "lost"]

_encode = msgspec.json.Encoder().encode


class BrokenResult(Exception):
    """A step broke its contract. This is a defect of the step."""


class StepInput(msgspec.Struct, frozen=True):
    """One input of a step, read from the ledger."""

    key: str
    position: str
    id: int = 0  #: the row in the ledger: the cursor of ``Ledger.pending``
    payload: int | None = None  #: the row of ``data``, so that an item that passes unchanged is stored once
    data: bytes = b""  #: the item as JSON
    key_id: int | None = None  #: the number of ``key`` in the ledger; None if it may have none


class LedgerRow(msgspec.Struct, frozen=True):
    """One row of the ledger."""

    step: str
    key: str
    parent: str  #: key of the step's input; equal to ``key`` for a dropped input
    position: str
    status: RowStatus
    reason: str  #: drop reason (``Reason``); empty for kept
    detail: str
    data: bytes | None  #: the item as JSON; for a dropped input, the input, unless the source dropped it


class NewRow(msgspec.Struct, frozen=True):
    """One row to insert."""

    status: RowStatus
    key: str
    position: str
    reason: str = ""
    detail: str = ""
    data: bytes = b""  #: an item as JSON; empty for none


def sortable(number: int) -> str:
    """Return a non-negative number as a text that sorts like the number: a letter for the digit count, then the digits.

    12 becomes ``b12``.
    """
    digits = str(number)
    return f"{chr(ord('a') + len(digits) - 1)}{digits}"


def plan_rows(taken: StepInput, result: Result[Any], kept_from: Callable[[str], str | None]) -> list[NewRow]:
    """Return the rows of a result: the kept outputs or else the dropped input, then the lost outputs.

    Row 0 stands for the input in counts: it is the first kept output, or the dropped input. An output that was kept
    before or cannot be stored is lost. An input without a remaining output is dropped.

    Args:
        taken: the input.
        result: the result of the step for it.
        kept_from: returns the input from which an output key was kept before, or None.

    Raises:
        BrokenResult: the result keeps nothing and does not drop the input exactly once, or it keeps something and drops
            the input.

    """
    _check_contract(result)
    kept, lost = _output_rows(taken, result, kept_from)
    inputs: list[NewRow] = []
    for index, loss in enumerate(result.dropped, start=len(result.kept)):
        row = _row_of_dropped(taken, loss, index)
        (lost if loss.key else inputs).append(row)
    if not kept and not inputs:
        inputs = [NewRow("dropped", taken.key, taken.position, lost[0].reason, lost[0].detail, taken.data)]
    return kept + inputs + lost


def _check_contract(result: Result[Any]) -> None:
    """Check the contract of a result. Because of it, in = kept + dropped holds."""
    drops = sum(not loss.key for loss in result.dropped)
    if not result.kept and drops != 1:
        raise BrokenResult(
            f"a result that keeps nothing must drop the input exactly once (Dropped without key), not {drops} times"
        )
    if result.kept and drops:
        raise BrokenResult("a result that keeps something cannot drop the input: give each Dropped a key")


def _output_rows(
    taken: StepInput, result: Result[Any], kept_from: Callable[[str], str | None]
) -> tuple[list[NewRow], list[NewRow]]:
    """Return the rows of the kept outputs, and of the outputs that are duplicates or cannot be stored."""
    kept: dict[str, NewRow] = {}
    lost: list[NewRow] = []
    for index, output in enumerate(result.kept):
        key, position = printable(output.key), _position(taken, result.kept, index)
        first = taken.key if key in kept else kept_from(key)
        if first is not None:
            lost.append(NewRow("lost", key, position, Reason.EXACT_DUPLICATE, f"kept before, from {first}"))
            continue
        data, detail = _encode_item(output.item)
        if data:
            kept[key] = NewRow("kept", key, position, data=data)
        else:
            lost.append(NewRow("lost", key, position, Reason.UNSTORABLE, detail))
    return list(kept.values()), lost


def _position(taken: StepInput, kept: tuple[Kept[Any], ...], index: int) -> str:
    """Return the position of an output: that of the input if it has its key, else an extension of it.

    Within one step no position is a prefix of another, so positions stay unique when steps make several outputs.
    """
    if len(kept) == 1 and kept[0].key == taken.key:
        return taken.position
    return f"{taken.position}.{sortable(index)}"


def _row_of_dropped(taken: StepInput, loss: Dropped, index: int) -> NewRow:
    """Return the row of a dropped input or a lost output; if a dropped input has no item, the row holds the input."""
    data = taken.data if not loss.key else b""
    if loss.item is not None:
        data = _encode_item(loss.item)[0] or data
    detail = printable(loss.detail)[:DETAIL_CHARACTERS]
    if not loss.key:
        return NewRow("dropped", taken.key, taken.position, loss.reason, detail, data)
    return NewRow("lost", printable(loss.key), f"{taken.position}.{sortable(index)}", loss.reason, detail, data)


def _encode_item(item: Record) -> tuple[bytes, str]:
    """Return the item as JSON and "", or b"" and the reason: replies and corpora may hold lone surrogates."""
    try:
        return _encode(item), ""
    except UnicodeEncodeError as error:
        return b"", f"{error.reason} at character {error.start}"


def funnel_row(step: str, groups: Sequence[tuple[Any, ...]]) -> FunnelRow:
    """Return the counts of one step; a group is (status, reason, rows, inputs, tokens, billionths of a dollar)."""
    of = {status: [group for group in groups if group[0] == status] for status in ("kept", "dropped", "lost")}
    inputs = {status: sum(group[3] for group in of[status]) for status in of}
    return FunnelRow(
        step=step,
        taken=sum(inputs.values()),
        kept=inputs["kept"],
        dropped=inputs["dropped"],
        made=sum(group[2] for group in of["kept"]),
        reasons={group[1]: group[2] for group in of["dropped"]},
        losses={group[1]: group[2] for group in of["lost"]},
        tokens=sum(group[4] or 0 for group in groups),
        cost=sum(group[5] or 0 for group in groups) / NANO,
    )
