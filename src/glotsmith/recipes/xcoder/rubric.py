"""The nine-point rubric by which a model scores an instruction with its answer (Qwen2.5-Coder report §4.1).

The report names the nine points and a weighted sum, 1 to 5; it gives no weights. Ours stress what makes a row wrong
rather than less fine: consistency and correctness count twice, comments and ease of learning half.
"""

import msgspec

from glotsmith.generation.structured_replies import UnusableReply, read_object
from glotsmith.languages import get
from glotsmith.reasons import Reason
from glotsmith.recipes.xcoder.agent_requests import AgentRequests, ReplyCosts

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
_LEAST, _MOST = 1.0, 5.0


class RubricPoints(msgspec.Struct):
    """A reply's points, each 1 to 5; what else it says is not looked at."""

    consistency: float
    relevance: float
    difficulty: float
    code_exists: float
    correctness: float
    practice: float
    clarity: float
    comments: float
    easy_to_learn: float


def weighted_score(points: RubricPoints) -> float:
    """Return the weighted mean of the points, 1 to 5 (the paper's s = Σ wᵢ sᵢ with Σ wᵢ = 1)."""
    total = sum(weight * getattr(points, name) for name, weight in WEIGHTS.items())
    return round(total / sum(WEIGHTS.values()), 4)


async def request_score(
    voice: AgentRequests, item: str, name: str, language: str, instruction: str, code: str, bill: ReplyCosts
) -> float:
    """Return the score of an instruction and its answer, 1 to 5.

    Raises:
        UnusableScore: the reply can't be used.

    """
    card = get(language)
    values = {"language": card.display, "fence": card.fences[0], "instruction": instruction, "code": code}
    values["points"] = ", ".join(WEIGHTS)
    context = {"name": name, "language": language}
    reply = bill.add(await voice.ask("rubric", item, values, opening="{", context=context, judges=True))
    points = read_object(reply, RubricPoints)
    if isinstance(points, UnusableReply):
        raise UnusableScore(points)
    if not all(_LEAST <= getattr(points, name) <= _MOST for name in WEIGHTS):
        raise UnusableScore(UnusableReply(Reason.INCOMPLETE_REPLY, "a point is not between 1 and 5"))
    return weighted_score(points)


class UnusableScore(Exception):
    """A reply that holds no score; ``why`` says so in a drop's words."""

    def __init__(self, why: UnusableReply) -> None:
        super().__init__(why.detail)
        self.why = why
