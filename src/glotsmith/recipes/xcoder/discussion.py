"""Hold the discussions in which language agents pose a new problem: the step ``discuss`` of xCoder.

central    the chair writes a draft; the others agree or advise; the chair revises the draft until all agree
parallel   every agent writes a draft, and all vote; the agents revise their drafts until one has a majority
none       one agent works alone; only its memory can object to a draft

A discussion ends when the agents agree, after ``rounds`` revisions, when its replies have used up the token budget, or
when no reply contains a usable opinion (``silence``). In each case, the last draft is the result; in a parallel
discussion, the draft with the most votes. Execution decides whether its problem is kept. An unusable reply is lost with
its reason and counts as an abstention.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply, object_schema, read_object
from glotsmith.languages import get_card
from glotsmith.recipes.xcoder.agent_requests import AgentReply, AgentRequests, RequestCosts
from glotsmith.recipes.xcoder.memory import RememberedSession, SessionMemory, first_sentence
from glotsmith.recipes.xcoder.proposals import (
    PROBLEM_SCHEMA,
    PROBLEM_SECTIONS,
    DiscussionEnding,
    DiscussionSession,
    DraftProblem,
    Proposal,
    read_problem,
    unreadable_examples,
)
from glotsmith.recipes.xcoder.reflection import EpochMemories
from glotsmith.recipes.xcoder.schedule import SessionPlan, TargetPolicy, choose_target_language
from glotsmith.step import Dropped, ItemStep, Result, keep
from glotsmith.teachers.base import Reply

Topology = Literal["central", "parallel", "none"]
T = TypeVar("T", bound=msgspec.Struct)

_OPENING = f"[{PROBLEM_SECTIONS[0]}]\n"
_ANOTHER = "Pose another problem."


class DiscussionRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a discussion proceeds."""

    topology: Topology = "central"
    rounds: int = 2  #: maximum number of revisions
    budget: int = 0  #: output tokens of a discussion after which no further round begins; 0 for no limit
    policy: TargetPolicy = "balance"
    languages: tuple[str, ...]  #: possible target languages


class AdviceReply(msgspec.Struct):
    """The JSON object in a reply to the call ``advise``."""

    agree: bool
    advice: str = ""


class VoteReply(msgspec.Struct):
    """The JSON object in a reply to the call ``vote``."""

    choice: int  #: number of a draft, from 1
    advice: str = ""


class Discuss(ItemStep[Proposal, Proposal]):
    """Hold the sessions; seeds pass unchanged. Sessions of an epoch start when all earlier epochs have outcomes."""

    name = "discuss"
    output = Proposal
    concurrency = 32

    def __init__(
        self, requests: AgentRequests, memories: EpochMemories, plan: SessionPlan, rules: DiscussionRules
    ) -> None:
        self._requests = requests
        self._memories = memories
        self._plan = plan
        self._rules = rules

    async def run(self, key: str, item: Proposal) -> Result[Proposal]:
        """Hold one session."""
        session = item.session
        if session is None:
            return keep(key, item)
        memory = await self._memories.at_epoch(session.epoch)
        reflection_costs = RequestCosts()  # separate, as ``budget`` is for the discussion only
        reflections = await self._reflections(session, reflection_costs)
        chairs = self._plan.chairs_up_to(session)
        target = choose_target_language(self._rules.policy, memory, chairs, self._rules.languages)
        notes = {agent: text for agent, text in reflections.items() if text and isinstance(text, str)}
        open_proposal = msgspec.structs.replace(item, language=target, notes=notes)
        discussion = _Discussion(self._requests, self._rules, memory, open_proposal, session)
        result = await (discussion.as_equals() if self._rules.topology == "parallel" else discussion.with_chair())
        lost = [
            Dropped(why.reason, why.detail, f"{key}:reflect:{agent}")
            for agent, why in reflections.items()
            if isinstance(why, UnusableReply) and agent in session.reflects
        ] + discussion.lost
        kept = keep(key, result).kept if isinstance(result, Proposal) else ()
        if isinstance(result, UnusableReply):
            lost.append(Dropped(result.reason, result.detail, item=open_proposal))
        costs = discussion.costs
        return Result(
            kept=kept,
            dropped=tuple(lost),
            tokens=costs.tokens + reflection_costs.tokens,
            cost=costs.cost + reflection_costs.cost,
        )

    async def _reflections(self, session: DiscussionSession, costs: RequestCosts) -> Mapping[str, str | UnusableReply]:
        """Return the reflection of each agent of the session; "" for an agent without one."""
        agents = (session.chair, *session.others)
        found = await asyncio.gather(*(self._memories.reflect(agent, session, costs) for agent in agents))
        return dict(zip(agents, found, strict=True))


