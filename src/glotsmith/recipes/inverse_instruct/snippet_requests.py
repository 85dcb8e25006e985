"""One kind of question about snippets: its prompt in the teacher's style, its sampling, and its lineage."""

from typing import Literal, NamedTuple

from glotsmith.languages import get
from glotsmith.prompts import Prompt
from glotsmith.records import Lineage, Snippet
from glotsmith.teachers.base import Message, Reply, Request, Sampling, Teacher

Style = Literal["chat", "completion"]


class StylePrompts(NamedTuple):
    """A prompt for models that chat, and one for models that go on with a text."""

    chat: Prompt
    completion: Prompt


class SnippetRequest:
    """Asks a teacher one kind of question, each for one reply."""

    def __init__(
        self, call: str, teacher: Teacher, wording: StylePrompts, style: Style, sampling: Sampling, seed: int = 0
    ) -> None:
        self.call, self.sampling = call, sampling
        self._teacher, self._seed, self._style = teacher, seed, style
        self._prompt = wording.chat if style == "chat" else wording.completion

    @property
    def continues(self) -> bool:
        """Whether the reply goes on where the prompt stops."""
        return self._style == "completion"

    async def ask(self, snippet: Snippet, sample: int, **values: str) -> Reply:
        """Ask about a snippet; ``values`` are what the prompt needs beside code and language."""
        card = get(snippet.language)
        text = self._prompt.render(code=snippet.code, language=card.display, fence=card.fences[0], **values)
        chat = self._style == "chat"
        request = Request(
            call=self.call,
            item=snippet.id,
            sample=sample,
            messages=(Message(role="user", content=text),) if chat else (),
            prompt="" if chat else text,
            sampling=self.sampling,
            seed=self._seed,
            context={"name": snippet.name or snippet.origin.path, "language": snippet.language},
        )
        return await self._teacher.reply(request)

    def lineage(self, sample: int) -> Lineage:
        """Return how a reply came about."""
        return Lineage(
            teacher=self._teacher.name,
            model=self._teacher.model,
            prompt_version=self._prompt.version,
            seed=self._seed,
            sample=sample,
            temperature=self.sampling.temperature,
        )
