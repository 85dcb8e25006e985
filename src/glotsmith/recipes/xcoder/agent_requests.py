"""One way to put every question of a recipe: a prompt file a call, to chat and base models alike."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from glotsmith.prompts import Prompt
from glotsmith.records import Lineage, printable
from glotsmith.teachers.base import Message, Reply, Request, Sampling, Teacher

#: Where a base model that goes on with a reply's ``opening`` is stopped: it would begin the next conversation.
_ENDS = {"{": ("\n\n",), "[Instruction]\n": ("\n[Instruction]",)}


class AgentRequests(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked, with which prompts and settings."""

    teacher: Teacher
    prompts: Mapping[str, Prompt]  #: by call
    sampling: Sampling = Sampling(temperature=0.8, top_p=0.95, max_tokens=2048)
    judging_temperature: float = 0.0  #: temperature of calls that judge (``calm``)
    style: Literal["chat", "completion"] = "chat"
    seed: int = 0

    async def ask(
        self,
        call: str,
        item: str,
        values: Mapping[str, object],
        *,
        sample: int = 0,
        turn: int = 0,
        opening: str = "",
        ends: tuple[str, ...] = (),
        context: Mapping[str, str] | None = None,
        judges: bool = False,
    ) -> Reply:
        """Ask one question; to a base model with the beginning of the reply, ``opening``, in its mouth.

        A base model is stopped at one of ``ends``, or where a reply with that opening is at its end.
        Questions of different ``turn`` get replies of their own, even if their prompts are the same.
        """
        text = self.prompts[call].render(**values)
        completes = self.style == "completion"
        stop = (*ends, *_ENDS.get(opening, ())) if completes else ()
        reply = await self.teacher.reply(
            Request(
                call=call,
                item=item,
                sample=sample,
                messages=() if completes else (Message(role="user", content=text),),
                prompt=f"{text}\n\n{opening}" if completes else "",
                sampling=msgspec.structs.replace(self.sampling, temperature=self._temperature(judges), stop=stop),
                seed=self.seed + turn,
                context=dict(context or {}),
            )
        )
        goes_on = completes and reply.finish_reason in ("stop", "length") and reply.text.strip()
        goes_on = goes_on and not reply.text.lstrip().startswith(opening.strip() or "\0")  # it says all of it
        return msgspec.structs.replace(reply, text=printable(opening + reply.text if goes_on else reply.text))

    def _temperature(self, calm: bool) -> float:
        return self.judging_temperature if calm else self.sampling.temperature

    def lineage(self, call: str, sample: int = 0) -> Lineage:
        """Return how what came of a call came about."""
        return Lineage(
            teacher=self.teacher.name,
            model=self.teacher.model,
            prompt_version=self.prompts[call].version,
            seed=self.seed,
            sample=sample,
            temperature=self.sampling.temperature,
        )


class ReplyCosts:
    """What a number of replies cost together."""

    def __init__(self) -> None:
        self.tokens = 0
        self.output_tokens = 0
        self.cost = 0.0

    def add(self, reply: Reply) -> Reply:
        """Count a reply, and return it."""
        self.tokens += reply.input_tokens + reply.output_tokens
        self.output_tokens += reply.output_tokens
        self.cost += reply.cost
        return reply
