"""The funnel of a run as a table."""

from collections.abc import Sequence

from rich.table import Table

from glotsmith.records import FunnelRow


def funnel_table(funnel: Sequence[FunnelRow]) -> Table:
    """Return the funnel: the counts of each step, its drop reasons and, in parentheses, the reasons of lost outputs."""
    table = Table("step", "in", "kept", "dropped", "out", "drop reasons (reasons of lost outputs)", title="Funnel")
    for row in funnel:
        table.add_row(row.step, str(row.taken), str(row.kept), str(row.dropped), str(row.made), _reason_counts(row))
    return table


def _reason_counts(row: FunnelRow) -> str:
    common = sorted(row.reasons.items(), key=lambda kv: (-kv[1], kv[0]))
    lost = sorted(row.losses.items(), key=lambda kv: (-kv[1], kv[0]))
    dropped = ", ".join(f"{reason} {count}" for reason, count in common)
    losses = ", ".join(f"{reason} {count}" for reason, count in lost)
    return f"{dropped} ({losses})" if losses else dropped
