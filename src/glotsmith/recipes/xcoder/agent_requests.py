"""The requests of xCoder's agents: one prompt file for each call, for chat and base models; and their costs."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.generation.escalation import escalation_detail
from glotsmith.generation.structured_replies import UnusableReply
from glotsmith.prompts import Prompt
from glotsmith.recipes.xcoder.proposals import DraftProblem
from glotsmith.records import Lineage, printable
from glotsmith.step import Dropped
from glotsmith.teachers.base import Reply, Request, RequestStyle, Sampling, Teacher

#: Opening of a reply → stop sequences of base models, which otherwise continue with another conversation.
_STOPS = {"{": ("\n\n",), "[Instruction]\n": ("\n[Instruction]",)}


def agent_role(language: str) -> str:
    """Return the role of the agent of a language."""
    return f"agents.{language}"


def _role(call: str, agent: str) -> str:
    """Return the role of a call."""
    return {"ds1": "generate", "ds2": "generate", "rubric": "score"}.get(call) or agent_role(agent)


class AgentReply(NamedTuple):
    """A reply, who wrote it, and why earlier models of the role were not enough."""

    reply: Reply  #: its tokens and its cost include those of all models that got the request
    lineage: Lineage
    escalations: tuple[str, ...] = ()  #: the detail of each escalation

    def losses(self, key: str) -> list[Dropped]:
        """Return a loss for each escalation; their keys begin with ``key``."""
        return [
            Dropped(Reason.ESCALATED, detail, f"{key}:escalated-{number}")
            for number, detail in enumerate(self.escalations, 1)
        ]


class AgentRequests(msgspec.Struct, frozen=True, kw_only=True):
    """Sends the requests of all calls, with the prompts and settings of a run."""

    teacher: Teacher
    roles: Mapping[str, tuple[Teacher, ...]] = {}  #: role → its teachers, where they are not ``teacher``
    prompts: Mapping[str, Prompt]  #: call → its prompt
    sampling: Sampling = Sampling(temperature=0.8, top_p=0.95, max_tokens=2048)
    judging_temperature: float = 0.0  #: temperature of calls that judge
    style: RequestStyle = "chat"
    seed: int = 0

    async def send(
        self,
        call: str,
        item: str,
        variables: Mapping[str, object],
        read: Callable[[Reply], object],
        *,
        sample: int = 0,
        turn: int = 0,
        opening: str = "",
        stops: tuple[str, ...] = (),
        context: Mapping[str, str] | None = None,
        judges: bool = False,
        schema: str = "",
    ) -> AgentReply:
        """Request one reply. The next model of the role gets the request if the reply is unusable.

        Args:
            call: name of the prompt.
            item: key of the item that the request is about.
            variables: the variables of the prompt.
            read: returns an ``UnusableReply`` for a reply that another model of the role should replace.
            sample: as in ``Request.sample``.
            turn: added to the seed, so that equal prompts of different turns get their own replies.
            opening: first characters of the reply; the prompt of a base model ends with them.
            stops: stop sequences of base models, in addition to those of the opening.
            context: as in ``Request.context``; its language names the agent.
            judges: use the temperature of calls that judge.
            schema: JSON schema of the reply. A teacher that decodes by schemas gets it, in chats, and the prompt then
                requests JSON (its variable ``structured``).

        """
        teachers = self.roles.get(_role(call, (context or {}).get("language", ""))) or (self.teacher,)
        escalations, costs = list[str](), RequestCosts()

        async def ask(teacher: Teacher) -> Reply:
            return costs.add(
                await self._send_to(
                    *(teacher, call, item, variables, sample, turn, opening, stops, context, judges, schema)
                )
            )

        reply, teacher = await ask(teachers[0]), teachers[0]
        for following in teachers[1:]:
            if not isinstance(why := read(reply), UnusableReply):
                break
            escalations.append(escalation_detail(teacher, following, f"{why.reason}: {why.detail}"))
            reply, teacher = await ask(following), following
        return AgentReply(costs.with_costs(reply), self._lineage(teacher, call, sample), tuple(escalations))

    async def _send_to(
        self,
        teacher: Teacher,
        call: str,
        item: str,
        variables: Mapping[str, object],
        sample: int,
        turn: int,
        opening: str,
        stops: tuple[str, ...],
        context: Mapping[str, str] | None,
        judges: bool,
        schema: str,
    ) -> Reply:
        completes = self.style == "completion"
        structured = bool(schema) and teacher.structured and not completes
        text = self.prompts[call].render(structured=structured, **variables)
        stop = (*stops, *_STOPS.get(opening, ())) if completes else ()
        temperature = self.judging_temperature if judges else self.sampling.temperature
        request = Request.for_style(
            self.style,
            f"{text}\n\n{opening}" if completes else text,
            call=call,
            item=item,
            sample=sample,
            sampling=msgspec.structs.replace(self.sampling, temperature=temperature, stop=stop),
            seed=self.seed + turn,
            context=context,
            schema=schema if structured else "",
        )
        reply = await teacher.reply(request)
        return msgspec.structs.replace(
            reply, text=printable(_with_opening(reply, opening) if completes else reply.text)
        )

    def original(self, call: str, problem: DraftProblem | UnusableReply) -> DraftProblem | UnusableReply:
        """Return the problem, or why it is unusable if its instruction or its signature is a part of the prompt."""
        if isinstance(problem, UnusableReply):
            return problem
        prompt = self.prompts[call]
        for part, text in (("instruction", problem.instruction), ("signature", problem.signature)):
            if text and prompt.contains(text):
                return UnusableReply(Reason.INCOMPLETE_REPLY, f"the {part} copies the prompt: {text[:200]}")
        return problem

    def _lineage(self, teacher: Teacher, call: str, sample: int) -> Lineage:
        return Lineage(
            teacher=teacher.name,
            model=teacher.model,
            prompt_version=self.prompts[call].version,
            seed=self.seed,
            sample=sample,
            temperature=self.sampling.temperature,
        )


def _with_opening(reply: Reply, opening: str) -> str:
    """Return the text of a completion with its opening, unless it is empty or repeats the opening itself."""
    answered = reply.finish_reason in ("stop", "length") and reply.text.strip()
    if not answered or reply.text.lstrip().startswith(opening.strip() or "\0"):
        return reply.text
    return opening + reply.text


class RequestCosts:
    """The summed costs of a number of replies."""

    def __init__(self) -> None:
        self.input_tokens = 0
        self.output_tokens = 0
        self.cost = 0.0  #: US dollars

    def add(self, reply: Reply) -> Reply:
        """Add the costs of a reply, and return the reply."""
        self.input_tokens += reply.input_tokens
        self.output_tokens += reply.output_tokens
        self.cost += reply.cost or 0.0
        return reply

    @property
    def tokens(self) -> int:
        """Tokens of prompts and replies."""
        return self.input_tokens + self.output_tokens

    def with_costs(self, reply: Reply) -> Reply:
        """Return a reply with these costs."""
        return msgspec.structs.replace(
            reply, input_tokens=self.input_tokens, output_tokens=self.output_tokens, cost=self.cost
        )
