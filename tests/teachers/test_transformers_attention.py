"""The attention of the in-process teacher, in comparison with that of the library."""

from pathlib import Path
from typing import Any

import pytest

from glotsmith.teachers.transformers.attention import NAME, grouped_attention, use_grouped_attention
from small_model import random_model

pytestmark = pytest.mark.slow  # loading a model's libraries takes seconds


@pytest.mark.parametrize(("heads", "groups", "queries"), [(4, 4, 1), (9, 3, 1), (8, 2, 5), (4, 1, 7)])
@pytest.mark.parametrize("masked", [True, False])
def test_outputs_are_those_of_pytorch(heads: int, groups: int, queries: int, masked: bool) -> None:
    import torch

    torch.manual_seed(1)
    query = torch.randn(3, heads, queries, 16)
    key, value = torch.randn(3, groups, 11, 16), torch.randn(3, groups, 11, 16)
    mask = torch.where(torch.rand(3, 1, queries, 11) < 0.3, -1e9, 0.0) if masked else None
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, mask, enable_gqa=True)
    assert torch.allclose(grouped_attention(None, query, key, value, mask)[0], expected.transpose(1, 2), atol=1e-5)


def logits(model: Any, ids: Any, mask: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=mask).logits


@pytest.mark.parametrize("kind", ["llama", "mistral"])
def test_a_model_gives_the_same_scores(kind: str, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(random_model(tmp_path, kind)).eval()
    ids, mask = torch.randint(1, 200, (2, 40)), torch.ones(2, 40, dtype=torch.long)
    mask[0, :9] = 0
    before = logits(model, ids, mask)
    assert use_grouped_attention(model)
    assert model.config._attn_implementation == NAME
    assert torch.allclose(logits(model, ids, mask)[:, 9:], before[:, 9:], atol=1e-3)


def test_capped_scores_are_left_to_the_library(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(random_model(tmp_path, "llama"))
    model.config.attn_logit_softcapping = 50.0
    assert not use_grouped_attention(model)
