"""What the ledger of an ``xcoder`` run says of its sessions: the memory of its agents, and which problem came first.

Sessions go through the steps like everything else, and what became of them is in the ledger alone. An epoch begins when
all sessions of earlier ones are answered through ``solve``; what it sees of them does not depend on when that was.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from glotsmith.ledger import Ledger, Row
from glotsmith.reasons import Reason
from glotsmith.recipes.base import LedgerReader
from glotsmith.recipes.xcoder.memory import KEPT, RememberedSession
from glotsmith.recipes.xcoder.pipeline_item import PipelineItem
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.recipes.xcoder.schedule import SessionPlan, session_key
from glotsmith.recipes.xcoder.single_flight import run_once_per_key
from glotsmith.records import Candidate, Problem
from glotsmith.unanswered import Unanswered

SESSION_STEPS = ("discuss", "ground", "filter", "write_tests", "validate", "distinct", "prove", "solve")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.25


class PosedProblem(NamedTuple):
    """A session's problem with its suite."""

    key: str
    number: int
    problem: Problem


class LedgerHistory:
    """The history of a run (``memory.SessionHistory``), read while it is being written."""

    def __init__(self, ledger: Ledger, plan: SessionPlan, agreement: int) -> None:
        self._ledger, self._plan, self._agreement = ledger, plan, agreement
        self._answered = 0  #: sessions that are known to be, from the first
        self._posed: dict[int, asyncio.Future[list[PosedProblem]]] = {}

    async def sessions_before(self, epoch: int) -> Sequence[RememberedSession]:
        """Return the memos of all earlier epochs, when these have come to their end."""
        if epoch == 1:
            return ()
        await self._settled(epoch - 1, "solve")
        return [memo for memo in remembered_sessions(self._ledger, self._agreement) if memo.epoch < epoch]

    async def posed_problems(self, epoch: int) -> list[PosedProblem]:
        """Return the problems with suites of all epochs up to this one, in order, when all of them are known."""
        return await run_once_per_key(self._posed, epoch, lambda: self._read_posed(epoch))

    async def _read_posed(self, epoch: int) -> list[PosedProblem]:
        await self._settled(epoch, "validate")
        for earlier in [e for e in self._posed if e < epoch]:  # all their sessions have come to their end
            del self._posed[earlier]
        found = [
            PosedProblem(key, work.proposal.session.number, work.problem)
            for key, work in self._ledger.kept("validate", PipelineItem)
            if work.proposal.session and work.proposal.session.epoch <= epoch and work.problem
        ]
        return sorted(found, key=lambda posed: posed.number)

    async def _settled(self, epoch: int, last: str) -> None:
        """Wait until all sessions up to an epoch are answered by all steps up to ``last``.

        Raises:
            Unanswered: that can't be, since one of them stays open in this run.

        """
        pause = _FIRST_PAUSE_S
        while not self._is_settled(epoch, last):
            if self._is_held_up(epoch, last):
                raise Unanswered(Reason.NOT_VERIFIED, f"a session of epoch {epoch} or earlier is open", None)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _is_settled(self, epoch: int, last: str) -> bool:
        """Look at one moment: all sessions are discussed, and no step has anything before it."""
        wanted = min(epoch * self._plan.epoch, self._plan.sessions)
        while self._answered < wanted and self._ledger.answered(SESSION_STEPS[0], session_key(self._answered)):
            self._answered += 1
        chain = SESSION_STEPS[: SESSION_STEPS.index(last) + 1]
        return self._answered >= wanted and not any(self._ledger.waiting(a, b) for a, b in pairwise(chain))

    def _is_held_up(self, epoch: int, last: str) -> bool:
        """Whether an item that the epoch waits for is open: one that is tried once more only when its step is idle.

        In the first step that is never, while its later sessions wait.
        """
        items, wanted = self._ledger.open_items, min(epoch * self._plan.epoch, self._plan.sessions)
        sessions = {session_key(number) for number in range(self._answered, wanted)}
        if not sessions.isdisjoint({*items.waiting(SESSION_STEPS[0]), *items.left(SESSION_STEPS[0])}):
            return True
        return any(items.left(step) for step in SESSION_STEPS[1 : SESSION_STEPS.index(last) + 1])


def remembered_sessions(ledger: LedgerReader, agreement: int) -> list[RememberedSession]:
    """Return what became of each session, in order; of one that is still on its way, what is known so far."""
    found = {key: _SessionRecord(proposal, "") for key, proposal in _discussed(ledger)}
    for row in ledger.dropped(SESSION_STEPS[0]):
        proposal = _proposal(row)
        if proposal is not None and row.status == "dropped":
            found[row.key] = _SessionRecord(proposal, row.reason)
    for step in SESSION_STEPS[1:]:
        for row in ledger.dropped(step):
            if fate := found.get(session_of(row.parent)):
                fate.lose(row)
    for key, work in ledger.kept("solve", PipelineItem):
        if fate := found.get(session_of(key)):
            fate.passed.append(work.language)
    return sorted((fate.memo(key, agreement) for key, fate in found.items()), key=lambda memo: memo.number)


def _discussed(ledger: LedgerReader) -> Iterator[tuple[str, Proposal]]:
    return ((key, p) for key, p in ledger.kept(SESSION_STEPS[0], Proposal) if p.session is not None)


def _proposal(row: Row) -> Proposal | None:
    return msgspec.json.decode(row.data, type=Proposal) if row.data else None


def session_of(key: str) -> str:
    """Return the key of the session that an item came from, of which keys of later steps are continuations."""
    return key.partition(":")[0]


class _SessionRecord:
    """What became of one session."""

    def __init__(self, proposal: Proposal, outcome: str) -> None:
        self._proposal, self._outcome = proposal, outcome
        self.passed: list[str] = []
        self._failures: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def lose(self, row: Row) -> None:
        """Take note of a drop or a loss."""
        if row.status == "dropped" and ":" not in row.parent:
            self._outcome = row.reason
        if row.status == "lost" and row.step == "solve" and row.data:
            candidate = msgspec.json.decode(row.data, type=Candidate)
            status = candidate.verdict.status if candidate.verdict else row.reason
            self._failures[candidate.language][status] += not status.startswith("infra:")

    def memo(self, key: str, agreement: int) -> RememberedSession:
        """Return it as the agents remember it."""
        p, session = self._proposal, self._proposal.session
        assert session is not None, "only sessions have a fate"
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
