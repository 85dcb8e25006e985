"""Supervised fine-tuning, with TRL's SFTTrainer."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from glotsmith.records import Example
from glotsmith.training.loop import Notify, TrainerInput, TrainingJob, train
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings
from glotsmith.training.ranks import use_one_device
from glotsmith.training.training_report import TrainingReport


def sft(job: TrainingJob, source: Callable[[], Iterable[Example]], folder: Path, say: Notify = print) -> TrainingReport:
    """Train on verified programs. Raises the exceptions of ``loop.train``."""
    return train(job, _trainer, source, folder, say)


def _trainer(trainee: TrainerInput, arguments: dict[str, Any], settings: TrainingSettings) -> Any:
    trl = load("trl")
    return trl.SFTTrainer(
        model=trainee.model,
        args=use_one_device(
            trl.SFTConfig(
                **arguments,
                packing=settings.packing != "none",
                packing_strategy=settings.packing if settings.packing != "none" else "bfd",
                completion_only_loss=None
                if settings.style == "plain" and settings.loss == "all"
                else settings.loss == "completion",
                shuffle_dataset=True,
            )
        ),
        train_dataset=trainee.rows,
        eval_dataset=trainee.validation,
        processing_class=trainee.tokenizer,
        peft_config=trainee.adapters,
        callbacks=list(trainee.callbacks),
    )
