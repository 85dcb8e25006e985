"""Sum up one run for a report. Every number is one of the ledger: of its funnel, its groups or its items."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from glotsmith import credentials, recipes
from glotsmith.datasets.dataset_counts import DatasetCounts
from glotsmith.drop_reasons import Reason
from glotsmith.ledger import Ledger
from glotsmith.ledger_groups import RowGroup
from glotsmith.recipes.failing_programs import failing_programs
from glotsmith.recipes.xcoder.stored_memory import agents_options, conclusions, stored_memory
from glotsmith.records import Example, FunnelRow
from glotsmith.report.failure_messages import FailureMessages
from glotsmith.run_folder import RunFolder
from glotsmith.sampling_end import StopReason

Summary = dict[str, Any]

_BUCKETS = 20  #: of a histogram of shares
_TIME_PARTS = 60  #: of the time in which replies arrived
_WEAKEST = 10  #: kept rows with the weakest evidence that are listed


class QualityCounts:
    """Histograms of the evidence behind the dataset rows, and the first passing sample of each task."""

    def __init__(self) -> None:
        self.shares: dict[str, list[int]] = {}  #: measure → rows by share, in ``_BUCKETS`` buckets
        self.tests: Counter[int] = Counter()  #: number of tests → rows
        self.untested = 0  #: rows without measures
        self._weakest: list[tuple[tuple[float, ...], str, Example]] = []

    def add(self, key: str, row: Example) -> None:
        """Count one dataset row."""
        self.tests[len(row.tests)] += 1
        if not row.tests or not (row.line_coverage or row.mutation_score):
            self.untested += 1
            return
        for name in ("line_coverage", "branch_coverage", "mutation_score", "pass_rate"):
            bars = self.shares.setdefault(name, [0] * (_BUCKETS + 1))
            bars[min(_BUCKETS, int(getattr(row, name) * _BUCKETS + 1e-9))] += 1
        evidence = (row.mutation_score, row.branch_coverage, row.line_coverage, float(len(row.tests)))
        self._weakest.append((evidence, key, row))
        if len(self._weakest) > 8 * _WEAKEST:
            self._weakest = self._sorted()

    def _sorted(self) -> list[tuple[tuple[float, ...], str, Example]]:
        return sorted(self._weakest, key=lambda one: one[:2])[:_WEAKEST]

    def weakest(self) -> list[Summary]:
        """Return the rows that the fewest mutants speak for, then the least coverage, then the fewest tests."""
        return [
            {
                "key": key,
                "name": row.name,
                "language": row.language,
                **{name: getattr(row, name) for name in ("mutation_score", "branch_coverage", "line_coverage")},
                "tests": len(row.tests),
            }
            for _, key, row in self._sorted()
        ]


def summarize(folder: RunFolder, name: str, groups: Sequence[RowGroup]) -> Summary:
    """Return what a report says about a run, as JSON values.

    Args:
        folder: of the run.
        name: that the report shows.
        groups: of the ledger's rows, by language.

    """
    ledger, config = folder.ledger, folder.config
    funnel = ledger.funnel()
    counts, quality = DatasetCounts(), QualityCounts()
    last = ledger.steps[-1] if ledger.steps else ""
    for key, example in ledger.kept_items(last, Example) if last else ():
        counts.add(example)
        quality.add(key, example)
    return {
        "type": "run",
        "name": name,
        "recipe": str(config.get("recipe", "")),
        "title": (recipes.get(str(config["recipe"])).__doc__ or "").strip().partition("\n")[0],
        "finished": bool(last) and ledger.is_finished(last),
        "settings": settings_of(config),
        "funnel": [_funnel_row(row) for row in funnel],
        "because": {reason: Reason(reason).because for row in funnel for reason in (*row.reasons, *row.losses)},
        "languages": _by_language(groups),
        "rows": counts.rows,
        "problems": counts.parallel,
        "dataset_languages": dict(counts.languages),
        "teachers": dict(counts.teachers),
        "toolchains": {f"{language}: {version}": rows for (language, version), rows in counts.toolchains.items()},
        "licences": _licences(counts),
        "kinds": {kind: rows for (_, kind), rows in sorted(counts.kinds.items())},
        "quality": {
            "shares": quality.shares,
            "tests": dict(sorted(quality.tests.items())),
            "untested": quality.untested,
        },
        "weakest": quality.weakest(),
        "failures": _failures(ledger),
        "samples": _solved_by_sample(ledger, funnel),
        "sampling": [count._asdict() for count in ledger.sampling.counts()],
        "stop_because": {reason: reason.because for reason in StopReason},
        "costs": _costs(ledger),
        "agents": _agents(folder) if config.get("recipe") == "xcoder" else None,
    }


def settings_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a run, an evaluation or a training as dotted name → text."""
    found: dict[str, str] = {}

    def collect(table: Mapping[str, Any], prefix: str) -> None:
        for name, value in table.items():
            if isinstance(value, Mapping):
                collect(value, f"{prefix}{name}.")  # pyright: ignore[reportUnknownArgumentType]
            elif value not in ("", None):
                shown = credentials.HIDDEN if credentials.is_secret_name(name, value) else str(value)
                found[f"{prefix}{name}"] = credentials.redact(shown)

    collect(config, "")
    return found


