"""Supervised fine-tuning, with TRL's SFTTrainer."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from glotsmith.records import Example
from glotsmith.training.loop import Job, Say, Trainee, train
from glotsmith.training.needs import load
from glotsmith.training.presets import Settings
from glotsmith.training.ranks import one_device
from glotsmith.training.training_report import TrainingReport


def sft(job: Job, source: Callable[[], Iterable[Example]], folder: Path, say: Say = print) -> TrainingReport:
    """Train on verified programs; see ``loop.train`` for what it raises."""
    return train(job, _trainer, source, folder, say)


def _trainer(trainee: Trainee, arguments: dict[str, Any], how: Settings) -> Any:
    trl = load("trl")
    return trl.SFTTrainer(
        model=trainee.model,
        args=one_device(
            trl.SFTConfig(
                **arguments,
                packing=how.packing != "none",
                packing_strategy=how.packing if how.packing != "none" else "bfd",
                completion_only_loss=None if how.style == "plain" and how.loss == "all" else how.loss == "completion",
                shuffle_dataset=True,
            )
        ),
        train_dataset=trainee.rows,
        eval_dataset=trainee.validation,
        processing_class=trainee.tokenizer,
        peft_config=trainee.adapters,
        callbacks=list(trainee.callbacks),
    )
