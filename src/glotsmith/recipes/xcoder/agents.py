"""The agents' minds at the beginning of an epoch: their memory, and what each makes of its last experiences.

xCoder's "adaptive memory reflection" summarises the merits and faults of past items. Here an agent reflects once an
epoch on what it lived through in the one before, in one call that the whole epoch shares.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from glotsmith.generation.structured_replies import UnusableReply, read_object
from glotsmith.languages import get
from glotsmith.reasons import Reason
from glotsmith.recipes.xcoder.agent_requests import AgentRequests, ReplyCosts
from glotsmith.recipes.xcoder.memory import (
    AgentMemory,
    MemoryLimits,
    RememberedSession,
    SessionHistory,
    Similarity,
    first_sentence,
)
from glotsmith.recipes.xcoder.proposals import DiscussionSession
from glotsmith.recipes.xcoder.single_flight import run_once_per_key
from glotsmith.records import printable
from glotsmith.teachers.base import Reply

_MOST, _LONGEST = 3, 300  #: of merits and of faults, and characters of each: they stand in every prompt of an epoch


class ReflectionReply(msgspec.Struct):
    """A reply to the call ``reflect``."""

    merits: list[str] = []
    faults: list[str] = []

    def __str__(self) -> str:
        """Return both as a few short lines; "" if there is neither."""
        return "\n".join([*_lines("Good", self.merits), *_lines("Bad", self.faults)])


def _lines(what: str, texts: Sequence[str]) -> list[str]:
    said = [" ".join(text.split()) for text in texts]
    return [f"{what}: {text[:_LONGEST]}" for text in said if text][:_MOST]


class EpochMemories:
    """Memories and reflections, one of each agent and epoch."""

    def __init__(
        self,
        history: SessionHistory,
        voice: AgentRequests,
        similar: Similarity,
        limits: MemoryLimits,
        *,
        memory: bool,
        reflection: bool,
    ) -> None:
        """Remember by ``history``. Without ``memory`` agents know of nothing, but epochs still follow each other."""
        self._history = history
        self._voice = voice
        self._similar = similar
        self._limits = limits
        self._remembers = memory
        self._reflects = memory and reflection
        self._memories: dict[int, asyncio.Future[AgentMemory]] = {}
        self._replies: dict[tuple[str, int], asyncio.Future[Reply]] = {}

    async def at_epoch(self, epoch: int) -> AgentMemory:
        """Return what is remembered at the beginning of an epoch, when all earlier ones have come to their end."""
        return await run_once_per_key(self._memories, epoch, lambda: self._recall(epoch))

    async def _recall(self, epoch: int) -> AgentMemory:
        memos = await self._history.sessions_before(epoch)
        for earlier in [e for e in self._memories if e < epoch]:  # all their sessions have come to their end
            del self._memories[earlier]
        for place in [p for p in self._replies if p[1] < epoch]:
            del self._replies[place]
        return AgentMemory(memos if self._remembers else (), self._similar, self._limits)

    async def reflect(self, agent: str, session: DiscussionSession, bill: ReplyCosts) -> str | UnusableReply:
        """Return what the agent makes of the epoch before, "" if it has nothing to reflect on, or why that is no use.

        The epoch's sessions share one reply; the one that is charged with it (``DiscussionSession.reflects``) pays.
        """
        news = (
            (await self.at_epoch(session.epoch)).sessions_of_last_epoch(agent, session.epoch) if self._reflects else []
        )
        if not news:
            return ""
        place = (agent, session.epoch)
        reply = await run_once_per_key(self._replies, place, lambda: self._ask(agent, session.epoch, news))
        if agent in session.reflects:
            bill.add(reply)
        found = read_object(reply, ReflectionReply)
        if isinstance(found, UnusableReply):
            return found
        return printable(str(found)) or UnusableReply(Reason.INCOMPLETE_REPLY, "neither merits nor faults")

    async def _ask(self, agent: str, epoch: int, news: Sequence[RememberedSession]) -> Reply:
        values: Mapping[str, object] = {
            "agent": get(agent).display,
            "events": [_event(memo, agent) for memo in news],
            "hard": (await self.at_epoch(epoch)).frequent_failures(agent),
        }
        context = {"name": f"epoch-{epoch}", "language": agent}
        return await self._voice.ask("reflect", f"{agent}-{epoch}", values, opening="{", context=context, judges=True)


def _event(memo: RememberedSession, agent: str) -> str:
    """Tell in a line what became of a problem, for the agent's language above all."""
    failed = ", ".join(f"{status} {count}x" for status, count in memo.failures.get(agent, {}).items())
    solved = f"solved in {', '.join(memo.passed)}" if memo.passed else "solved in no language"
    ours = f"; in {get(agent).display}: {failed}" if failed else ""
    return f"{memo.name or 'no problem'}: {first_sentence(memo.instruction)} {memo.outcome}, {solved}{ours}"
