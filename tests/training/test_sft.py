"""The two ways to compute the loss of supervised fine-tuning."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from training_rows import WORDS, example

import tiny_model
from glotsmith.training import sft
from glotsmith.training.loop import TrainingJob
from glotsmith.training.needs import load
from glotsmith.training.presets import preset_settings
from glotsmith.training.training_report import TrainingReport

pytestmark = [pytest.mark.slow]


def train(folder: Path, packing: str) -> TrainingReport:
    texts = [example(n).completion for n in range(len(WORDS))]
    model = tiny_model.make(folder / "tiny", texts, vocabulary=300)
    loss = "all" if packing == "wrapped" else "completion"
    settings = {"max_length": 64, "batch": 4, "packing": packing, "max_steps": 3, "style": "plain", "loss": loss}
    how = preset_settings("general", settings)
    job = TrainingJob(method="sft", model=str(model), preset="general", how=how)
    return sft.sft(job, lambda: (example(n) for n in range(len(WORDS))), folder / "out", lambda _: None)


@pytest.mark.parametrize("packing", ["none", "wrapped", "bfd"])
def test_scores_in_parts_give_the_same_losses(packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(tmp_path / "whole", packing)
    monkeypatch.setattr(sft, "_MOST_SCORES", 0)
    parts = train(tmp_path / "parts", packing)
    losses = [[entry.loss for entry in (*r.stages[0].training, *r.stages[0].held_out)] for r in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert len(losses[0]) >= 3


def test_a_model_with_many_scores_uses_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[object]()
    monkeypatch.setattr(sft, "_with_whole_scores", lambda trainer: made.append(trainer) or trainer)
    train(tmp_path / "few", "none")
    assert len(made) == 1
    monkeypatch.setattr(sft, "_MOST_SCORES", 4 * 64 * 10)
    train(tmp_path / "many", "none")
    assert len(made) == 1


@pytest.mark.parametrize(
    "labels",
    [
        [[1, 2, 3, 4, 5, 6]],
        [[-100, -100, 3, 4, 5, 6]],
        [[-100, 2, -100, -100, 5, -100], [-100, -100, 3, 4, -100, -100]],
        [[1, -100, -100, -100, -100, -100], [-100, -100, -100, -100, -100, 6]],
        [[-100, -100, -100, -100, -100, -100], [-100, 2, -100, -100, -100, -100]],
    ],
)
def test_without_unused_logits_the_loss_and_the_gradients_are_the_same(labels: list[list[int]], tmp_path: Path) -> None:
    torch, transformers = load("torch"), load("transformers")
    folder = tiny_model.make(tmp_path / "tiny", ["one two three four five six"], vocabulary=300)
    model = transformers.AutoModelForCausalLM.from_pretrained(str(folder))
    inputs = {"input_ids": torch.arange(1, 7).expand(len(labels), 6), "labels": torch.tensor(labels)}
    found = []
    for given in (inputs, sft.without_unused_logits(inputs)):
        model.zero_grad()
        loss = model(**given).loss
        loss.backward()
        found.append((loss, [p.grad.clone() for p in model.parameters() if p.grad is not None]))
    assert found[0][0].item() == pytest.approx(found[1][0].item(), rel=1e-5)
    assert len(found[0][1]) == len(found[1][1]) > 0
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(found[0][1], found[1][1], strict=True))


def test_a_training_leaves_out_unused_logits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes, without = list[tuple[int, int]](), sft.without_unused_logits

    def note(inputs: Mapping[str, Any]) -> dict[str, Any]:
        given = without(inputs)
        shapes.append((len(given["logits_to_keep"]), inputs["labels"].shape[1]))
        return given

    monkeypatch.setattr(sft, "without_unused_logits", note)
    train(tmp_path, "bfd")
    assert shapes and all(0 < kept < tokens for kept, tokens in shapes)


def test_only_positions_before_a_label_have_logits() -> None:
    labels = load("torch").tensor([[-100, 2, -100, -100, 5, -100], [-100, -100, 3, -100, -100, -100]])
    given = sft.without_unused_logits({"labels": labels, "input_ids": labels})
    assert given["logits_to_keep"].tolist() == [0, 1, 3]
    assert given["shift_labels"].tolist() == [[2, -100, 5], [-100, 3, -100]]
