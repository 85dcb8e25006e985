"""Rewards for reinforcement learning: verify completions and return the share of tests passed, or 1 or 0.

GRPO of TRL uses ``code_reward`` (or ``code_reward_async``). ``custom_reward_function`` of verl uses ``compute_score``,
``compute_score_async`` or, in batches, ``compute_scores``. Other code uses ``score`` and ``score_async``. If the
machine fails, the reward is never 0: the functions raise ``InfraError`` or mask the completion.
"""

from glotsmith.reward.scoring import score, score_async
from glotsmith.reward.trainers import code_reward, code_reward_async, compute_score, compute_score_async, compute_scores
from glotsmith.reward.verifier_thread import close

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
