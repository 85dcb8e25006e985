"""Print the prediction of a run (``glotsmith run --estimate``)."""

import math
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec
import typer
from rich.table import Table

from glotsmith.api.forecast import PredictedAmount, RunForecast
from glotsmith.cli.app import out
from glotsmith.counts import counted, format_seconds


def print_forecast(found: RunForecast, pilot: Path, *, as_json: bool) -> None:
    """Print a prediction, as one JSON object or as a table; ``pilot`` is the folder of the pilot."""
    if as_json:
        fields = {name: getattr(found, name) for name in found.__struct_fields__}  # includes fields with default values
        typer.echo(msgspec.json.encode(fields))
        return
    table = Table("", "whole run", f"{100 * found.confidence:.0f} % interval", "in the pilot", title="Forecast")
    for row in _forecast_rows(found):
        table.add_row(*row)
    out.print(table)
    if found.losses:
        out.print(_losses_table(found))
    out.print(
        f"The pilot has {found.sampled:,} of {counted(found.population, 'item')} that the steps without requests kept. "
        f"The run reuses the replies of {pilot}. Start it with the same command without --estimate.",
        soft_wrap=True,
    )
    if found.sessions:
        again = "reuses them" if found.reuses_sessions else "repeats them with the tasks of all its seeds"
        out.print(
            f"The pilot held {found.sampled_sessions:,} of {counted(found.sessions, 'discussion')}. The run {again}. "
            "Later discussions are extrapolated. They have longer memories: prompts are longer, and more problems are "
            "repeated.",
            soft_wrap=True,
        )
    out.print(
        f"List the dropped items of the pilot:  glotsmith show {shlex.quote(str(pilot))} --dropped", soft_wrap=True
    )


def _forecast_rows(found: RunForecast) -> Iterator[tuple[str, str, str, str]]:
    for name, amount in {"rows": found.rows, **{f"  {name}": rows for name, rows in found.languages.items()}}.items():
        yield (name, *_amount_cells(amount, ",.0f"), "")
    yield ("requests", *_amount_cells(found.requests, ",.0f"), f"{found.pilot_requests:,}")
    yield ("tokens", *_amount_cells(found.tokens, ",.0f"), f"{found.pilot_tokens:,}")
    yield ("tokens for a row", *_amount_cells(found.tokens_per_row, ",.0f"), "")
    if found.cost is None or found.cost_per_row is None:
        yield "US dollars", "unknown price", "state it: docs/costs.md", ""
    else:
        yield ("US dollars", *_amount_cells(found.cost, ",.4g"), f"{found.pilot_cost:,.4g}")
        yield ("US dollars for a row", *_amount_cells(found.cost_per_row, ",.4g"), "")
    if found.hours_left is None:
        yield (
            "time left",
            "not measured",
            found.time_unknown,
            format_seconds(found.pilot_hours * 3600),
        )
    else:
        left = (_format_hours(bound) for bound in (found.hours_left.value, found.hours_left.low, found.hours_left.high))
        value, low, high = left
        rate = f" at {found.replies_per_second:,.3g} replies per second"
        yield f"time left{rate}", value, f"{low} – {high}", format_seconds(found.pilot_hours * 3600)


def _amount_cells(amount: PredictedAmount, form: str) -> tuple[str, str]:
    value, low, high = (_format_bound(bound, form) for bound in (amount.value, amount.low, amount.high))
    return value, f"{low} – {high}"


def _format_bound(value: float | None, form: str) -> str:
    return "no limit" if value is None else format(value, form)


def _format_hours(hours: float | None) -> str:
    return "no limit" if hours is None else format_seconds(math.ceil(hours * 3600))


def _losses_table(found: RunForecast) -> Table:
    table = Table(
        "step", "dropped because", "share of the drops", "whole run", "90 % interval", title="Most is lost at"
    )
    for loss in found.losses:
        table.add_row(loss.step, loss.reason, f"{loss.share:.0%}", *_amount_cells(loss.items, ",.0f"))
    return table