def _funnel_row(row: FunnelRow) -> Summary:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _by_language(groups: Iterable[RowGroup]) -> list[Summary]:
    """Return the groups as JSON values: the funnel of each language."""
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


def _licences(counts: DatasetCounts) -> list[list[Any]]:
    return [[s.licence, s.source, s.version, rows] for s, rows in counts.sources.most_common()]


def _failures(ledger: Ledger) -> list[Summary]:
    found = FailureMessages()
    for program in failing_programs(ledger):
        found.add(program)
    return found.summary()


class _Task(msgspec.Struct):
    language: str = ""


class _Lineage(msgspec.Struct):
    sample: int = 0


class _Solved(msgspec.Struct):
    """The parts of a solution that say which sample solved a task. An item of xcoder holds a solution."""

    task: _Task = msgspec.field(default_factory=_Task)
    lineage: _Lineage = msgspec.field(default_factory=_Lineage)
    solution: "_Solved | None" = None

    @property
    def language(self) -> str:
        return self.solution.language if self.solution else self.task.language

    @property
    def sample(self) -> int:
        return self.solution.sample if self.solution else self.lineage.sample


_decode_solved = msgspec.json.Decoder(_Solved).decode
_SOLVING = ("translate", "solve")  #: the steps that take tasks and request programs


def _solved_by_sample(ledger: Ledger, funnel: Sequence[FunnelRow]) -> Summary:
    """Return how many tasks of each language have their first passing program in each sample."""
    step = next((row for row in funnel if row.step in _SOLVING and row.taken), None)
    if step is None:
        return {}
    solved: dict[str, Counter[int]] = defaultdict(Counter)
    for _, rows in groupby(ledger.kept_rows(step.step), lambda row: row.parent):
        found = [(s.language, s.sample) for row in rows if (s := _decode_solved(row.data or b"{}")).language]
        if found:
            language, sample = min(found, key=lambda one: one[1])
            solved[language][sample] += 1
    return {"step": step.step, "first": {name: dict(sorted(c.items())) for name, c in sorted(solved.items())}}


def _agents(folder: RunFolder) -> Summary:
    """Return the discussions of a run of xCoder, and what its agents remember."""
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
            {"agent": agent, "lines": list(conclusions(memory, agent, options.languages).items())}
            for agent in options.languages
        ],
    }


def _costs(ledger: Ledger) -> Summary:
    total, times = ledger.exchanges.total_costs(), ledger.exchanges.reply_times(_TIME_PARTS)
    languages = ledger.exchanges.costs_by_language()
    return {
        "calls": {call: cost._asdict() for call, cost in ledger.exchanges.costs_by_call().items()},
        "languages": {language: paid._asdict() for language, (paid, _) in languages.items() if language},
        "paid": total[0]._asdict() if total else None,
        "cached": total[1]._asdict() if total else None,
        "run_seconds": ledger.exchanges.run_seconds(),
        "times": times._asdict() if times else None,
    }
