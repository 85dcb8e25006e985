"""The runner as a reward: the verdict that a dataset was verified by is what a policy is rewarded for.

TRL's GRPO takes ``code_reward`` (or ``code_reward_async``), verl's ``custom_reward_function`` takes ``compute_score``,
``compute_score_async`` or, in batches, ``compute_scores``; ``score`` and ``score_async`` are what all of them call.
A machine that failed is never a zero: it raises ``InfraError`` or masks the completion.
"""

from glotsmith.reward.pool import close
from glotsmith.reward.scoring import score, score_async
from glotsmith.reward.trainers import code_reward, code_reward_async, compute_score, compute_score_async, compute_scores

__all__ = [
    "close",
    "code_reward",
    "code_reward_async",
    "compute_score",
    "compute_score_async",
    "compute_scores",
    "score",
    "score_async",
]
