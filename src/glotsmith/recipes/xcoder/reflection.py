"""Load the agents' memory at the beginning of each epoch, and request each agent's reflection on the previous epoch.

xCoder's "adaptive memory reflection" summarises the merits and faults of earlier items. Here each agent reflects once
in an epoch on its sessions of the previous epoch. All sessions of the epoch share the reply.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply, object_schema, read_object
from glotsmith.languages import get_card
from glotsmith.recipes.xcoder.agent_requests import AgentRequests, RequestCosts
from glotsmith.recipes.xcoder.history import run_once_per_key
from glotsmith.recipes.xcoder.memory import (
    MemoryLimits,
    RememberedSession,
    SessionHistory,
    SessionMemory,
    SimilarityMeasure,
    first_sentence,
)
from glotsmith.recipes.xcoder.proposals import DiscussionSession
from glotsmith.records import printable
from glotsmith.teachers.base import Reply

_MAX_LINES, _MAX_LENGTH = 3, 300  #: lines and characters of merits and of faults, which are in every prompt of an epoch


class ReflectionReply(msgspec.Struct):
    """The JSON object in a reply to the call ``reflect``."""

    merits: list[str] = []
    faults: list[str] = []

    def __str__(self) -> str:
        """Return merits and faults as a few short lines; "" without any."""
        return "\n".join([*_lines("Good", self.merits), *_lines("Bad", self.faults)])


_SCHEMA = object_schema(ReflectionReply)


def _lines(label: str, texts: Sequence[str]) -> list[str]:
    lines = [" ".join(text.split()) for text in texts]
    return [f"{label}: {line[:_MAX_LENGTH]}" for line in lines if line][:_MAX_LINES]


class EpochMemories:
    """The memory and the reflections of each epoch, loaded once."""

    def __init__(
        self,
        history: SessionHistory,
        requests: AgentRequests,
        similar: SimilarityMeasure,
        limits: MemoryLimits,
        *,
        memory: bool,
        reflection: bool,
    ) -> None:
        """Load from ``history``. Without ``memory`` agents remember nothing, but epochs still wait for each other."""
        self._history = history
        self._requests = requests
        self._similar = similar
        self._limits = limits
        self._remembers = memory
        self._reflects = memory and reflection
        self._memories: dict[int, asyncio.Future[SessionMemory]] = {}
        self._replies: dict[tuple[str, int], asyncio.Future[Reply]] = {}

    async def at_epoch(self, epoch: int) -> SessionMemory:
        """Return the memory at the beginning of an epoch, as soon as all earlier sessions have an outcome."""
        return await run_once_per_key(self._memories, epoch, lambda: self._load(epoch))

    async def _load(self, epoch: int) -> SessionMemory:
        sessions = await self._history.sessions_before(epoch)
        for earlier in [e for e in self._memories if e < epoch]:  # no session needs them any more
            del self._memories[earlier]
        for key in [key for key in self._replies if key[1] < epoch]:
            del self._replies[key]
        return SessionMemory(sessions if self._remembers else (), self._similar, self._limits)

    async def reflect(self, agent: str, session: DiscussionSession, costs: RequestCosts) -> str | UnusableReply:
        """Return the agent's reflection on the epoch before; "" without a session to reflect on.

        The sessions of the epoch share one reply. To count its costs once, only one session
        (``DiscussionSession.reflects``) adds them to ``costs``.
        """
        sessions: Sequence[RememberedSession] = ()
        if self._reflects:
            sessions = (await self.at_epoch(session.epoch)).sessions_of_last_epoch(agent, session.epoch)
        if not sessions:
            return ""
        reply = await run_once_per_key(
            self._replies, (agent, session.epoch), lambda: self._request(agent, session.epoch, sessions)
        )
        if agent in session.reflects:
            costs.add(reply)
        found = _read(reply)
        if isinstance(found, UnusableReply):
            return found
        return printable(str(found)) or UnusableReply(Reason.INCOMPLETE_REPLY, "neither merits nor faults")

    async def _request(self, agent: str, epoch: int, sessions: Sequence[RememberedSession]) -> Reply:
        variables: Mapping[str, object] = {
            "agent": get_card(agent).display,
            "events": [_outcome_line(session, agent) for session in sessions],
            "frequent_failures": (await self.at_epoch(epoch)).frequent_failures(agent),
        }
        context = {"name": f"epoch-{epoch}", "language": agent}
        found = await self._requests.send(
            "reflect",
            f"{agent}-{epoch}",
            variables,
            _read,
            opening="{",
            context=context,
            judges=True,
            schema=_SCHEMA,
        )
        return found.reply


def _read(reply: Reply) -> ReflectionReply | UnusableReply:
    return read_object(reply, ReflectionReply)


def _outcome_line(session: RememberedSession, agent: str) -> str:
    """Return one line about a session's problem and its outcome, with the failures in the agent's language."""
    failed = ", ".join(f"{status} {count}x" for status, count in session.failures.get(agent, {}).items())
    solved = f"solved in {', '.join(session.passed)}" if session.passed else "solved in no language"
    own = f"; in {get_card(agent).display}: {failed}" if failed else ""
    return f"{session.name or 'no problem'}: {first_sentence(session.instruction)} {session.outcome}, {solved}{own}"
