"""Choose tokens from scores: greedily, or by temperature and nucleus (top-p, Holtzman et al. 2020)."""

from collections.abc import Sequence
from typing import Any

from glotsmith.teachers.base import Sampling

_HEAD = 256  #: tokens that are sorted first; a nucleus is rarely larger


def penalise_repetition(scores: Any, tokens: Sequence[int], penalty: float) -> None:
    """Lower the scores of tokens that the row has, in place (Keskar et al. 2019, CTRL)."""
    ids = sorted(set(tokens))
    found = scores[ids]
    scores[ids] = (found < 0) * found * penalty + (found >= 0) * found / penalty


def choose_tokens(scores: Any, samplings: Sequence[Sampling], draws: Sequence[float]) -> list[int]:
    """Return one token for each row.

    Args:
        scores: (rows, vocabulary), float32.
        samplings: the sampling of each row; a temperature of 0 chooses the token with the highest score.
        draws: the random number of each row, in [0, 1): the same draw and scores give the same token.

    """
    chosen: list[int] = scores.argmax(dim=-1).tolist()
    warm = [n for n, sampling in enumerate(samplings) if sampling.temperature > 0]
    if warm:
        temperatures = scores.new_tensor([samplings[n].temperature for n in warm])
        probabilities = (scores[warm] / temperatures[:, None]).softmax(dim=-1)
        head = probabilities.topk(min(_HEAD, probabilities.shape[-1]), dim=-1)
        for at, n in enumerate(warm):
            top_p = samplings[n].top_p
            if top_p >= 1:
                chosen[n] = _draw(probabilities[at].double().cumsum(dim=0), draws[n])
                continue
            values, tokens = head.values[at], head.indices[at]
            if float(values.sum()) < top_p:
                values, tokens = probabilities[at].sort(descending=True)
            sums = values.double().cumsum(dim=0)
            nucleus = sums[: int((sums < top_p).sum()) + 1]
            chosen[n] = int(tokens[_draw(nucleus, draws[n])])
    return chosen


def _draw(sums: Any, draw: float) -> int:
    """Return an index by its share of the last of the running sums."""
    return min(int((sums <= draw * float(sums[-1])).sum()), len(sums) - 1)
