"""Print the history of one item of a run: its rows, prompts, replies and programs."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, cast

from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from glotsmith.cli.app import out
from glotsmith.counts import counted
from glotsmith.errors import UsageError, close_name
from glotsmith.languages.spelling import language_of_label
from glotsmith.ledger import Ledger, LedgerRow
from glotsmith.report.row_exchanges import StoredReply, replies_about
from glotsmith.run_folder import RunFolder

_NO_PROMPTS = "The run has no prompts of this item: no request was sent, or an older glotsmith made the run."
_NO_REPLY = "The reply is not in the cache of the run. If the run shared a cache, pass --cache FILE"


def find_item(ledger: Ledger, item: str) -> list[LedgerRow]:
    """Return the history of the item with a key, the start of a key, or the name of a function.

    Raises:
        UsageError: No item or more than one item matches.

    """
    keys = ledger.groups.keys_with_prefix(item)
    if item not in keys:
        keys = _keys_by_name(ledger, item) or keys
    if len(keys) > 1 and item not in keys:
        some = ", ".join(key[:12] for key in keys[:8])
        raise UsageError(f"several items match {item!r}: {some}; give one of these keys, or more of its characters")
    rows = ledger.lineage(item if item in keys or not keys else keys[0])
    if not rows:
        close = close_name(item, {name: name for name in _item_names(ledger)})
        hint = f"do you mean {close!r}?" if close else "'glotsmith show RUN --step STEP' lists keys and names"
        raise UsageError(f"the run has no item {item!r}; {hint}")
    return rows


def _keys_by_name(ledger: Ledger, name: str) -> list[str]:
    """Return the keys of the items with a name, in the first step that has such an item."""
    written = json.dumps(name, ensure_ascii=False).encode()
    for step in ledger.steps:
        found = (row for row in _all_rows(ledger, step) if written in (row.data or b"") and name_of(row) == name)
        if keys := list(dict.fromkeys(row.key for row in found)):
            return keys
    return []


def _item_names(ledger: Ledger) -> set[str]:
    return {name for row in _all_rows(ledger, ledger.steps[0]) if (name := name_of(row))} if ledger.steps else set()


def _all_rows(ledger: Ledger, step: str) -> Iterator[LedgerRow]:
    yield from ledger.kept_rows(step)
    yield from ledger.dropped_rows(step)


def name_of(row: LedgerRow) -> str:
    """Return the name of the function of an item; "" for none."""
    return str(field(json.loads(row.data), "name") or "") if row.data else ""


def field(item: Any, name: str) -> Any:
    """Return the first value called ``name`` in a nested item."""
    if not isinstance(item, dict):
        return None
    fields = cast(dict[str, Any], item)
    if name in fields:
        return fields[name]
    return next((found for value in fields.values() if (found := field(value, name)) is not None), None)


def replies_of(folder: RunFolder, rows: Sequence[LedgerRow]) -> list[StoredReply]:
    """Return the requests about the items of a history, with the replies."""
    return list(replies_about(folder, [key for row in rows for key in (row.parent, row.key)]))


def print_programs(rows: Sequence[LedgerRow], found: Sequence[StoredReply], limit: int) -> None:
    """Print each prompt once, then its replies, each with the program that was extracted from it."""
    programs = {(place, sample): panel for row in rows for place, sample, panel in _programs(row)}
    if not found:
        for panel in list(programs.values())[:limit]:
            out.print(panel)
        out.print(_NO_PROMPTS)
    for (call, prompt), group in groupby(found[:limit], lambda one: (one.exchange.call, one.exchange.prompt)):
        out.print(Panel(Text(prompt or "not stored, because it is not text"), title=Text(f"prompt: {call}")))
        for exchange, reply in group:
            text = Text(_NO_REPLY if reply is None else reply)
            out.print(Panel(text, title=Text(f"reply {exchange.sample} to {call}")))
            if panel := programs.get((exchange.item, exchange.sample)):
                out.print(panel)
    shown, total = min(limit, len(found)), len(found)
    if total > shown:
        out.print(f"{shown} of {counted(total, 'reply')} shown; --limit N for more")


def _programs(row: LedgerRow) -> Iterator[tuple[str, int, Panel]]:
    """Yield the program of a row, with its item and sample number."""
    item = cast(dict[str, Any], json.loads(row.data)) if row.data else {}
    code, lineage = item.get("code"), item.get("lineage")
    if not isinstance(code, str) or not isinstance(lineage, dict):
        return
    task = item.get("task")
    place = task if isinstance(task, str) else str(cast(dict[str, Any], task or {}).get("id") or row.parent)
    verdict = field(item, "verdict")
    status = cast(dict[str, Any], verdict).get("status", "") if isinstance(verdict, dict) else ""
    sample = int(cast(dict[str, Any], lineage).get("sample", 0))
    language = language_of_label(str(field(item, "language") or ""))
    title = f"program {sample}, {language}: {status or row.reason or row.status} ({row.step})"
    yield place, sample, Panel(Syntax(code, language or "text", word_wrap=True), title=Text(title))
