"""Count the items of a run for a report: the rows of its dataset, failing programs, solved tasks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import msgspec

from glotsmith.datasets.dataset_counts import DatasetCounts
from glotsmith.ledger import Ledger, LedgerRow
from glotsmith.recipes.failing_programs import failing_program, failing_programs
from glotsmith.records import Example
from glotsmith.report.failure_messages import FailureMessages
from glotsmith.report.row_details import percent

_BUCKETS = 20  #: number of buckets of a histogram of shares
_WEAKEST = 10  #: number of listed rows with the weakest evidence
_SOLVING = ("translate", "solve")  #: the steps that take tasks and request programs


class QualityCounts:
    """Histograms of the evidence for the dataset rows, and the rows with the weakest evidence."""

    def __init__(self) -> None:
        self.shares: dict[str, list[int]] = {}  #: measure → number of rows in each bucket of shares
        self.tests: Counter[int] = Counter()  #: number of tests → number of rows
        self.untested = 0  #: number of rows without measures
        self._weakest: list[tuple[tuple[int, ...], str, str, Example]] = []

    def add(self, position: str, key: str, row: Example) -> None:
        """Count one dataset row."""
        self.tests[len(row.tests)] += 1
        if not row.tests or not (row.line_coverage or row.mutation_score):
            self.untested += 1
            return
        for name in ("line_coverage", "branch_coverage", "mutation_score", "pass_rate"):
            bars = self.shares.setdefault(name, [0] * (_BUCKETS + 1))
            bars[min(_BUCKETS, int(getattr(row, name) * _BUCKETS + 1e-9))] += 1
        shares = (row.mutation_score, row.branch_coverage, row.line_coverage)
        self._weakest.append(((*map(percent, shares), len(row.tests)), position, key, row))
        if len(self._weakest) > 8 * _WEAKEST:
            self._weakest = self._sorted()

    def _sorted(self) -> list[tuple[tuple[int, ...], str, str, Example]]:
        """Return the weakest rows. Equal percents are in order of position, as in the list of the page."""
        return sorted(self._weakest, key=lambda one: one[:2])[:_WEAKEST]

    def weakest(self) -> list[dict[str, Any]]:
        """Return the rows with the lowest mutation score, then the lowest coverage, then the fewest tests."""
        return [
            {
                "key": key,
                "name": row.name,
                "language": row.language,
                **{name: getattr(row, name) for name in ("mutation_score", "branch_coverage", "line_coverage")},
                "tests": len(row.tests),
            }
            for _, _, key, row in self._sorted()
        ]


class _Task(msgspec.Struct):
    language: str = ""


class _Lineage(msgspec.Struct):
    sample: int = 0


class _Solved(msgspec.Struct):
    """The parts of a solution that say which sample solved a task. An item of xcoder contains a solution."""

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
_decode_example = msgspec.json.Decoder(Example).decode


class RunCounts:
    """The counts of a run. The rows of its ledger may be added in any order."""

    def __init__(self, steps: Sequence[str]) -> None:
        """Create the counts of a run with the given steps."""
        self.dataset, self.quality, self.failures = DatasetCounts(), QualityCounts(), FailureMessages()
        self.solving = next((step for step in steps if step in _SOLVING), "")  #: the step that solves tasks
        self._last = steps[-1] if steps else ""
        self._solved: dict[str, Counter[int]] = defaultdict(Counter)

    def add_ledger(self, ledger: Ledger) -> None:
        """Add all rows of a ledger."""
        if self._last:
            for row in ledger.kept_rows(self._last):
                self.add_dataset_row(row)
        for program in failing_programs(ledger):
            self.failures.add(program)
        if self.solving:
            for _, rows in groupby(ledger.kept_rows(self.solving), lambda row: row.parent):
                self._add_solutions(rows)

    def add_result(self, rows: Sequence[LedgerRow]) -> None:
        """Add the rows of the result of a step for one input."""
        for row in rows:
            if row.status == "kept" and row.step == self._last:
                self.add_dataset_row(row)
            elif program := failing_program(row):
                self.failures.add(program)
        if rows[0].step == self.solving:
            self._add_solutions(row for row in rows if row.status == "kept")

    def add_dataset_row(self, row: LedgerRow) -> None:
        """Add an item that the last step kept."""
        example = _decode_example(row.data or b"")
        self.dataset.add(example)
        self.quality.add(row.position, row.key, example)

    def _add_solutions(self, rows: Iterable[LedgerRow]) -> None:
        """Count the first sample that solved a task, from all solutions of the task."""
        found = [(s.language, s.sample) for row in rows if (s := _decode_solved(row.data or b"{}")).language]
        if found:
            language, sample = min(found, key=lambda one: one[1])
            self._solved[language][sample] += 1

    def solved_by_sample(self) -> dict[str, Any]:
        """Return for each language and sample the number of tasks that this sample was the first to solve."""
        if not self.solving:
            return {}
        first = {name: dict(sorted(samples.items())) for name, samples in sorted(self._solved.items())}
        return {"step": self.solving, "first": first}
