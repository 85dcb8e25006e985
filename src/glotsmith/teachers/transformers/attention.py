"""Attention for decoding on a processor: faster than PyTorch's for one query, with grouped heads.

PyTorch's kernel for processors works on blocks of queries, and a step of decoding has one query. Two matrix products
with all query heads of a group are faster, and do not copy keys and values for each head
(``benchmarks/transformers_teacher.py``).
"""

from importlib import import_module
from typing import Any

NAME = "glotsmith_grouped"


def use_grouped_attention(model: Any) -> bool:
    """Select this attention for a model on a processor, if the model's own is plain; return whether it is selected."""
    if model.device.type != "cpu" or not _is_plain(model):
        return False
    library: Any = import_module("transformers")
    masks: Any = import_module("transformers.masking_utils")
    library.AttentionInterface.register(NAME, grouped_attention)
    masks.AttentionMaskInterface.register(NAME, masks.eager_mask)
    model.set_attn_implementation(NAME)
    return True


def _is_plain(model: Any) -> bool:
    """Return whether scores are neither capped (Gemma 2) nor joined by sinks (gpt-oss)."""
    config = model.config
    capped = getattr(config, "attn_logit_softcapping", None) is not None
    sinks = any(name.endswith("sinks") for name, _ in model.named_parameters())
    return getattr(config, "_attn_implementation", "") == "sdpa" and not capped and not sinks


def grouped_attention(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Any, None]:
    """Return the outputs of attention, (rows, queries, heads, width), and no weights.

    Args:
        module: the layer; not used.
        query: (rows, heads, queries, width).
        key: (rows, groups, columns, width); heads are a multiple of groups.
        value: as ``key``.
        attention_mask: added to the scores, (rows, 1, queries, columns), or None.
        scaling: the factor of the scores; default: 1 / sqrt(width).

    """
    rows, heads, queries, width = query.shape
    groups = key.shape[1]
    grouped = (query * (width**-0.5 if scaling is None else scaling)).reshape(rows, groups, -1, width)
    scores = grouped @ key.transpose(-1, -2)
    if attention_mask is not None:
        of_heads = scores.reshape(rows, groups, heads // groups, queries, -1) + attention_mask[:, :, None]
        scores = of_heads.reshape(scores.shape)
    weights = scores.float().softmax(dim=-1).to(value.dtype)
    return (weights @ value).reshape(query.shape).transpose(1, 2).contiguous(), None