class _Discussion:
    """One discussion. ``proposal`` has its target language and notes, and gets the problem at the end."""

    def __init__(
        self,
        requests: AgentRequests,
        rules: DiscussionRules,
        memory: SessionMemory,
        proposal: Proposal,
        session: DiscussionSession,
    ) -> None:
        self._requests, self._rules, self._memory = requests, rules, memory
        self._proposal, self._session = proposal, session
        self._agents = (session.chair, *session.others)
        self.costs = RequestCosts()
        self.lost: list[Dropped] = []

    # --- with a chair, or alone ------------------------------------------------------------------------------------

    async def with_chair(self) -> Proposal | UnusableReply:
        """Let the chair draft a problem, and revise it by the advice of the others."""
        chair = self._session.chair
        draft = await self._request_draft("propose", chair, 0, {})
        if isinstance(draft, UnusableReply):
            return draft
        round_, ending = 0, ""
        while not ending:
            round_ += 1
            objections = await self._objections(draft, round_)
            no_objection: DiscussionEnding = "silence" if objections is None else "agreement"
            ending = self._limit_reached(round_) if objections else no_objection
            if not ending:
                revised = await self._request_draft("revise", chair, round_, _revision(draft, objections or []))
                draft = draft if isinstance(revised, UnusableReply) else revised
        return self._finish(draft, round_, ending)

    async def _objections(self, draft: DraftProblem, round_: int) -> list[str] | None:
        """Return the objections to a draft: the memory's, else the advisers'; None if no adviser's reply is usable."""
        if objection := self._memory_objection(draft):
            return [objection]
        others = self._session.others
        requests = [self._request_opinion("advise", agent, round_, {"draft": draft}, AdviceReply) for agent in others]
        replies = await asyncio.gather(*requests)
        advice = [(agent, reply) for agent, reply in zip(others, replies, strict=True) if reply is not None]
        if others and not advice:
            return None
        return [f"{get_card(agent).display}: {a.advice or 'I do not agree.'}" for agent, a in advice if not a.agree]

    # --- as equals -------------------------------------------------------------------------------------------------

    async def as_equals(self) -> Proposal | UnusableReply:
        """Let all agents draft, vote and revise."""
        replies = await asyncio.gather(*(self._request_draft("propose", agent, 0, {}) for agent in self._agents))
        found = dict(zip(self._agents, replies, strict=True))
        drafts = {agent: draft for agent, draft in found.items() if isinstance(draft, DraftProblem)}
        if not drafts:
            return next(draft for draft in found.values() if isinstance(draft, UnusableReply))
        round_, ending, winner = 0, "", next(iter(drafts))
        while not ending:
            round_ += 1
            winner, majority, advice = await self._hold_vote(drafts, round_)
            no_majority: DiscussionEnding = "silence" if advice is None else self._limit_reached(round_)
            ending = "agreement" if majority else no_majority
            if not ending:
                drafts = await self._revise_all(drafts, advice or [], round_)
        return self._finish(drafts[winner], round_, ending)

    async def _hold_vote(self, drafts: dict[str, DraftProblem], round_: int) -> tuple[str, bool, list[str] | None]:
        """Return the winning draft's agent, whether it has a majority, and all advice; None if no vote is usable."""
        agents = list(drafts)
        repeated = {agent for agent in agents if self._memory_objection(drafts[agent])}
        if len(repeated) == len(agents):
            return agents[0], False, []  # a vote would choose between repeated problems
        replies = await asyncio.gather(*(self._vote(agent, round_, list(drafts.values())) for agent in self._agents))
        votes = [vote for vote in replies if vote is not None]
        counts = Counter(agents[vote.choice - 1] for vote in votes)
        winner = max(agents, key=lambda agent: (agent not in repeated, counts[agent], -agents.index(agent)))
        majority = 2 * counts[winner] > len(self._agents) and winner not in repeated
        return winner, majority, [vote.advice for vote in votes if vote.advice] if votes else None

    async def _vote(self, agent: str, round_: int, drafts: Sequence[DraftProblem]) -> VoteReply | None:
        vote = await self._request_opinion("vote", agent, round_, {"drafts": drafts}, VoteReply)
        if vote is None or 1 <= vote.choice <= len(drafts):
            return vote
        self._lose("vote", agent, round_, UnusableReply(Reason.INCOMPLETE_REPLY, f"there is no draft {vote.choice}"))
        return None

    async def _revise_all(
        self, drafts: dict[str, DraftProblem], advice: list[str], round_: int
    ) -> dict[str, DraftProblem]:
        """Let every agent revise its draft by the advice; an agent whose reply is unusable keeps its draft."""

        async def revise(agent: str, draft: DraftProblem) -> DraftProblem:
            objections = [*filter(None, [self._memory_objection(draft)]), *advice]
            revised = await self._request_draft("revise", agent, round_, _revision(draft, objections))
            return draft if isinstance(revised, UnusableReply) else revised

        revised = await asyncio.gather(*(revise(agent, draft) for agent, draft in drafts.items()))
        return dict(zip(drafts, revised, strict=True))

    # --- shared by both --------------------------------------------------------------------------------------------

    def _limit_reached(self, round_: int) -> DiscussionEnding:
        """Return the limit that ends the discussion without agreement; "" if it continues."""
        if self._rules.budget and self.costs.output_tokens >= self._rules.budget:
            return "budget"
        return "rounds" if round_ > self._rules.rounds else ""

    def _repeated(self, draft: DraftProblem) -> RememberedSession | None:
        return self._memory.find_repeated(draft.name, draft.signature, draft.instruction, draft.reference)

    def _copies_inspiration(self, draft: DraftProblem) -> bool:
        return self._memory.copies_any(draft.instruction, self._session.inspirations)

    def _memory_objection(self, draft: DraftProblem) -> str:
        """Return the objection to a draft that repeats a remembered problem or an inspiration; "" to a new one."""
        if known := self._repeated(draft):
            problem = f"{known.name}, which was made before: {first_sentence(known.instruction)}"
            return f"Memory: it repeats {problem} {_ANOTHER}"
        return f"It copies a task that was meant to inspire it. {_ANOTHER}" if self._copies_inspiration(draft) else ""

    def _finish(self, draft: DraftProblem, rounds: int, ending: str) -> Proposal | UnusableReply:
        """Return the proposal with the draft, or why the draft is dropped before more is spent on it."""
        if known := self._repeated(draft):
            return UnusableReply(Reason.REPEATS_MEMORY, f"{draft.name} repeats {known.name} of {known.key}")
        if self._copies_inspiration(draft):
            return UnusableReply(Reason.NEAR_DUPLICATE, f"{draft.name} copies a task that was meant to inspire it")
        languages = tuple(dict.fromkeys((self._proposal.language, *self._agents)))
        if languages == ("python",):  # agreement needs a language other than that of the reference, Python
            languages += tuple(name for name in self._rules.languages if name != "python")[:1]
        return msgspec.structs.replace(
            self._proposal,
            languages=languages,
            instruction=draft.instruction,
            name=draft.name,
            signature=draft.signature,
            reference=draft.reference,
            examples=draft.examples,
            lineage=draft.lineage or self._proposal.lineage,
            rounds=rounds,
            ending=ending,
        )

    async def _request_draft(
        self, call: str, agent: str, round_: int, variables: dict[str, object]
    ) -> DraftProblem | UnusableReply:
        """Return the problem in an agent's reply; an unusable reply is lost."""

        def read(reply: Reply) -> DraftProblem | UnusableReply:
            return self._requests.original(call, read_problem(reply))

        reply, lineage, _ = await self._request(call, agent, round_, variables, read, _OPENING, PROBLEM_SCHEMA)
        problem = read(reply)
        if isinstance(problem, UnusableReply):
            self._lose(call, agent, round_, problem)
            return problem
        for number, why in enumerate(unreadable_examples(reply, problem)):
            self._lose(call, agent, round_, why, f":example:{number}")
        return msgspec.structs.replace(problem, lineage=lineage)

    async def _request_opinion(
        self, call: str, agent: str, round_: int, variables: dict[str, object], kind: type[T]
    ) -> T | None:
        """Return an agent's opinion; None, an abstention, if its reply is unusable."""

        def read(reply: Reply) -> T | UnusableReply:
            return read_object(reply, kind)

        reply, *_ = await self._request(call, agent, round_, variables, read, "{", object_schema(kind))
        opinion = read(reply)
        if isinstance(opinion, UnusableReply):
            self._lose(call, agent, round_, opinion)
            return None
        return opinion

    async def _request(
        self,
        call: str,
        agent: str,
        round_: int,
        variables: dict[str, object],
        read: Callable[[Reply], object],
        opening: str,
        schema: str,
    ) -> AgentReply:
        found = await self._requests.send(
            call,
            self._proposal.id,
            self._prompt_variables(agent) | variables,
            read,
            sample=round_,
            turn=self._session.number,
            opening=opening,
            context={"name": self._proposal.id, "language": agent},
            judges=call in ("advise", "vote"),
            schema=schema,
        )
        self.costs.add(found.reply)
        self.lost += found.losses(f"{self._proposal.id}:{call}:{agent}:{round_}")
        return found

    def _prompt_variables(self, agent: str) -> dict[str, object]:
        """Return the variables of all prompts of a discussion: the agent's role, its memory and its reflection."""
        return {
            "agent": get_card(agent).display,
            "target": get_card(self._proposal.language).display,
            "others": [get_card(other).display for other in self._agents if other != agent],
            "inspirations": [first_sentence(text, 600) for text in self._session.inspirations],
            **self._memory.prompt_variables(agent, self._proposal.language),
            "notes": self._proposal.notes.get(agent, ""),
        }

    def _lose(self, call: str, agent: str, round_: int, why: UnusableReply, part: str = "") -> None:
        self.lost.append(Dropped(why.reason, why.detail, f"{self._proposal.id}:{call}:{agent}:{round_}{part}"))


def _revision(draft: DraftProblem, objections: Sequence[str]) -> dict[str, object]:
    """Return the variables of the prompt ``revise``."""
    return {"draft": draft, "objections": list(objections)}
