"""The requests of xCoder's agents: one prompt file for each call, for chat and base models alike; and their costs."""

from collections.abc import Mapping

import msgspec

from glotsmith.prompts import Prompt
from glotsmith.records import Lineage, printable
from glotsmith.teachers.base import Reply, Request, RequestStyle, Sampling, Teacher

#: Opening of a reply → stop sequences of base models, which otherwise continue with another conversation.
_STOPS = {"{": ("\n\n",), "[Instruction]\n": ("\n[Instruction]",)}


class AgentRequests(msgspec.Struct, frozen=True, kw_only=True):
    """Sends the requests of all calls, with the prompts and settings of a run."""

    teacher: Teacher
    prompts: Mapping[str, Prompt]  #: by call
    sampling: Sampling = Sampling(temperature=0.8, top_p=0.95, max_tokens=2048)
    judging_temperature: float = 0.0  #: of calls that judge
    style: RequestStyle = "chat"
    seed: int = 0

    async def send(
        self,
        call: str,
        item: str,
        variables: Mapping[str, object],
        *,
        sample: int = 0,
        turn: int = 0,
        opening: str = "",
        stops: tuple[str, ...] = (),
        context: Mapping[str, str] | None = None,
        judges: bool = False,
        schema: str = "",
    ) -> Reply:
        """Request one reply.

        Args:
            call: name of the prompt.
            item: key of the item that the request is about.
            variables: of the prompt.
            sample: as in ``Request.sample``.
            turn: added to the seed, so that equal prompts of different turns get their own replies.
            opening: first characters of the reply; the prompt of a base model ends with them.
            stops: stop sequences of base models, in addition to those of the opening.
            context: as in ``Request.context``.
            judges: use the temperature of calls that judge.
            schema: JSON schema of the reply. A teacher that decodes by schemas gets it, in chats, and the prompt then
                requests JSON (its variable ``structured``).

        """
        completes = self.style == "completion"
        structured = bool(schema) and self.teacher.structured and not completes
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
        reply = await self.teacher.reply(request)
        return msgspec.structs.replace(
            reply, text=printable(_with_opening(reply, opening) if completes else reply.text)
        )

    def lineage(self, call: str, sample: int = 0) -> Lineage:
        """Return the lineage of the reply to a call."""
        return Lineage(
            teacher=self.teacher.name,
            model=self.teacher.model,
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
        self.tokens = 0
        self.output_tokens = 0
        self.cost = 0.0  #: US dollars

    def add(self, reply: Reply) -> Reply:
        """Add the costs of a reply, and return the reply."""
        self.tokens += reply.input_tokens + reply.output_tokens
        self.output_tokens += reply.output_tokens
        self.cost += reply.cost or 0.0
        return reply
