"""Requests about one snippet: one call with its prompt in the teacher's style, its sampling and its lineage."""

from typing import NamedTuple

from glotsmith.languages import get_card
from glotsmith.prompts import Prompt
from glotsmith.records import Lineage, Snippet
from glotsmith.renames import FORMER_NAMES
from glotsmith.teachers.base import Reply, Request, RequestStyle, Sampling, Teacher

_FORMER_CALLS = {new: old for old, new in FORMER_NAMES["inverse-instruct"].requests.items()}


class StylePrompts(NamedTuple):
    """The prompts of one call for chat models and for base models."""

    chat: Prompt
    completion: Prompt

    def of_style(self, style: RequestStyle) -> Prompt:
        """Return the prompt of a style."""
        return self.chat if style == "chat" else self.completion


class SnippetRequest:
    """One call about snippets. Each ``send`` requests one reply."""

    def __init__(
        self,
        call: str,
        teacher: Teacher,
        prompts: StylePrompts,
        style: RequestStyle,
        sampling: Sampling,
        seed: int = 0,
    ) -> None:
        self.call, self.sampling = call, sampling
        self._teacher, self._seed = teacher, seed
        self._style: RequestStyle = style
        self._prompt = prompts.of_style(style)

    @property
    def continues(self) -> bool:
        """Whether the reply continues the text of the prompt."""
        return self._style == "completion"

    async def send(self, snippet: Snippet, sample: int, **variables: str) -> Reply:
        """Request a reply about a snippet; ``variables`` are the prompt's variables except code, language and fence."""
        card = get_card(snippet.language)
        text = self._prompt.render(code=snippet.code, language=card.display, fence=card.fences[0], **variables)
        request = Request.for_style(
            self._style,
            text,
            call=self.call,
            item=snippet.id,
            sample=sample,
            sampling=self.sampling,
            seed=self._seed,
            context={"name": snippet.name or snippet.origin.path, "language": snippet.language},
            former_call=_FORMER_CALLS.get(self.call, ""),
        )
        return await self._teacher.reply(request)

    def lineage(self, sample: int) -> Lineage:
        """Return the lineage of the reply to a sample."""
        return Lineage(
            teacher=self._teacher.name,
            model=self._teacher.model,
            prompt_version=self._prompt.version,
            seed=self._seed,
            sample=sample,
            temperature=self.sampling.temperature,
        )
