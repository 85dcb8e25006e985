"""What one result becomes in the ledger: row 0 for the input, then the rest; nothing here touches a file."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.records import FunnelRow, Record, printable
from glotsmith.step import Dropped, Kept, Result

DETAIL_CHARACTERS = 4000  #: longer details are cut

NANO = 1_000_000_000  #: costs are stored in billionths of a dollar: sums of integers do not depend on their order

RowStatus = Literal["kept", "dropped", "lost"]

_encode = msgspec.json.Encoder().encode


class BrokenResult(Exception):
    """A step broke its contract: a defect of the step, never the user's fault."""


class StepInput(msgspec.Struct, frozen=True):
    """One input of a step, as the ledger hands it out."""

    key: str
    position: str
    id: int = 0  #: the ledger's row: the cursor of ``Ledger.pending``
    payload: int | None = None  #: where ``data`` is stored, so that what passes a filter unchanged is stored once
    data: bytes = b""  #: the item as JSON


class NewRow(msgspec.Struct, frozen=True):
    """One row to be written."""

    status: RowStatus
    key: str
    position: str
    reason: str = ""
    detail: str = ""
    data: bytes = b""  #: an item as JSON; empty for none


def sortable(number: int) -> str:
    """Write a number from 0 so that texts sort as numbers do: digits behind a letter for their count (12 → ``b12``)."""
    digits = str(number)
    return f"{chr(ord('a') + len(digits) - 1)}{digits}"


def plan_rows(taken: StepInput, result: Result[Any], kept_from: Callable[[str], str | None]) -> list[NewRow]:
    """Return the rows of a result, the input's first; ``kept_from`` tells which input an output's key came from.

    An output that was kept before, or can't be stored, is lost; an input of which then nothing is left is dropped.

    Raises:
        BrokenResult: the result neither keeps something nor drops the input, or does both.

    """
    _check_contract(result)
    kept, lost = _output_rows(taken, result, kept_from)
    inputs: list[NewRow] = []
    for index, loss in enumerate(result.dropped, start=len(result.kept)):
        row = _loss_row(taken, loss, index)
        (lost if loss.key else inputs).append(row)
    if not kept and not inputs:
        inputs = [NewRow("dropped", taken.key, taken.position, lost[0].reason, lost[0].detail, taken.data)]
    return kept + inputs + lost


def _check_contract(result: Result[Any]) -> None:
    """Hold a result to its contract, without which in = kept + dropped would be false."""
    drops = sum(not loss.key for loss in result.dropped)
    if not result.kept and drops != 1:
        raise BrokenResult(f"a result that keeps nothing must drop the input once (Dropped without key), not {drops}x")
    if result.kept and drops:
        raise BrokenResult("a result that keeps something can't drop the input: give each Dropped a key")


def _output_rows(
    taken: StepInput, result: Result[Any], kept_from: Callable[[str], str | None]
) -> tuple[list[NewRow], list[NewRow]]:
    """Return the rows of the outputs that stay, and of those that turn out to be duplicates or unstorable."""
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
    """Return an output's position: the input's own where it merely passed, else one below it.

    No position is the beginning of another's at one step, so that positions stay unique however steps branch.
    """
    if len(kept) == 1 and kept[0].key == taken.key:
        return taken.position
    return f"{taken.position}.{sortable(index)}"


def _loss_row(taken: StepInput, loss: Dropped, index: int) -> NewRow:
    """Return the row of a drop; a dropped input without an item shows what the input was."""
    data = taken.data if not loss.key else b""
    if loss.item is not None:
        data = _encode_item(loss.item)[0] or data
    detail = printable(loss.detail)[:DETAIL_CHARACTERS]
    if not loss.key:
        return NewRow("dropped", taken.key, taken.position, loss.reason, detail, data)
    return NewRow("lost", printable(loss.key), f"{taken.position}.{sortable(index)}", loss.reason, detail, data)


def _encode_item(item: Record) -> tuple[bytes, str]:
    """Return the item as JSON, or nothing and why not: replies and corpora may hold lone surrogates."""
    try:
        return _encode(item), ""
    except UnicodeEncodeError as error:
        return b"", f"{error.reason} at character {error.start}"


def funnel_row(step: str, groups: Sequence[tuple[Any, ...]]) -> FunnelRow:
    """Sum up one step; a group is (status, reason, rows, inputs, tokens, billionths of a dollar)."""
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
