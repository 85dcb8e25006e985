"""``glotsmith show``: print the funnel, the items and the drop reasons of a run, or other results."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from glotsmith.cli import show_evaluation, show_folder, show_item
from glotsmith.cli.app import app, err, out
from glotsmith.cli.funnel_table import funnel_table
from glotsmith.cli.models import model_costs_table
from glotsmith.cli.show_memory import show_memory
from glotsmith.cli.side_by_side import side_by_side
from glotsmith.cli.stop_reasons import print_stop_reasons, stop_sentence
from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError, unknown_name
from glotsmith.ledger import Ledger, LedgerRow
from glotsmith.records import Example
from glotsmith.run_folder import RunFolder


@app.command()
def show(
    run: Annotated[Path, typer.Argument(help="Folder of a run, an evaluation, a training or an evaluation set.")],
    item: Annotated[
        str,
        typer.Argument(
            help="A key, the start of one, or a function's name: show its history with programs, replies and prompts."
        ),
    ] = "",
    step: Annotated[str, typer.Option(help="Show only this step.")] = "",
    dropped: Annotated[
        bool, typer.Option("--dropped", help="Show dropped and lost items, with the drop reasons.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Show only items that were dropped for this reason.")] = "",
    status: Annotated[
        str, typer.Option(help="For an evaluation: show the samples with this status, such as fail:no_code.")
    ] = "",
    memory: Annotated[str, typer.Option(help="For xcoder: show the memory of the agent of this language.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Maximum number of rows or replies.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print complete rows as JSON lines.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Cache file with the replies, if the run shared one.")] = None,
) -> None:
    """Show results: the funnel of a run, its items, or the history of one item; the figures, failure classes and
    samples of an evaluation; the settings and losses of a training; or the content of an evaluation set.

    Examples:

    [bold]glotsmith show runs/demo[/]

    [bold]glotsmith show runs/demo --dropped --reason low_coverage[/]

    [bold]glotsmith show runs/demo 36d8f34e[/], or the name of a function: [bold]glotsmith show runs/demo slugify[/]

    [bold]glotsmith show runs/xcoder --memory ocaml[/]

    [bold]glotsmith show runs/evaluation --status fail:no_code[/], or the name of a question instead of the status
    """
    if show_evaluation.is_evaluation(run):
        show_evaluation.show_evaluation(run, item, status or reason, limit, as_json=as_json)
        return
    if status:
        raise UsageError(f"{run}: --status is only for evaluations; use --reason for a run")
    if show_folder.show_other(run, as_json=as_json):
        return
    with RunFolder.open(run, cache) as folder:
        ledger = folder.ledger
        if memory:
            show_memory(folder, memory, limit, as_json=as_json)
            return
        _check_names(ledger, step, reason)
        if item:
            _show_item(folder, show_item.find_item(ledger, item), limit, as_json=as_json)
            return
        if not (dropped or reason or step):
            out.print(funnel_table(ledger.funnel()))
            print_stop_reasons(ledger)
            if (models := model_costs_table(ledger)) is not None:
                out.print(models)
            return
        drops = dropped or bool(reason)
        rows = ledger.dropped_rows(step or None, reason or None) if drops else ledger.kept_rows(step)
        _print_rows(islice(rows, limit), as_json=as_json)
        _note_truncation(limit, _count_rows(ledger, step, reason, dropped=drops), as_json=as_json)


def _check_names(ledger: Ledger, step: str, reason: str) -> None:
    if step and step not in ledger.steps:
        raise UsageError(unknown_name(f"the run has no step {step!r}", step, ledger.steps))
    known = [str(r) for r in Reason]
    if reason and reason not in known:
        raise UsageError(unknown_name(f"there is no drop reason {reason!r}", reason, known))


def _show_item(folder: RunFolder, rows: list[LedgerRow], limit: int, *, as_json: bool) -> None:
    """Print the history of an item: its rows, its source and program side by side, its tests, prompts and replies."""
    _print_rows(iter(rows), as_json=as_json)
    found = show_item.replies_of(folder, rows)
    if as_json:
        for exchange, reply in found:
            typer.echo(json.dumps({**exchange._asdict(), "reply": reply}, ensure_ascii=False))
        return
    for step, key in dict.fromkeys((row.step, row.parent) for row in rows):
        if sentence := stop_sentence(folder.ledger, step, key):
            out.print(sentence)
    for row in rows:
        if row.step == "dataset" and row.status == "kept":
            example = msgspec.json.decode(row.data or b"", type=Example)
            out.print(side_by_side(example))
            out.print("\n".join(example.tests))
    show_item.print_programs(rows, found, limit)


def _count_rows(ledger: Ledger, step: str, reason: str, *, dropped: bool) -> int:
    """Return the number of rows of a step (or of all) with a drop reason (or any)."""
    if not dropped:
        return ledger.count_kept(step)
    funnel = [row for row in ledger.funnel() if step in ("", row.step)]
    tables = (counts for row in funnel for counts in (row.reasons, row.losses))
    return sum(count for counts in tables for name, count in counts.items() if reason in ("", name))


def _note_truncation(shown: int, total: int, *, as_json: bool) -> None:
    """Print that a list was truncated; on stderr if stdout has JSON lines."""
    if total > shown:
        (err if as_json else out).print(f"{shown} of {total} shown; --limit N for more")


def _print_rows(rows: Iterator[LedgerRow], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            typer.echo(json.dumps(_json_fields(row), ensure_ascii=False))
        return
    table = Table("step", "key", "what", "status", "because")
    for row in rows:
        because = f"{Reason(row.reason).because}: {row.detail}" if row.reason else ""
        table.add_row(row.step, row.key[:12], _item_name(row), row.status, because.rstrip(": ")[:300])
    out.print(table)


def _json_fields(row: LedgerRow) -> dict[str, Any]:
    item = json.loads(row.data) if row.data else None
    return {
        "step": row.step,
        "key": row.key,
        "parent": row.parent,
        "status": row.status,
        "reason": row.reason,
        "detail": row.detail,
        "item": item,
    }


def _item_name(row: LedgerRow) -> str:
    """Return the name of the function of an item, with the language if it has one."""
    if not row.data:
        return row.parent.rpartition("/")[2][-40:]
    item = json.loads(row.data)
    found = show_item.field(item, "name") or ""
    language = show_item.field(item, "language")
    return f"{found} ({language})" if language else str(found)
