"""Make preference pairs from a run: a program that passed and one that failed the same task (Ds4).

xCoder (report §4.2) makes pairs of passing and failing candidates for DPO. Here the verdicts are those of the sandbox,
and pairs of similar programs are first, because they show best why a program fails.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from typing import NamedTuple, Protocol

import msgspec
from rapidfuzz.distance import Indel

from glotsmith.datasets.examples import conversation, fenced, instruction_of, row_syntax
from glotsmith.languages.docstrings import Wording
from glotsmith.records import Candidate, Preference, Solution, content_hash

PER_TASK = 4  #: largest number of pairs of a problem in a language
_MAX_FAILING = 8  #: largest number of failing programs of a task that are compared

_SCHEMA = """
PRAGMA synchronous = OFF;
PRAGMA journal_mode = OFF;
CREATE TABLE misses (task TEXT, far INTEGER, number INTEGER, data BLOB, PRIMARY KEY (task, far, number)) WITHOUT ROWID;
"""
_LAST = "SELECT far, number FROM misses WHERE task = ? ORDER BY far DESC, number DESC LIMIT 1"


class StoredItem(Protocol):
    """The part of a ledger row that is read here."""

    @property
    def data(self) -> bytes | None:
        """The item as JSON."""
        ...


class StoredItems(Protocol):
    """The part of a ledger that is read here (``glotsmith.ledger.Ledger``)."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps, in order."""
        ...

    def kept_rows(self, step: str, /) -> Iterator[StoredItem]:
        """Yield the items that a step kept, in order of position."""
        ...

    def dropped_rows(self, step: str | None = None, reason: str | None = None, /) -> Iterator[StoredItem]:
        """Yield the dropped and lost items of a step, in order of position."""
        ...


class _FailingProgram(NamedTuple):
    """A failing program, and the number of cases that it passed."""

    passed: int  #: number of passed cases
    candidate: Candidate


class _SolutionHolder(msgspec.Struct):
    """A record that has a solution among its fields."""

    solution: Solution | None = None


def pairs(ledger: StoredItems, per_task: int = PER_TASK, wording: Wording = "target") -> Iterator[Preference]:
    """Yield the pairs of a run, in the order of its dataset. The same ledger gives the same pairs.

    Args:
        ledger: The ledger of a run of any recipe whose steps keep ``Solution``s and lose ``Candidate``s.
        per_task: The largest number of pairs of a problem in a language.
        wording: The wording of the examples and terms in prompts, as in the rows of the run.

    Yields:
        For each problem and language, each failing program with the most similar passing program. The failing programs
        that passed most cases are first. Programs without a verdict (the machine failed) are in no pair.

    """
    step = _last_with_solutions(ledger)
    if step is None:
        return
    with closing(sqlite3.connect("")) as misses:  # "": a temporary database on disk, deleted when it is closed
        _store_failing(misses, ledger, {solution.task.id for solution in _solutions(ledger, step)})
        for _, passing in groupby(_solutions(ledger, step), key=lambda solution: solution.task.id):
            yield from _pairs_of_task(list(passing), misses, per_task, wording)


def _last_with_solutions(ledger: StoredItems) -> str | None:
    """Return the last step that keeps solutions, so that pairs do not contain solutions that selection dropped."""
    for step in reversed(ledger.steps):
        first = next(ledger.kept_rows(step), None)
        if first is not None and _solution(first.data or b"") is not None:
            return step
    return None


def _solutions(ledger: StoredItems, step: str) -> Iterator[Solution]:
    for row in ledger.kept_rows(step):
        if (found := _solution(row.data or b"")) is not None:
            yield found


def _solution(data: bytes) -> Solution | None:
    """Return the item if it is a solution, or the solution in it; None if there is none."""
    try:
        return msgspec.json.decode(data, type=Solution)
    except msgspec.DecodeError:
        pass
    try:
        return msgspec.json.decode(data, type=_SolutionHolder).solution
    except msgspec.DecodeError:
        return None


def _store_failing(misses: sqlite3.Connection, ledger: StoredItems, wanted: set[str]) -> None:
    """Store for each task the failing programs that passed most cases; with equal counts, the earlier ones."""
    misses.executescript(_SCHEMA)
    held = Counter[str]()
    for number, row in enumerate(ledger.dropped_rows()):
        candidate = _failing_candidate(row.data or b"")
        if candidate is None or (task := candidate.task) not in wanted:
            continue
        misses.execute("INSERT INTO misses VALUES (?, ?, ?, ?)", (task, -_passed_cases(candidate), number, row.data))
        held[task] += 1
        if held[task] > _MAX_FAILING:
            last = misses.execute(_LAST, (task,)).fetchone()
            misses.execute("DELETE FROM misses WHERE task = ? AND far = ? AND number = ?", (task, *last))
            held[task] -= 1


def _take_failing(misses: sqlite3.Connection, task: str) -> list[_FailingProgram]:
    rows = misses.execute("SELECT -far, data FROM misses WHERE task = ? ORDER BY far, number", (task,))
    failing = [_FailingProgram(passed, msgspec.json.decode(data, type=Candidate)) for passed, data in rows]
    misses.execute("DELETE FROM misses WHERE task = ?", (task,))  # a task may have several groups of rows
    return failing


def _failing_candidate(data: bytes) -> Candidate | None:
    try:
        found = msgspec.json.decode(data, type=Candidate)
    except msgspec.DecodeError:
        return None
    failed = found.verdict is not None and found.verdict.status.startswith("fail:")
    return found if failed and found.code.strip() else None


def _passed_cases(candidate: Candidate) -> int:
    return sum(case.status == "pass" for case in candidate.verdict.cases) if candidate.verdict else 0


def _pairs_of_task(
    passing: list[Solution], misses: sqlite3.Connection, most: int, wording: Wording
) -> Iterator[Preference]:
    """Yield the pairs of one problem in one language."""
    codes = {solution.code.strip() for solution in passing}
    failing = _take_failing(misses, passing[0].task.id)
    found = [_make_pair(passing, miss, wording) for miss in failing if _differs(miss, codes)]
    yield from sorted(found, key=lambda p: (-p.passed_cases, -p.similarity, p.id))[:most]


def _differs(miss: _FailingProgram, codes: set[str]) -> bool:
    """Return whether a failing program differs from the others, and from passing ones (it may be flaky)."""
    is_new = miss.candidate.code.strip() not in codes
    codes.add(miss.candidate.code.strip())
    return is_new


def _make_pair(passing: list[Solution], miss: _FailingProgram, wording: Wording) -> Preference:
    candidate = miss.candidate
    similarities = [Indel.normalized_similarity(s.code, candidate.code) for s in passing]
    best = max(range(len(passing)), key=lambda n: (similarities[n], -n))
    chosen = passing[best]
    language = row_syntax(chosen.task.language)
    prompt, reply = conversation(chosen.code, chosen.task, instruction_of(chosen.task, wording), language)
    assert candidate.verdict is not None, "_failing_candidate checks it"
    return Preference(
        id=content_hash(chosen.id, candidate.code),
        parallel_id=chosen.task.problem.id,
        language=chosen.task.language,
        prompt=prompt["content"],
        chosen=reply["content"],
        rejected=fenced(candidate.code, language.fence),
        status=candidate.verdict.status,
        passed_cases=miss.passed,
        similarity=round(similarities[best], 4),
        chosen_lineage=chosen.lineage,
        rejected_lineage=candidate.lineage,
    )
