"""Summarise a run for a report. All numbers come from the ledger (its funnel, row groups and items)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from glotsmith import credentials, recipes
from glotsmith.datasets.dataset_counts import DatasetCounts
from glotsmith.drop_reasons import Reason
from glotsmith.exchanges import sum_costs
from glotsmith.ledger import Ledger
from glotsmith.ledger_groups import RowGroup
from glotsmith.recipes.xcoder.stored_memory import agents_options, memory_statistics, stored_memory
from glotsmith.records import FunnelRow
from glotsmith.report.run_counts import RunCounts
from glotsmith.run_folder import RunFolder
from glotsmith.sampling_end import StopReason

Summary = dict[str, Any]

_TIME_PARTS = 60  #: number of intervals into which the time of the replies is divided


def summarise_run(
    folder: RunFolder, name: str, funnel: Sequence[FunnelRow], groups: Sequence[RowGroup], counts: RunCounts
) -> Summary:
    """Return the entry of a run in a report, as JSON values.

    Args:
        folder: The run folder.
        name: The name that the report shows.
        funnel: The counts of each step.
        groups: The numbers of ledger rows by step, status, reason and language.
        counts: The counts of the items of the run.

    """
    ledger, config = folder.ledger, folder.config
    dataset, quality = counts.dataset, counts.quality
    last = ledger.steps[-1] if ledger.steps else ""
    has_solved_items = any(row.taken for row in funnel if row.step == counts.solving)
    return {
        "type": "run",
        "name": name,
        "recipe": str(config.get("recipe", "")),
        "title": (recipes.get(str(config["recipe"])).__doc__ or "").strip().partition("\n")[0],
        "finished": bool(last) and ledger.is_finished(last),
        "settings": settings_of(config),
        "funnel": [_funnel_row(row) for row in funnel],
        "because": {reason: Reason(reason).because for row in funnel for reason in (*row.reasons, *row.losses)},
        "languages": _language_rows(groups),
        "rows": dataset.rows,
        "problems": dataset.parallel,
        "dataset_languages": dict(dataset.languages),
        "teachers": dict(dataset.teachers),
        "toolchains": {f"{language}: {version}": rows for (language, version), rows in dataset.toolchains.items()},
        "licences": _licence_rows(dataset),
        "kinds": {kind: rows for (_, kind), rows in sorted(dataset.kinds.items())},
        "quality": {
            "shares": quality.shares,
            "tests": dict(sorted(quality.tests.items())),
            "untested": quality.untested,
        },
        "weakest": quality.weakest(),
        "failures": counts.failures.summary(),
        "samples": counts.solved_by_sample() if has_solved_items else {},
        "sampling": [count._asdict() for count in ledger.sampling.counts()],
        "stop_because": {reason: reason.because for reason in StopReason},
        "costs": _costs_entry(ledger),
        "agents": _agents_entry(folder) if config.get("recipe") == "xcoder" else None,
    }


def settings_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a run, an evaluation or a training: dotted name → text."""
    found: dict[str, str] = {}

    def collect(table: Mapping[str, Any], prefix: str) -> None:
        for name, value in table.items():
            if isinstance(value, Mapping):
                collect(value, f"{prefix}{name}.")  # pyright: ignore[reportUnknownArgumentType]
            elif value not in ("", None):
                shown = credentials.HIDDEN if credentials.is_secret_setting(name, value) else str(value)
                found[f"{prefix}{name}"] = credentials.redact(shown)

    collect(config, "")
    return found


def _funnel_row(row: FunnelRow) -> Summary:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _language_rows(groups: Iterable[RowGroup]) -> list[Summary]:
    """Return the row groups as JSON values. They contain the funnel of each language."""
    return [
        {
            "step": g.step,
            "status": g.status,
            "reason": g.reason,
            "language": g.label,
            "rows": g.rows,
            "inputs": g.inputs,
        }
        for g in groups
    ]


def _licence_rows(counts: DatasetCounts) -> list[list[Any]]:
    return [[s.licence, s.source, s.version, rows] for s, rows in counts.sources.most_common()]


def _agents_entry(folder: RunFolder) -> Summary:
    """Return the sessions of a run of xCoder, and the memories of its agents."""
    options = agents_options(folder.config)
    memory = stored_memory(folder.ledger, options)
    sessions = {s.key: s for agent in options.languages for s in memory.sessions_of(agent)}
    fields = ("key", "epoch", "agent", "others", "target", "name", "instruction", "outcome", "passed")
    return {
        "sessions": [
            {name: getattr(session, name) for name in fields}
            for session in sorted(sessions.values(), key=lambda session: session.number)
        ],
        "memories": [
            {"agent": agent, "lines": list(memory_statistics(memory, agent, options.languages).items())}
            for agent in options.languages
        ],
    }


def _costs_entry(ledger: Ledger) -> Summary:
    languages, times = ledger.exchanges.costs_by_language(), ledger.exchanges.reply_times(_TIME_PARTS)
    total = sum_costs(languages)
    return {
        "calls": {call: cost._asdict() for call, cost in ledger.exchanges.costs_by_call().items()},
        "languages": {language: paid._asdict() for language, (paid, _) in languages.items() if language},
        "paid": total[0]._asdict() if total else None,
        "cached": total[1]._asdict() if total else None,
        "run_seconds": ledger.exchanges.run_seconds(),
        "times": times._asdict() if times else None,
    }
