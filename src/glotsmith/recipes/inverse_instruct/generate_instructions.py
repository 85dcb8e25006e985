"""Generate instructions for a snippet: request K instructions to which the snippet is the answer (InverseCoder §4.2).

Each sample begins with its own verb, which depends on the snippet and the sample only. (The workers of the published
script share one random seed and therefore draw the same verbs.)
"""

import asyncio
import re
from collections.abc import Sequence

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply, reply_text
from glotsmith.languages import get_card
from glotsmith.languages.grammar import without_documentation
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest
from glotsmith.records import InstructionCandidate, Snippet, SnippetWithInstructions, content_hash
from glotsmith.step import Dropped, ItemStep, Result, keep
from glotsmith.teachers.base import Reply

#: The paper's prefixes: the five most frequent first words of its corpus, and near-synonyms (Fig. 3).
PREFIXES = ("Write a", "Create a", "Implement a", "Develop a", "Design a", "Build a", "I want a")
_MIN_LINE = 8  #: characters without white space; shorter lines of a program are not compared
_SHOWN = 300  #: characters of a lost reply in the detail of its drop


class GenerateInstructions(ItemStep[Snippet, SnippetWithInstructions]):
    """Request K instructions for each snippet; original pairs pass unchanged."""

    name = "generate_instructions"
    output = SnippetWithInstructions
    concurrency = 32

    def __init__(
        self, request: SnippetRequest, count: int = 10, prefixes: Sequence[str] = PREFIXES, seed: int = 0
    ) -> None:
        self._request, self._count, self._prefixes, self._seed = request, count, tuple(prefixes), seed

    async def run(self, key: str, item: Snippet) -> Result[SnippetWithInstructions]:
        """Request the instructions of one snippet."""
        if item.kind == "original":
            return keep(key, SnippetWithInstructions(snippet=item))
        openings = [self._first_words(item, sample) for sample in range(self._count)]
        sent = [self._request.send(item, sample, opening=opening) for sample, opening in enumerate(openings)]
        replies = await asyncio.gather(*sent)
        texts = [
            self._instruction_in_reply(item, reply, opening) for reply, opening in zip(replies, openings, strict=True)
        ]
        return self._result_of_replies(key, item, texts, replies)

    def _first_words(self, snippet: Snippet, sample: int) -> str:
        """Return the first words of a sample's instruction, such as "Write a Lua"."""
        number = int(content_hash(snippet.id, str(self._seed), str(sample))[:8], 16)
        prefix, display = self._prefixes[number % len(self._prefixes)], get_card(snippet.language).display
        article = "n" if prefix.endswith(" a") and (display[0] in "AEIO" or display == "R") else ""
        return f"{prefix}{article} {display}"

    def _instruction_in_reply(self, snippet: Snippet, reply: Reply, opening: str) -> str | UnusableReply:
        """Return the instruction in a reply, or why it has no instruction."""
        text = reply_text(reply)
        if isinstance(text, UnusableReply):
            return text
        if reply.finish_reason == "length":
            return UnusableReply(Reason.CUT_OFF, text[-_SHOWN:])
        text = with_opening(text, opening, continues=self._request.continues)
        return UnusableReply(Reason.LEAKS_CODE, text[:_SHOWN]) if contains_program(text, snippet) else text

    def _result_of_replies(
        self, key: str, snippet: Snippet, texts: Sequence[str | UnusableReply], replies: Sequence[Reply]
    ) -> Result[SnippetWithInstructions]:
        summaries: dict[str, InstructionCandidate] = {}
        lost: list[Dropped] = []
        for sample, text in enumerate(texts):
            if isinstance(text, UnusableReply):
                lost.append(Dropped(text.reason, text.detail, f"{snippet.id}:{sample}"))
                continue
            identity = content_hash(snippet.id, text)
            if identity in summaries:
                lost.append(Dropped(Reason.DUPLICATE_SUMMARY, f"as {identity}", f"{snippet.id}:{sample}"))
                continue
            lineage = self._request.lineage(sample)
            summaries[identity] = InstructionCandidate(id=identity, sample=sample, text=text, lineage=lineage)
        inverted = SnippetWithInstructions(snippet=snippet, summaries=tuple(summaries.values()))
        return result_with_summaries(key, inverted, lost, replies)


def result_with_summaries(
    key: str, item: SnippetWithInstructions, lost: Sequence[Dropped], replies: Sequence[Reply]
) -> Result[SnippetWithInstructions]:
    """Return the result of a step on ``item``, which is kept if it has a summary left, and dropped otherwise."""
    cost = sum(r.cost or 0.0 for r in replies)
    tokens = sum(r.input_tokens + r.output_tokens for r in replies)
    if item.summaries:
        return Result(kept=keep(key, item).kept, dropped=tuple(lost), cost=cost, tokens=tokens)
    reasons = {loss.reason for loss in lost}
    detail = f"{len(lost)} lost; the first: {lost[0].reason}: {lost[0].detail}" if lost else ""
    overall = Dropped(reasons.pop() if len(reasons) == 1 else Reason.NO_INSTRUCTION, detail, item=item)
    return Result(dropped=(*lost, overall), cost=cost, tokens=tokens)


def with_opening(text: str, opening: str, *, continues: bool) -> str:
    """Return an instruction that begins with its opening, which completions and some chat models omit."""
    text = re.sub(
        r"\A(?:#{1,6} .*\n+|\**(?:Problem|Instruction|Task|Description)[^:\n]{0,20}:\**\s*)", "", text.strip()
    )
    if text.casefold().startswith(opening.casefold()):
        return text
    return f"{opening} {text}" if continues or text[:1].islower() else text


def contains_program(instruction: str, snippet: Snippet) -> bool:
    """Return whether an instruction contains more than half of the longer lines of its program.

    It may quote a signature, a constant, an example or the documentation. White space is ignored.
    """
    code = without_documentation(snippet.language, snippet.code)
    lines = {line for raw in code.splitlines() if len(line := "".join(raw.split())) >= _MIN_LINE}
    text = "".join(instruction.split())
    quoted = sum(line in text for line in lines)
    whole = "".join(code.split())
    return (quoted > 1 and 2 * quoted > len(lines)) or (bool(whole) and whole in text)
