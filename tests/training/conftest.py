"""A tiny model, and a training of it that takes a second."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from training_rows import QUICK, ROWS, Train

import tiny_model
from glotsmith.training.presets import preset_settings
from glotsmith.training.training_report import TrainingReport

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from glotsmith.training.needs import silence_libraries

    silence_libraries()
    texts = [row.prompt + row.completion + row.messages[0]["content"] for row in ROWS]
    return tiny_model.make(tmp_path_factory.mktemp("tiny"), texts, vocabulary=300)


@pytest.fixture
def train(tiny: Path, tmp_path: Path) -> Train:
    def run(
        rows: Sequence[Any] = ROWS, folder: str = "out", *, method: Any = "sft", model: Path = tiny,
        messages: list[str] | None = None, **changes: Any,
    ) -> TrainingReport:  # fmt: skip
        from glotsmith.training import dpo, sft
        from glotsmith.training.loop import TrainingJob

        job = TrainingJob(
            method=method, model=str(model), preset="general", how=preset_settings("general", QUICK | changes)
        )
        say = (messages if messages is not None else []).append
        return {"sft": sft.sft, "dpo": dpo.dpo}[method](job, lambda: iter(rows), tmp_path / folder, say)

    return run
