"""Read the sessions of an ``xcoder`` run from its ledger: the memories of agents, and the earliest problems.

Sessions pass through the steps as items, and only the ledger has their outcomes. An epoch starts when all steps up to
``solve`` have results for all sessions of earlier epochs, so that its result does not depend on timing.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.ledger import Ledger, LedgerRow
from glotsmith.recipes.base import LedgerReader
from glotsmith.recipes.xcoder.memory import KEPT, RememberedSession
from glotsmith.recipes.xcoder.pipeline_item import PipelineItem
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.recipes.xcoder.schedule import SessionPlan, session_key
from glotsmith.records import Candidate, Problem
from glotsmith.unanswered import Unanswered

#: the step that makes sessions, their first step, one that needs the history, and their last step
SCHEDULE, DISCUSS, DEDUPLICATE, SOLVE = "schedule_sessions", "discuss", "deduplicate_problems", "solve"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.25


class PosedProblem(NamedTuple):
    """The problem of a session, with its suite."""

    key: str
    number: int
    problem: Problem


class LedgerHistory:
    """The history of a run (``memory.SessionHistory``), read while the run writes its ledger."""

    def __init__(self, ledger: Ledger, plan: SessionPlan, agreement: int) -> None:
        self._ledger, self._plan, self._agreement = ledger, plan, agreement
        self._discussed = 0  #: number of sessions, from the first, for which ``discuss`` has a result
        self._problems: dict[int, asyncio.Future[list[PosedProblem]]] = {}

    async def sessions_before(self, epoch: int) -> Sequence[RememberedSession]:
        """Return the sessions of all earlier epochs, as soon as all of them have an outcome."""
        if epoch == 1:
            return ()
        await self._wait_for(epoch - 1, SOLVE)
        return [s for s in remembered_sessions(self._ledger, self._agreement) if s.epoch < epoch]

    async def posed_problems(self, epoch: int) -> list[PosedProblem]:
        """Return the problems with suites of all epochs up to this one, in order, as soon as all are known."""
        return await run_once_per_key(self._problems, epoch, lambda: self._read_problems(epoch))

    async def _read_problems(self, epoch: int) -> list[PosedProblem]:
        before = steps_of_sessions(self._ledger, DEDUPLICATE)[-2]
        await self._wait_for(epoch, before)
        for earlier in [e for e in self._problems if e < epoch]:  # no session needs them any more
            del self._problems[earlier]
        found = [
            PosedProblem(key, item.proposal.session.number, item.problem)
            for key, item in self._ledger.kept_items(before, PipelineItem)
            if item.proposal.session and item.proposal.session.epoch <= epoch and item.problem
        ]
        return sorted(found, key=lambda posed: posed.number)

    async def _wait_for(self, epoch: int, last: str) -> None:
        """Wait until all steps up to ``last`` have results for all sessions up to an epoch.

        Raises:
            Unanswered: a session stays open in this run, so that waiting would not end.

        """
        pause = _FIRST_PAUSE_S
        while not self._have_results(epoch, last):
            if self._is_blocked(epoch, last):
                raise Unanswered(Reason.NOT_VERIFIED, f"a session of epoch {epoch} or earlier is open", None)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _have_results(self, epoch: int, last: str) -> bool:
        """Return whether all sessions are discussed, and no step has an item waiting."""
        wanted = min(epoch * self._plan.epoch, self._plan.sessions)
        while self._discussed < wanted and self._is_discussed(session_key(self._discussed)):
            self._discussed += 1
        chain = steps_of_sessions(self._ledger, last)
        return self._discussed >= wanted and not any(self._ledger.count_pending(a, b) for a, b in pairwise(chain))

    def _is_discussed(self, key: str) -> bool:
        """Return whether the session is discussed, or was dropped before by a step of the user."""
        for step in steps_of_sessions(self._ledger, DISCUSS, SCHEDULE)[1:]:
            if not self._ledger.has_result(step, key):
                return False
            if self._ledger.find_input(step, key) is None:
                return True
        return True

    def _is_blocked(self, epoch: int, last: str) -> bool:
        """Return whether an item that the epoch waits for stays open.

        A step retries an open item when it is idle. ``discuss`` is never idle while its later sessions wait.
        """
        items, wanted = self._ledger.open_items, min(epoch * self._plan.epoch, self._plan.sessions)
        sessions = {session_key(number) for number in range(self._discussed, wanted)}
        before = steps_of_sessions(self._ledger, DISCUSS, SCHEDULE)[1:]
        waiting = {*items.deferred(DISCUSS), *(key for step in before for key in items.left_open(step))}
        if not sessions.isdisjoint(waiting):
            return True
        return any(items.left_open(step) for step in steps_of_sessions(self._ledger, last)[1:])


def steps_of_sessions(ledger: LedgerReader, last: str = SOLVE, first: str = DISCUSS) -> tuple[str, ...]:
    """Return the steps of the ledger through which sessions pass, from ``first`` to ``last``.

    The ledger is asked, because options and users insert steps. Each of them can drop a session's problem.
    """
    return ledger.steps[ledger.steps.index(first) : ledger.steps.index(last) + 1]


def remembered_sessions(ledger: LedgerReader, agreement: int) -> list[RememberedSession]:
    """Return all sessions in order, with the outcomes that the ledger has."""
    found = {key: _SessionRecord(proposal, "") for key, proposal in _discussed(ledger)}
    for row in ledger.dropped_rows(DISCUSS):
        proposal = _dropped_proposal(row)
        if proposal is not None and row.status == "dropped":
            found[row.key] = _SessionRecord(proposal, row.reason)
    for step in steps_of_sessions(ledger)[1:]:
        for row in ledger.dropped_rows(step):
            if record := found.get(session_of(row.parent)):
                record.add_loss(row)
    for key, item in ledger.kept_items(SOLVE, PipelineItem):
        if record := found.get(session_of(key)):
            record.passed.append(item.language)
    return sorted((record.remembered(key, agreement) for key, record in found.items()), key=lambda s: s.number)


def _discussed(ledger: LedgerReader) -> Iterator[tuple[str, Proposal]]:
    return ((key, p) for key, p in ledger.kept_items(DISCUSS, Proposal) if p.session is not None)


def _dropped_proposal(row: LedgerRow) -> Proposal | None:
    return msgspec.json.decode(row.data, type=Proposal) if row.data else None


def session_of(key: str) -> str:
    """Return the key of the session that an item comes from: the part before the first colon."""
    return key.partition(":")[0]


class _SessionRecord:
    """The outcomes of one session in the ledger."""

    def __init__(self, proposal: Proposal, outcome: str) -> None:
        self._proposal, self._outcome = proposal, outcome
        self.passed: list[str] = []
        self._failures: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add_loss(self, row: LedgerRow) -> None:
        """Add a row that was dropped or lost."""
        if row.status == "dropped" and ":" not in row.parent:
            self._outcome = row.reason
        if row.status == "lost" and row.step == SOLVE and row.data:
            candidate = msgspec.json.decode(row.data, type=Candidate)
            status = candidate.verdict.status if candidate.verdict else row.reason
            self._failures[candidate.language][status] += not status.startswith("infra:")

    def remembered(self, key: str, agreement: int) -> RememberedSession:
        """Return the session as the agents remember it."""
        p, session = self._proposal, self._proposal.session
        assert session is not None, "only sessions have a record"
        passed = tuple(sorted(set(self.passed)))
        agree = len({"python", *passed}) >= agreement and bool(passed)
        outcome = self._outcome or (
            KEPT if agree else str(Reason.NO_AGREEMENT if passed else Reason.NO_PASSING_SOLUTION)
        )
        return RememberedSession(
            key=key,
            number=session.number,
            epoch=session.epoch,
            agent=session.chair,
            others=session.others,
            target=p.language,
            name=p.name,
            instruction=p.instruction,
            signature=p.signature,
            reference=p.reference,
            outcome=outcome,
            passed=passed,
            failures={lang: dict(sorted(c.items())) for lang, c in sorted(self._failures.items()) if c.total()},
            notes=p.notes,
        )


Key = TypeVar("Key")
T = TypeVar("T")


async def run_once_per_key(
    futures: "dict[Key, asyncio.Future[T]]", key: Key, start: Callable[[], Coroutine[Any, Any, T]]
) -> T:
    """Return the result of the coroutine for ``key``, which the first caller starts.

    If the coroutine fails, its future is removed from ``futures``, so that the next caller starts it again.
    """
    future = futures.get(key)
    if future is None:
        future = futures[key] = asyncio.ensure_future(start())
        future.add_done_callback(_retrieve)
    try:
        return await asyncio.shield(future)
    except Exception:
        if futures.get(key) is future:
            del futures[key]
        raise


def _retrieve(future: "asyncio.Future[T]") -> None:
    """Mark the exception as retrieved, since all callers may have been cancelled."""
    if not future.cancelled():
        future.exception()
