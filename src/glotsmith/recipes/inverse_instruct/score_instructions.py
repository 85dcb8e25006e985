"""Score summaries by the teacher: P(Yes) is its probability that the snippet is a correct answer to the summary.

InverseCoder §4.3. **Definition.** Y and N are the probability masses of all tokens that spell Yes and No at the
position of the reply's first word, in upper or lower case, and with blanks, marks for blanks (``Ġ``, ``▁``) or
punctuation around the word. The score is Y / (Y + N).

A server returns only the most probable tokens; L is the mass of all others. A word that is not among the top tokens
has a mass between 0 and L, so the score lies in an interval. The score is the value of this interval that is nearest
to 1/2: the missing word gets the mass L, but not more than the other word has. (The published code gives a missing
word the mass 0, so that any Yes scores exactly 1.) If neither word is among the top tokens, there is no score.

If the server returns no logprobs, the teacher votes. If n sampled replies begin with Yes or No, and y of them with Yes,
the score is (y + 1) / (n + 2), Laplace's rule, so that a few votes do not make a certainty. Each row of the ledger
records how its score was computed.
"""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply, reply_text
from glotsmith.recipes.inverse_instruct.generate_instructions import result_with_summaries
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest
from glotsmith.records import InstructionCandidate, Snippet, SnippetWithInstructions, YesNoScore
from glotsmith.step import Dropped, ItemStep, Result, keep
from glotsmith.teachers.base import WORD_EDGES, Reply

_VOTE = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


class ScoreInstructions(ItemStep[SnippetWithInstructions, SnippetWithInstructions]):
    """Score each summary of a snippet; a summary without a score is lost."""

    name = "score_instructions"
    output = SnippetWithInstructions
    concurrency = 32

    def __init__(
        self, evaluation: SnippetRequest, vote: SnippetRequest, votes: int = 5, *, logprobs: bool = True
    ) -> None:
        """Create the step.

        Args:
            evaluation: The request for one reply with logprobs.
            vote: The request that is sampled if the server returns no logprobs.
            votes: The number of sampled votes.
            logprobs: Whether to send ``evaluation`` first; False for servers that refuse requests for logprobs.

        """
        self._evaluation, self._vote, self._votes, self._logprobs = evaluation, vote, votes, logprobs

    async def run(self, key: str, item: SnippetWithInstructions) -> Result[SnippetWithInstructions]:
        """Score the summaries of one snippet."""
        if item.snippet.kind == "original":
            return keep(key, item)
        results = await asyncio.gather(*(self._score_summary(item.snippet, summary) for summary in item.summaries))
        scored: list[InstructionCandidate] = []
        lost: list[Dropped] = []
        for summary, (score, _) in zip(item.summaries, results, strict=True):
            if isinstance(score, UnusableReply):
                lost.append(Dropped(score.reason, score.detail, f"{summary.id}:unscored", item=summary))
            else:
                made = msgspec.structs.replace(score, prompt_version=self._evaluation.lineage(0).prompt_version)
                scored.append(msgspec.structs.replace(summary, scored=made))
        inversion = msgspec.structs.replace(item, summaries=tuple(scored))
        return result_with_summaries(key, inversion, lost, [reply for _, replies in results for reply in replies])

    async def _score_summary(
        self, snippet: Snippet, summary: InstructionCandidate
    ) -> tuple[YesNoScore | UnusableReply, Sequence[Reply]]:
        """Return the score of a summary, or why it has no score, and the replies that were requested for it."""
        replies: list[Reply] = []
        if self._logprobs:
            reply = await self._evaluation.send(snippet, summary.sample, instruction=summary.text)
            replies.append(reply)
            if reply.logprobs:
                return score_from_logprobs(reply.logprobs), replies
            if reply.finish_reason in ("refused", "error"):
                text = reply_text(reply)
                return text if isinstance(text, UnusableReply) else UnusableReply(Reason.NOT_SCORED), replies
        samples = range(summary.sample * self._votes, (summary.sample + 1) * self._votes)
        votes = await asyncio.gather(*(self._vote.send(snippet, n, instruction=summary.text) for n in samples))
        return score_from_votes(votes), [*replies, *votes]


def yes_or_no(token: str) -> str:
    """Return the word that a token spells, ``yes`` or ``no``; "" for any other token."""
    word = token.strip(WORD_EDGES).casefold()
    return word if word in ("yes", "no") else ""


def score_from_logprobs(logprobs: Mapping[str, float]) -> YesNoScore | UnusableReply:
    """Return the score of the top tokens of one position; ``logprobs`` are natural logarithms."""
    mass = {"yes": 0.0, "no": 0.0, "": 0.0}
    for token, logprob in logprobs.items():
        mass[yes_or_no(token)] += math.exp(min(logprob, 0.0))
    yes, no = mass["yes"], mass["no"]
    remaining_mass = min(max(1.0 - sum(mass.values()), 0.0), 1.0)
    if yes + no <= 0.0:
        top = sorted(logprobs, key=lambda token: -logprobs[token])[:5]
        return UnusableReply(Reason.NOT_SCORED, f"neither Yes nor No is among the {len(logprobs)} top tokens: {top}")
    unseen = "no" if no <= 0.0 else "yes" if yes <= 0.0 else ""
    mass_of_unseen_word = min(remaining_mass, max(yes, no))
    above = mass_of_unseen_word if unseen == "yes" else yes
    share = above / (above + (mass_of_unseen_word if unseen == "no" else no))
    return YesNoScore(yes=yes, no=no, left=remaining_mass, p_yes=share, method="logprobs", unseen=unseen)


def score_from_votes(replies: Sequence[Reply]) -> YesNoScore | UnusableReply:
    """Return the score of sampled replies; those that begin with neither Yes nor No do not count."""
    texts = [text if isinstance(text := reply_text(reply), str) else "" for reply in replies]
    words = [match[1].casefold() for text in texts if (match := _VOTE.match(text))]
    if not words:
        first = next(filter(None, texts), "")
        refusal = next((reply_text(r) for r in replies if r.finish_reason in ("refused", "error")), None)
        if isinstance(refusal, UnusableReply):
            return refusal
        return UnusableReply(Reason.NOT_SCORED, f"the reply is: {first[:200]}")
    yes, n = words.count("yes"), len(words)
    share = (yes + 1) / (n + 2)
    return YesNoScore(yes=yes / n, no=1 - yes / n, left=0.0, p_yes=share, method="votes", votes=n)
