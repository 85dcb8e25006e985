"""Ask the model whether a snippet is the right answer to a summary, and take P(Yes) from its tokens.

InverseCoder §4.3. **Definition.** Let Y and N be the probability mass of all tokens that spell Yes and No where the
reply's first word stands: in any case, with blanks, tokenisers' marks for them (``Ġ``, ``▁``) or punctuation around.
The score is Y / (Y + N).
Servers name only the top few tokens; L is the mass of all others. A word that is not among the top ones may have up to
L, so that the score is known to lie in an interval only. Of that interval the score nearest to 1/2 is taken: the
missing word is granted L, but no more than the other has. (The published code takes a missing word as impossible: any
Yes is exactly 1.0 then.) If neither is seen, there is no score.

Where a server gives no logprobs, the model votes: of n sampled replies that begin with Yes or No, y with Yes, the score
is (y + 1) / (n + 2), Laplace's rule, so that a few votes never make a certainty. How a score came about is in its row.
"""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence

import msgspec

from glotsmith.generation.structured_replies import UnusableReply, reply_text
from glotsmith.reasons import Reason
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest
from glotsmith.recipes.inverse_instruct.summarise import result_with_summaries
from glotsmith.records import Inversion, Scored, Snippet, Summary
from glotsmith.step import Dropped, ItemStep, Result, keep
from glotsmith.teachers.base import AROUND, Reply

_VOTE = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


class ScoreSummaries(ItemStep[Inversion, Inversion]):
    """Score each summary of a snippet; one without a score is a loss."""

    name = "evaluate"
    output = Inversion
    concurrency = 32

    def __init__(
        self, question: SnippetRequest, vote: SnippetRequest, votes: int = 5, *, logprobs: bool = True
    ) -> None:
        """Take the question with logprobs, and the one that is sampled for votes where there are none.

        Without ``logprobs`` they are not even asked for: some servers refuse requests that do.
        """
        self._question, self._vote, self._votes, self._logprobs = question, vote, votes, logprobs

    async def run(self, key: str, item: Inversion) -> Result[Inversion]:
        """Score one snippet's summaries; scores are joined by a summary's own id and prompt, in no order."""
        if item.snippet.kind == "original":
            return keep(key, item)
        found = await asyncio.gather(*(self._score(item.snippet, s) for s in item.summaries))
        scored: list[Summary] = []
        lost: list[Dropped] = []
        for summary, result, _ in found:
            if isinstance(result, UnusableReply):
                lost.append(Dropped(result.reason, result.detail, f"{summary.id}:unscored", item=summary))
            else:
                made = msgspec.structs.replace(result, prompt_version=self._question.lineage(0).prompt_version)
                scored.append(msgspec.structs.replace(summary, scored=made))
        left = msgspec.structs.replace(item, summaries=tuple(scored))
        return result_with_summaries(key, left, lost, [reply for *_, replies in found for reply in replies])

    async def _score(
        self, snippet: Snippet, summary: Summary
    ) -> tuple[Summary, Scored | UnusableReply, Sequence[Reply]]:
        replies: list[Reply] = []
        if self._logprobs:
            reply = await self._question.ask(snippet, summary.sample, instruction=summary.text)
            replies.append(reply)
            if reply.logprobs:
                return summary, score_from_logprobs(reply.logprobs), replies
            if reply.finish_reason in ("refused", "error"):
                text = reply_text(reply)
                return summary, text if isinstance(text, UnusableReply) else UnusableReply(Reason.NOT_SCORED), replies
        numbers = range(summary.sample * self._votes, (summary.sample + 1) * self._votes)
        votes = await asyncio.gather(*(self._vote.ask(snippet, n, instruction=summary.text) for n in numbers))
        return summary, score_from_votes(votes), [*replies, *votes]


def yes_or_no(token: str) -> str:
    """Return the word that a token spells, ``yes`` or ``no``, or "" for anything else."""
    word = token.strip(AROUND).casefold()
    return word if word in ("yes", "no") else ""


def score_from_logprobs(logprobs: Mapping[str, float]) -> Scored | UnusableReply:
    """Return the score of a first position's top tokens, with natural logarithms of their probabilities."""
    mass = {"yes": 0.0, "no": 0.0, "": 0.0}
    for token, logprob in logprobs.items():
        mass[yes_or_no(token)] += math.exp(min(logprob, 0.0))
    yes, no = mass["yes"], mass["no"]
    left = min(max(1.0 - sum(mass.values()), 0.0), 1.0)
    if yes + no <= 0.0:
        top = sorted(logprobs, key=lambda token: -logprobs[token])[:5]
        return UnusableReply(Reason.NOT_SCORED, f"neither Yes nor No is among the {len(logprobs)} top tokens: {top}")
    unseen = "no" if no <= 0.0 else "yes" if yes <= 0.0 else ""
    granted = min(left, max(yes, no))
    above = granted if unseen == "yes" else yes
    share = above / (above + (granted if unseen == "no" else no))
    return Scored(yes=yes, no=no, left=left, p_yes=share, method="logprobs", unseen=unseen)


def score_from_votes(replies: Sequence[Reply]) -> Scored | UnusableReply:
    """Return the score of replies that begin with Yes or No; others do not count."""
    words = [match[1].casefold() for reply in replies if (match := _VOTE.match(_said(reply)))]
    if not words:
        said = next((_said(reply) for reply in replies if _said(reply)), "")
        refusal = next((reply_text(r) for r in replies if r.finish_reason in ("refused", "error")), None)
        return (
            refusal
            if isinstance(refusal, UnusableReply)
            else UnusableReply(Reason.NOT_SCORED, f"it said: {said[:200]}")
        )
    yes, n = words.count("yes"), len(words)
    share = (yes + 1) / (n + 2)
    return Scored(yes=yes / n, no=1 - yes / n, left=0.0, p_yes=share, method="votes", votes=n)


def _said(reply: Reply) -> str:
    text = reply_text(reply)
    return text if isinstance(text, str) else ""
