"""Choose the held-out problems: all rows of a problem, in every language and stage.

Programs for one problem are similar, so a split by row would favour the checkpoint that memorizes best.
"""

import math
from collections.abc import Iterable

from glotsmith.counts import counted
from glotsmith.errors import UsageError
from glotsmith.records import content_hash


def choose_held_out(
    problems: Iterable[str], share: float, seed: int = 0, before: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Return problems that are chosen by the hash of their parallel id, independently of order and machine.

    Args:
        problems: Parallel ids; repeated ones count once.
        share: The share of the problems, from 0 to below 1; the number is rounded up.
        seed: The seed of the choice.
        before: The held-out problems of an earlier training, which are held out again. If they are at least half of
            the share, no others are held out, because the model was trained on the others.

    Raises:
        UsageError: The share is out of range, or no problem is left to train on.

    """
    if not 0 <= share < 1:
        raise UsageError(f"the share of held-out problems is {share}; it must be from 0 to below 1")
    known = set(problems)
    count = math.ceil(round(share * len(known), 9))  # 0.07 * 100 is a little more than 7
    if kept := known & before if share else set[str]():
        count = len(kept) if 2 * len(kept) >= count else count
    if known and count >= len(known):
        raise UsageError(
            f"a share of {share:g} holds out all {counted(len(known), 'problem')} of the dataset, and none is left to "
            "train on: set the share to 0, or use more problems"
        )
    ranked = sorted(known, key=lambda problem: (problem not in kept, content_hash(str(seed), problem)))
    return frozenset(ranked[:count])
