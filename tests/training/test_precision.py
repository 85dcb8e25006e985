"""The precision that a training computes in."""

from pathlib import Path
from typing import Any

import pytest
from training_rows import WORDS, example

import tiny_model
from glotsmith.training import models, precision
from glotsmith.training.needs import load
from glotsmith.training.precision import Precision, choose_precision
from glotsmith.training.presets import preset_settings

pytestmark = [pytest.mark.slow]
HOW = preset_settings("general", {"max_length": 64})


@pytest.fixture
def model(tmp_path: Path) -> Any:
    texts = [example(n).completion for n in range(len(WORDS))]
    return models.open_model(str(tiny_model.make(tmp_path / "tiny", texts, vocabulary=300)), HOW)


def test_a_small_model_is_not_measured(model: Any, tmp_path: Path) -> None:
    assert choose_precision(tmp_path, model, HOW) == Precision(bf16=False)
    assert not (tmp_path / precision.PRECISION).exists()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_dtype_that_is_set_is_not_measured(
    model: Any, tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_SMALL", 0)
    how = preset_settings("general", {"max_length": 64, "dtype": dtype})
    assert choose_precision(tmp_path, model, how) == Precision(bf16=False)


def test_the_measurement_changes_neither_weights_nor_random_state_and_is_kept(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = load("torch")
    monkeypatch.setattr(precision, "_SMALL", 0)
    before = {name: weights.clone() for name, weights in model.state_dict().items()}
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = choose_precision(tmp_path, model, HOW)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(weights, before[name]) for name, weights in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert min(first.float32_tokens_s, first.bfloat16_tokens_s) > 0
    monkeypatch.setattr(precision, "_tokens_per_second", None)  # a second measurement would fail
    assert choose_precision(tmp_path, model, HOW) == first


@pytest.mark.parametrize(
    ("single", "half", "bf16", "words"),
    [
        (100.0, 230.0, True, "bfloat16 autocast (measured: 230 tokens a second in bfloat16, 100 in float32)"),
        (100.0, 119.0, False, "float32 (measured: 119 tokens a second in bfloat16, 100 in float32)"),
        (100.0, 20.0, False, "float32 (measured: 20 tokens a second in bfloat16, 100 in float32)"),
    ],
)
def test_bfloat16_must_be_faster(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, single: float, half: float, bf16: bool, words: str
) -> None:
    monkeypatch.setattr(precision, "_SMALL", 0)
    monkeypatch.setattr(precision, "_tokens_per_second", lambda *_, bf16: half if bf16 else single)
    found = choose_precision(tmp_path, model, HOW)
    assert (found.bf16, found.description) == (bf16, words)
