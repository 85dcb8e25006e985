"""The ends of sampling in a ledger: why it stopped for each problem and language, and with which outcome.

They are in a table of the ledger. A row belongs to the result of a step for one input, and is stored with it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from glotsmith.database import RunStatement, read_if_stored
from glotsmith.ledger_rows import NANO
from glotsmith.sampling_end import SamplingEnd, StopReason

SCHEMA = """
CREATE TABLE IF NOT EXISTS sampling_ends (
    step INTEGER NOT NULL,
    parent TEXT NOT NULL,
    language TEXT NOT NULL,
    reason TEXT NOT NULL,
    replies INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    distinct_rows INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (step, parent)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS planned_budget (id INTEGER PRIMARY KEY CHECK (id = 0), budget TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sampling_plan (id INTEGER PRIMARY KEY CHECK (id = 0), plan BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS continued (
    step INTEGER NOT NULL, parent TEXT NOT NULL, replies INTEGER NOT NULL, PRIMARY KEY (step, parent)
) WITHOUT ROWID
"""
_INSERT = "INSERT OR REPLACE INTO sampling_ends VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OF_STEP = "SELECT * FROM sampling_ends WHERE step = ?"
_ONE = "SELECT * FROM sampling_ends WHERE step = ? AND parent = ?"
_STEPS = "SELECT place FROM steps WHERE EXISTS (SELECT 1 FROM sampling_ends WHERE step = place)"
_GROUPS = """
SELECT language, reason, COUNT(*), SUM(replies), SUM(distinct_rows) FROM sampling_ends
GROUP BY language, reason ORDER BY language, reason
"""
_OUTCOMES = """
SELECT e.language, e.passed, e.failed, e.distinct_rows, COUNT(*), SUM(e.replies), SUM(e.tokens), SUM(e.cost)
FROM sampling_ends AS e
CROSS JOIN keys AS k ON k.key = e.parent
CROSS JOIN items AS i ON i.step = e.step AND i.parent_id = k.id AND i.ordinal = 0
WHERE e.step = ? AND i.position < ?
GROUP BY e.language, e.passed, e.failed, e.distinct_rows ORDER BY 1, 2, 3, 4
"""
_DELETE_RESULT = "DELETE FROM items WHERE step = ? AND parent_id = (SELECT id FROM keys WHERE key = ?)"


class StopCount(NamedTuple):
    """How often sampling stopped for one reason in one language."""

    language: str
    reason: StopReason
    problems: int
    replies: int
    rows: int  #: distinct rows within their problems


class SamplingOutcome(NamedTuple):
    """What the replies about one problem in one language gave."""

    passed: int
    failed: int
    rows: int  #: distinct rows


class SamplingOutcomes:
    """The outcomes of several problems in one language."""

    def __init__(self) -> None:
        self.counts = Counter[SamplingOutcome]()  #: outcome → problems
        self.replies = 0
        self.tokens = 0
        self.cost = 0.0  #: US dollars

    @property
    def rows(self) -> int:
        """The number of distinct rows of all problems."""
        return sum(outcome.rows * count for outcome, count in self.counts.items())


class StoredSampling:
    """The ends of sampling of one ledger; only ``Ledger`` creates it, as ``Ledger.sampling``."""

    def __init__(self, run: RunStatement, places: Mapping[str, int]) -> None:
        """Create it; ``run`` runs an SQL statement, and ``places`` maps a step to its index."""
        self._run, self._places = run, places
        self._has_table = False

    def record(self, place: int, parent: str, end: SamplingEnd) -> None:
        """Store the end of sampling of one input of the step with this index. A transaction must be open."""
        self._create_tables()
        outcome = (end.replies, end.failed, end.passed, end.rows, end.tokens, round(end.cost * NANO))
        self._run(_INSERT, place, parent, end.language, str(end.reason), *outcome)

    def _create_tables(self) -> None:
        if not self._has_table:
            for statement in SCHEMA.split(";"):
                self._run(statement)
            self._has_table = True

    def of_input(self, step: str, parent: str) -> SamplingEnd | None:
        """Return the end of sampling of one input of a step; None if it has none."""
        found = self._read(_ONE, self._places[step], parent)
        return _end_of(found[0]) if found else None

    def stopped_by_budget(self, step: str) -> dict[str, SamplingEnd]:
        """Return the inputs of a step for which sampling stopped because of the budget, in a fixed order."""
        found = self._read(f"{_OF_STEP} AND reason = ? ORDER BY parent", self._places[step], str(StopReason.BUDGET))
        return {row[1]: _end_of(row) for row in found}

    def steps(self) -> list[str]:
        """Return the names of the steps that have ends of sampling."""
        stored = {row[0] for row in self._read(_STEPS)}
        return [name for name, place in self._places.items() if place in stored]

    def counts(self) -> list[StopCount]:
        """Return how often sampling stopped, by language and reason."""
        return [StopCount(row[0], StopReason(row[1]), *row[2:]) for row in self._read(_GROUPS)]

    def outcomes(self, step: str, before: str) -> dict[str, SamplingOutcomes]:
        """Return the outcomes of a step's inputs at positions below ``before``, by language, in a fixed order."""
        found = dict[str, SamplingOutcomes]()
        for language, passed, failed, rows, count, replies, tokens, cost in self._read(
            _OUTCOMES, self._places[step], before
        ):
            own = found.setdefault(language, SamplingOutcomes())
            own.counts[SamplingOutcome(passed, failed, rows)] += count
            own.replies += replies
            own.tokens += tokens
            own.cost += cost / NANO
        return found

    def plan_for_budget(self, budget: str) -> int:
        """Store the budget that sampling plans for; a transaction must be open.

        If it was another one, the problems for which sampling stopped because of it are open again, and so are all
        later steps. Return the number of these problems.
        """
        before = [row[0] for row in self._read("SELECT budget FROM planned_budget")]
        self._create_tables()
        self._run("INSERT OR REPLACE INTO planned_budget VALUES (0, ?)", budget)
        if before in ([], [budget]):
            return 0
        self._run("DELETE FROM sampling_plan")
        stopped = self._run("SELECT step, parent FROM sampling_ends WHERE reason = ?", str(StopReason.BUDGET))
        self._reopen([(step, parent) for step, parent in stopped])
        return len(stopped)

    def plan_again(self, step: str, inputs: Iterable[str], plan: bytes) -> None:
        """Make inputs of a step and all later steps open again, with a plan; a transaction must be open."""
        self._create_tables()
        self._run("INSERT OR REPLACE INTO sampling_plan VALUES (0, ?)", plan)
        self._reopen([(self._places[step], parent) for parent in inputs])

    def plan(self) -> bytes:
        """Return the plan of ``plan_again``; b"" without one."""
        found = self._read("SELECT plan FROM sampling_plan")
        return found[0][0] if found else b""

    def replies_before(self, step: str, parent: str) -> int:
        """Return how many replies an input had when it was last made open again; 0 if it never was."""
        sql = "SELECT replies FROM continued WHERE step = ? AND parent = ?"
        found = self._read(sql, self._places[step], parent)
        return found[0][0] if found else 0

    def _reopen(self, inputs: Sequence[tuple[int, str]]) -> None:
        """Make inputs of steps open again, and all steps after the first of these."""
        if not inputs:
            return
        first = min(step for step, _ in inputs)
        for each in inputs:
            self._run(
                "INSERT OR REPLACE INTO continued "
                "SELECT step, parent, replies FROM sampling_ends WHERE step = ? AND parent = ?",
                *each,
            )
            self._run(_DELETE_RESULT, *each)
        self._run("DELETE FROM items WHERE step > ?", first)
        self._run("UPDATE steps SET finished = 0 WHERE place >= ?", first)
        self.forget_unanswered()

    def copy_step(self, other: "StoredSampling", step: str) -> None:
        """Copy the ends of one step from another ledger with the same steps. A transaction must be open."""
        for row in other._read(_OF_STEP, self._places[step]):
            self._create_tables()
            self._run(_INSERT, *row)

    def forget_unanswered(self) -> None:
        """Remove the ends of inputs that have no result any more. A transaction must be open."""
        self._read(
            "DELETE FROM sampling_ends WHERE NOT EXISTS "
            "(SELECT 1 FROM keys AS k CROSS JOIN items AS i ON i.parent_id = k.id "
            "WHERE i.step = sampling_ends.step AND k.key = sampling_ends.parent)"
        )

    def _read(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement; return [] for a ledger without the table: of an earlier version, or without sampling."""
        return read_if_stored(self._run, sql, *parameters)


def _end_of(row: Sequence[Any]) -> SamplingEnd:
    """Return the end in a row of ``sampling_ends``."""
    _, _, language, reason, replies, failed, passed, rows, tokens, cost = row
    return SamplingEnd(
        language=language,
        reason=StopReason(reason),
        replies=replies,
        failed=failed,
        passed=passed,
        rows=rows,
        tokens=tokens,
        cost=cost / NANO,
    )
