"""Language agents discuss and come to a new problem (xCoder): with a chair, as equals, or each alone.

central    the chair drafts; advisers agree or advise; the chair revises, until all agree
parallel   every agent drafts; all vote; without a majority each revises its own, until there is one
none       one agent alone, which only its memory contradicts

A discussion ends by agreement, after ``rounds`` revisions, when its replies have used up ``budget``, or by silence,
when no opinion can be used. What was drafted last is then the result: opinions only choose what is tried, execution
decides. A reply that can't be used is a loss with its reason, and a voice that is missing.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec

from glotsmith.generation.structured_replies import UnusableReply, read_object
from glotsmith.languages import get
from glotsmith.reasons import Reason
from glotsmith.recipes.xcoder.agent_requests import AgentRequests, ReplyCosts
from glotsmith.recipes.xcoder.agents import EpochMemories
from glotsmith.recipes.xcoder.memory import AgentMemory, RememberedSession, first_sentence
from glotsmith.recipes.xcoder.proposals import (
    PROBLEM_SECTIONS,
    DiscussionSession,
    DraftProblem,
    Ending,
    Proposal,
    read_problem,
    unreadable_examples,
)
from glotsmith.recipes.xcoder.schedule import SessionPlan
from glotsmith.recipes.xcoder.target_language import TargetPolicy, choose_target_language
from glotsmith.step import Dropped, ItemStep, Result, keep
from glotsmith.teachers.base import Reply

Topology = Literal["central", "parallel", "none"]
T = TypeVar("T")

_OPENING = f"[{PROBLEM_SECTIONS[0]}]\n"
_ANOTHER = "Pose another problem."


class DiscussionRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a discussion goes."""

    topology: Topology = "central"
    rounds: int = 2  #: of revision, at most
    budget: int = 0  #: output tokens of one discussion, beyond which no round begins; 0 for no limit
    policy: TargetPolicy = "balance"
    languages: tuple[str, ...]  #: that may be a target


class AdviceReply(msgspec.Struct):
    """An adviser's reply."""

    agree: bool
    advice: str = ""


class VoteReply(msgspec.Struct):
    """An equal's reply."""

    choice: int  #: number of a draft, from 1
    advice: str = ""


class Discuss(ItemStep[Proposal, Proposal]):
    """Hold the sessions; seeds pass. Sessions of an epoch begin when all earlier epochs have come to their end."""

    name = "discuss"
    output = Proposal
    concurrency = 32

    def __init__(self, voice: AgentRequests, minds: EpochMemories, plan: SessionPlan, rules: DiscussionRules) -> None:
        self._voice = voice
        self._minds = minds
        self._plan = plan
        self._rules = rules

    async def run(self, key: str, item: Proposal) -> Result[Proposal]:
        """Hold one session."""
        session = item.session
        if session is None:
            return keep(key, item)
        bill, thinking, rules = ReplyCosts(), ReplyCosts(), self._rules  # a budget is for talking
        memory = await self._minds.at_epoch(session.epoch)
        agents = (session.chair, *session.others)
        found = await asyncio.gather(*(self._minds.reflect(agent, session, thinking) for agent in agents))
        thoughts = dict(zip(agents, found, strict=True))
        aim = choose_target_language(rules.policy, memory, self._plan.chairs_up_to(session), rules.languages)
        notes = {a: text for a, text in thoughts.items() if text and isinstance(text, str)}
        talk = _Talk(
            self._voice, rules, memory, msgspec.structs.replace(item, language=aim, notes=notes), session, bill
        )
        talk.lost += [
            Dropped(why.reason, why.detail, f"{key}:reflect:{agent}")
            for agent, why in thoughts.items()
            if isinstance(why, UnusableReply) and agent in session.reflects
        ]
        result = await (talk.equals() if rules.topology == "parallel" else talk.chaired())
        kept = (keep(key, result).kept) if isinstance(result, Proposal) else ()
        overall = () if isinstance(result, Proposal) else (Dropped(result.reason, result.detail, item=talk.seat),)
        tokens, cost = bill.tokens + thinking.tokens, bill.cost + thinking.cost
        return Result(kept=kept, dropped=(*talk.lost, *overall), tokens=tokens, cost=cost)


