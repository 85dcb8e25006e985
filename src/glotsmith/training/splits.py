"""Choose the held-out problems: whole problems, in every language and stage, never single rows.

Programs for one problem are similar, so a split by row would favour the checkpoint that memorizes best.
"""

import math
from collections.abc import Iterable

from glotsmith.errors import UsageError
from glotsmith.records import content_hash


def choose_held_out(
    problems: Iterable[str], share: float, seed: int = 0, before: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Choose problems by the hash of their parallel id, so that the choice depends on neither order nor machine.

    Args:
        problems: parallel ids; repeated ones count once.
        share: of the problems, from 0 to below 1; rounded up to whole problems.
        seed: another seed, another choice.
        before: the held-out problems of an earlier training. They are held out again, and alone if they come
            to half the share: it has seen the others.

    Raises:
        UsageError: the share is out of range, or leaves nothing to train on.

    """
    if not 0 <= share < 1:
        raise UsageError(f"the share of held-out problems is {share}; it must be from 0 to below 1")
    known = set(problems)
    count = math.ceil(round(share * len(known), 9))  # 0.07 * 100 is a little more than 7
    if kept := known & before if share else set[str]():
        count = len(kept) if 2 * len(kept) >= count else count
    if known and count >= len(known):
        raise UsageError(
            f"a share of {share:g} holds out all of the dataset's problems ({len(known)}): nothing is left to train "
            "on. Hold out none (0), or take more problems"
        )
    ranked = sorted(known, key=lambda problem: (problem not in kept, content_hash(str(seed), problem)))
    return frozenset(ranked[:count])
