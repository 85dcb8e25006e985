"""Preference pairs from any run: of one problem and language, a program that passed against one that failed (Ds4).

xCoder (report §4.2) makes pairs of passing and failing candidates for DPO. Here the verdicts are the sandbox's, and
near-misses come first: a pair says most where the two programs differ least.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import msgspec
from rapidfuzz.distance import Indel

from glotsmith.datasets.examples import facts
from glotsmith.datasets.rows import conversation, fenced
from glotsmith.records import Candidate, Preference, Solution, content_hash

PER_TASK = 4  #: pairs of one problem in one language, at most
_HELD = 8  #: failing programs of a task that stay in memory, at most


class Row(Protocol):
    """What of a ledger's row is needed here."""

    @property
    def data(self) -> bytes | None:
        """The item as JSON."""
        ...


class Rows(Protocol):
    """What of a ledger is needed here (``glotsmith.ledger.Ledger``)."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps, in order."""
        ...

    def kept_rows(self, step: str, /) -> Iterator[Row]:
        """Yield what a step kept, in order of position."""
        ...

    def dropped(self, step: str | None = None, reason: str | None = None, /) -> Iterator[Row]:
        """Yield what was dropped and lost, in order of position."""
        ...


class _Miss(NamedTuple):
    """A failing program; the greater, the nearer to passing."""

    passed: int  #: cases
    order: int  #: minus its number in the ledger: of two, the earlier is greater
    candidate: Candidate


class _Holder(msgspec.Struct):
    """A record that has a solution among its fields."""

    solution: Solution | None = None


def pairs(ledger: Rows, per_task: int = PER_TASK) -> Iterator[Preference]:
    """Yield the pairs of a run, in the order of its dataset; the same ledger gives the same pairs.

    Args:
        ledger: of a run of any recipe whose steps keep ``Solution``s and lose ``Candidate``s.
        per_task: how many pairs of one problem in one language at most.

    Yields:
        Of each problem and language the failing programs that passed most cases first, each against the passing
        program that it resembles most. Programs without a verdict (a broken machine) are in no pair.

    """
    step = _last_with_solutions(ledger)
    if step is None:
        return
    wanted = {solution.task.id for solution in _solutions(ledger, step)}
    misses = _misses(ledger, wanted)
    passing: list[Solution] = []
    for solution in _solutions(ledger, step):
        if passing and passing[0].task.id != solution.task.id:
            yield from _of_task(passing, misses, per_task)
            passing = []
        passing.append(solution)
    if passing:
        yield from _of_task(passing, misses, per_task)


def _last_with_solutions(ledger: Rows) -> str | None:
    """Return the last step that keeps solutions: what selection dropped later is in no pair."""
    for step in reversed(ledger.steps):
        first = next(ledger.kept_rows(step), None)
        if first is not None and _solution(first.data or b"") is not None:
            return step
    return None


def _solutions(ledger: Rows, step: str) -> Iterator[Solution]:
    for row in ledger.kept_rows(step):
        if (found := _solution(row.data or b"")) is not None:
            yield found


def _solution(data: bytes) -> Solution | None:
    """Return the solution that an item is, or holds."""
    try:
        return msgspec.json.decode(data, type=Solution)
    except msgspec.DecodeError:
        pass
    try:
        return msgspec.json.decode(data, type=_Holder).solution
    except msgspec.DecodeError:
        return None


def _misses(ledger: Rows, wanted: set[str]) -> dict[str, list[_Miss]]:
    """Return, by task, the failing programs that came nearest."""
    found: dict[str, list[_Miss]] = {}
    for number, row in enumerate(ledger.dropped()):
        candidate = _candidate(row.data or b"")
        if candidate is None or candidate.task not in wanted:
            continue
        held = found.setdefault(candidate.task, [])
        heapq.heappush(held, _Miss(_passed_cases(candidate), -number, candidate))
        if len(held) > _HELD:
            heapq.heappop(held)
    return found


def _candidate(data: bytes) -> Candidate | None:
    try:
        found = msgspec.json.decode(data, type=Candidate)
    except msgspec.DecodeError:
        return None
    failed = found.verdict is not None and found.verdict.status.startswith("fail:")
    return found if failed and found.code.strip() else None


def _passed_cases(candidate: Candidate) -> int:
    return sum(case.status == "pass" for case in candidate.verdict.cases) if candidate.verdict else 0


def _of_task(passing: list[Solution], misses: dict[str, list[_Miss]], most: int) -> Iterator[Preference]:
    """Yield the pairs of one problem in one language."""
    codes = {solution.code.strip() for solution in passing}
    near = [_preference(passing, miss) for miss in misses.pop(passing[0].task.id, ()) if _differs(miss, codes)]
    yield from sorted(near, key=lambda p: (-p.passed_cases, -p.similarity, p.id))[:most]


def _differs(miss: _Miss, codes: set[str]) -> bool:
    """Whether the failing program is a text of its own: a flaky one may stand on both sides."""
    fresh = miss.candidate.code.strip() not in codes
    codes.add(miss.candidate.code.strip())
    return fresh


def _preference(passing: list[Solution], miss: _Miss) -> Preference:
    candidate = miss.candidate
    likeness = [Indel.normalized_similarity(s.code, candidate.code) for s in passing]
    best = max(range(len(passing)), key=lambda n: (likeness[n], -n))
    chosen = passing[best]
    language = facts(chosen.task.language)
    wish = chosen.task.problem.function.docstring.strip()
    prompt, reply = conversation(chosen.code, chosen.task, wish, language)
    assert candidate.verdict is not None, "_candidate sees to it"
    return Preference(
        id=content_hash(chosen.id, candidate.code),
        parallel_id=chosen.task.problem.id,
        language=chosen.task.language,
        prompt=prompt["content"],
        chosen=reply["content"],
        rejected=fenced(candidate.code, language.fence),
        status=candidate.verdict.status,
        passed_cases=miss.passed,
        similarity=round(likeness[best], 4),
        chosen_lineage=chosen.lineage,
        rejected_lineage=candidate.lineage,
    )