class _Talk:
    """One discussion."""

    def __init__(
        self,
        voice: AgentRequests,
        rules: DiscussionRules,
        memory: AgentMemory,
        seat: Proposal,
        session: DiscussionSession,
        bill: ReplyCosts,
    ) -> None:
        self._voice, self._rules, self._memory, self._bill = voice, rules, memory, bill
        self.seat, self._session = seat, session
        self._others = session.others
        self._agents = (session.chair, *self._others)
        self.lost: list[Dropped] = []

    # --- with a chair, or alone ------------------------------------------------------------------------------------

    async def chaired(self) -> Proposal | UnusableReply:
        """Draft, take advice and revise."""
        draft = await self._draft("propose", self._session.chair, 0, {})
        if isinstance(draft, UnusableReply):
            return draft
        round_, ending = 0, ""
        while not ending:
            round_ += 1
            objections = await self._objections(draft, round_)
            ending = "silence" if objections is None else self._ending(round_) if objections else "agreement"
            if not ending:
                revised = await self._draft("revise", self._session.chair, round_, self._said(draft, objections or []))
                draft = draft if isinstance(revised, UnusableReply) else revised
        return self._settled(draft, round_, ending)

    async def _objections(self, draft: DraftProblem, round_: int) -> list[str] | None:
        """Return what speaks against a draft: memory first, which costs nothing, else advisers; None if all fail."""
        if found := self._nothing_new(draft):
            return [found]
        asked = [self._judge("advise", agent, round_, {"draft": draft}, AdviceReply) for agent in self._others]
        replies = await asyncio.gather(*asked)
        given = [(a, r) for a, r in zip(self._others, replies, strict=True) if r is not None]
        if self._others and not given:
            return None
        return [f"{get(a).display}: {r.advice or 'I do not agree.'}" for a, r in given if not r.agree]

    # --- as equals -------------------------------------------------------------------------------------------------

    async def equals(self) -> Proposal | UnusableReply:
        """Draft side by side, vote, and revise."""
        first = [self._draft("propose", agent, 0, {}) for agent in self._agents]
        found = dict(zip(self._agents, await asyncio.gather(*first), strict=True))
        drafts = {agent: draft for agent, draft in found.items() if isinstance(draft, DraftProblem)}
        if not drafts:
            return next(draft for draft in found.values() if isinstance(draft, UnusableReply))
        round_, ending, winner = 0, "", next(iter(drafts))
        while not ending:
            round_ += 1
            winner, majority, advice = await self._elect(drafts, round_)
            ending = "agreement" if majority else "silence" if advice is None else self._ending(round_)
            if not ending:
                drafts = await self._revised(drafts, advice or [], round_)
        return self._settled(drafts[winner], round_, ending)

    async def _elect(self, drafts: dict[str, DraftProblem], round_: int) -> tuple[str, bool, list[str] | None]:
        """Return whose draft won, whether over half of the agents chose it, and what was said; None without a vote."""
        agents = list(drafts)
        repeated = {a for a in agents if self._nothing_new(drafts[a])}
        if len(repeated) == len(agents):
            return agents[0], False, []  # nothing is worth a vote
        asked = [self._vote(a, round_, list(drafts.values())) for a in self._agents]
        votes = [v for v in await asyncio.gather(*asked) if v is not None]
        counts = Counter(agents[v.choice - 1] for v in votes)
        winner = max(agents, key=lambda a: (a not in repeated, counts[a], -agents.index(a)))
        majority = 2 * counts[winner] > len(self._agents) and winner not in repeated
        return winner, majority, [v.advice for v in votes if v.advice] if votes else None

    async def _vote(self, agent: str, round_: int, drafts: Sequence[DraftProblem]) -> VoteReply | None:
        vote = await self._judge("vote", agent, round_, {"drafts": drafts}, VoteReply)
        if vote is None or 1 <= vote.choice <= len(drafts):
            return vote
        self._lose("vote", agent, round_, UnusableReply(Reason.INCOMPLETE_REPLY, f"there is no draft {vote.choice}"))
        return None

    async def _revised(
        self, drafts: dict[str, DraftProblem], advice: list[str], round_: int
    ) -> dict[str, DraftProblem]:
        """Let every agent revise its draft in view of what was said; one that can't keeps it."""

        async def one(agent: str, draft: DraftProblem) -> DraftProblem:
            said = [*filter(None, [self._nothing_new(draft)]), *advice]
            revised = await self._draft("revise", agent, round_, self._said(draft, said))
            return draft if isinstance(revised, UnusableReply) else revised

        changed = await asyncio.gather(*(one(agent, draft) for agent, draft in drafts.items()))
        return dict(zip(drafts, changed, strict=True))

    # --- what both share -------------------------------------------------------------------------------------------

    def _ending(self, round_: int) -> Ending:
        """Tell why the discussion is over without agreement; "" while it goes on."""
        if self._rules.budget and self._bill.output_tokens >= self._rules.budget:
            return "budget"
        return "rounds" if round_ > self._rules.rounds else ""

    def _repeated(self, draft: DraftProblem) -> RememberedSession | None:
        return self._memory.find_repeated(draft.name, draft.signature, draft.instruction, draft.reference)

    def _nothing_new(self, draft: DraftProblem) -> str:
        """Say what a draft repeats, "" if nothing: what was made before, or a task that should inspire it only."""
        if memo := self._repeated(draft):
            return (
                f"Memory: it repeats {memo.name}, which was made before: {first_sentence(memo.instruction)} {_ANOTHER}"
            )
        return f"It copies a task that was meant to inspire it. {_ANOTHER}" if self._copied(draft) else ""

    def _copied(self, draft: DraftProblem) -> bool:
        return self._memory.copies_any(draft.instruction, self._session.inspirations)

    def _settled(self, draft: DraftProblem, rounds: int, ending: str) -> Proposal | UnusableReply:
        """Return the proposal, unless there is nothing new in it: nothing more is spent on it then."""
        if memo := self._repeated(draft):
            return UnusableReply(Reason.REPEATS_MEMORY, f"{draft.name}: as {memo.name} of {memo.key}")
        if self._copied(draft):
            return UnusableReply(Reason.NEAR_DUPLICATE, f"{draft.name}: as a task that was meant to inspire it")
        languages = tuple(dict.fromkeys((self.seat.language, *self._agents)))
        if languages == ("python",):  # the reference is Python too: someone else must agree
            languages += tuple(name for name in self._rules.languages if name != "python")[:1]
        return msgspec.structs.replace(
            self.seat,
            languages=languages,
            instruction=draft.instruction,
            name=draft.name,
            signature=draft.signature,
            reference=draft.reference,
            examples=draft.examples,
            lineage=draft.lineage or self.seat.lineage,
            rounds=rounds,
            ending=ending,
        )

    async def _draft(
        self, call: str, agent: str, round_: int, values: dict[str, object]
    ) -> DraftProblem | UnusableReply:
        reply = await self._asked(call, agent, round_, values, _OPENING)
        problem = read_problem(reply)
        if isinstance(problem, UnusableReply):
            self._lose(call, agent, round_, problem)
            return problem
        for number, why in enumerate(unreadable_examples(reply, problem)):
            self._lose(call, agent, round_, why, f":example:{number}")
        return msgspec.structs.replace(problem, lineage=self._voice.lineage(call, round_))

    async def _judge(self, call: str, agent: str, round_: int, values: dict[str, object], kind: type[T]) -> T | None:
        """Return a reply that judges, or None: an abstention."""
        found = read_object(await self._asked(call, agent, round_, values, "{"), kind)
        if isinstance(found, UnusableReply):
            self._lose(call, agent, round_, found)
            return None
        return found

    async def _asked(self, call: str, agent: str, round_: int, values: dict[str, object], opening: str) -> Reply:
        return self._bill.add(
            await self._voice.ask(
                call,
                self.seat.id,
                self._facts(agent) | values,
                sample=round_,
                turn=self._session.number,
                opening=opening,
                context={"name": self.seat.id, "language": agent},
                judges=call in ("advise", "vote"),
            )
        )

    def _lose(self, call: str, agent: str, round_: int, why: UnusableReply, part: str = "") -> None:
        self.lost.append(Dropped(why.reason, why.detail, f"{self.seat.id}:{call}:{agent}:{round_}{part}"))

    def _said(self, draft: DraftProblem, objections: Sequence[str]) -> dict[str, object]:
        return {"draft": draft, "objections": list(objections)}

    def _facts(self, agent: str) -> dict[str, object]:
        """Return what every prompt of a discussion may use."""
        aim = get(self.seat.language)
        return {
            "agent": get(agent).display,
            "target": aim.display,
            "others": [get(a).display for a in self._agents if a != agent],
            "inspirations": [first_sentence(text, 600) for text in self._session.inspirations],
            "made": self._memory.prompt_lines(agent),
            "hard": self._memory.frequent_failures(self.seat.language),
            "notes": self.seat.notes.get(agent, ""),
        }
