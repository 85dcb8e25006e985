"""Score rows by the nine-point rubric: the step ``score`` of xCoder (Qwen2.5-Coder report §4.1).

The report names the nine points and a weighted sum from 1 to 5, without weights. In these weights, errors count more
than lower quality: consistency and correctness count twice, comments and ease of learning half.
"""

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply, object_schema, read_object
from glotsmith.languages import get_card
from glotsmith.ledger import Ledger
from glotsmith.recipes.xcoder.agent_requests import AgentReply, AgentRequests, RequestCosts
from glotsmith.recipes.xcoder.pipeline_item import PipelineItem
from glotsmith.step import Dropped, ItemStep, Kept, Result, drop, keep
from glotsmith.teachers.base import Reply

WEIGHTS: dict[str, float] = {
    "consistency": 2.0,  #: question and answer are about the same
    "relevance": 1.0,  #: to computing
    "difficulty": 1.0,
    "code_exists": 1.0,
    "correctness": 2.0,  #: syntax and logic
    "practice": 1.0,  #: names, style, structure
    "clarity": 1.0,
    "comments": 0.5,
    "easy_to_learn": 0.5,
}
_MIN_POINT, _MAX_POINT = 1.0, 5.0


class RubricPoints(msgspec.Struct):
    """The JSON object in a reply to the call ``rubric``: points from 1 to 5; other fields are ignored."""

    consistency: float
    relevance: float
    difficulty: float
    code_exists: float
    correctness: float
    practice: float
    clarity: float
    comments: float
    easy_to_learn: float


_SCHEMA = object_schema(RubricPoints)


def weighted_score(points: RubricPoints) -> float:
    """Return the weighted mean of the points, 1 to 5 (the report's s = Σ wᵢ sᵢ with Σ wᵢ = 1)."""
    total = sum(weight * getattr(points, name) for name, weight in WEIGHTS.items())
    return round(total / sum(WEIGHTS.values()), 4)


class ScoreByRubric(ItemStep[PipelineItem, PipelineItem]):
    """Score each row. A row whose instruction was not executed needs a score of at least ``min_score``.

    The score only ranks the rows whose program passed the suite of their instruction.
    """

    name = "score"
    output = PipelineItem
    concurrency = 32

    def __init__(self, requests: AgentRequests, min_score: float) -> None:
        self._requests, self._min_score = requests, min_score

    async def run(self, key: str, item: PipelineItem) -> Result[PipelineItem]:
        """Score one row."""
        costs = RequestCosts()
        found = await self._request_points(key, item)
        costs.add(found.reply)
        score, lost = _read_score(found.reply), found.losses(f"{key}:rubric")
        if isinstance(score, UnusableReply):
            lost.append(Dropped(score.reason, score.detail, f"{key}:rubric" if item.instruction_is_verified else ""))
            score = 0.0
        elif score < self._min_score and not item.instruction_is_verified:
            lost.append(Dropped(Reason.LOW_SCORE, f"{score} of {self._min_score}"))
        dropped = any(not loss.key for loss in lost)
        kept = () if dropped else (Kept(key, msgspec.structs.replace(item, score=score)),)
        return Result(kept=kept, dropped=tuple(lost), tokens=costs.tokens, cost=costs.cost)

    async def _request_points(self, key: str, item: PipelineItem) -> AgentReply:
        """Request the points of a row's instruction and program."""
        card = get_card(item.language)
        variables = {
            "language": card.display,
            "fence": card.fences[0],
            "instruction": item.proposal.instruction,
            "code": item.code,
            "points": ", ".join(WEIGHTS),
        }
        context = {"name": item.proposal.name, "language": item.language}
        return await self._requests.send(
            "rubric", key, variables, _read_score, opening="{", context=context, judges=True, schema=_SCHEMA
        )


def _read_score(reply: Reply) -> float | UnusableReply:
    """Return the score in a reply, 1 to 5, or why there is none."""
    points = read_object(reply, RubricPoints)
    if isinstance(points, UnusableReply):
        return points
    if not all(_MIN_POINT <= getattr(points, name) <= _MAX_POINT for name in WEIGHTS):
        return UnusableReply(Reason.INCOMPLETE_REPLY, "a point is not between 1 and 5")
    return weighted_score(points)


class ReuseScores(ItemStep[PipelineItem, PipelineItem]):
    """Apply the scores that the ledger of an unfinished run has, instead of ``ScoreByRubric``.

    Rows whose instruction was executed are kept; others are dropped until the ledger has a sufficient score.
    """

    name = ScoreByRubric.name
    output = PipelineItem

    def __init__(self, ledger: Ledger) -> None:
        known = self.name in ledger.steps
        self._scores = {key: item.score for key, item in ledger.kept_items(self.name, PipelineItem)} if known else {}

    async def run(self, key: str, item: PipelineItem) -> Result[PipelineItem]:
        """Set the score of one row."""
        if key not in self._scores and not item.instruction_is_verified:
            return Result(dropped=drop(Reason.LOW_SCORE, "no score so far, or a score that is too low").dropped)
        return keep(key, msgspec.structs.replace(item, score=self._scores.get(key, 0.0)))
