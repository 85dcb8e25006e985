"""Direct preference optimisation, with TRL's DPOTrainer; the reference is the model that it starts from."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from glotsmith.records import Preference
from glotsmith.training.loop import Job, Say, Trainee, train
from glotsmith.training.needs import load
from glotsmith.training.presets import Settings
from glotsmith.training.ranks import one_device
from glotsmith.training.training_report import TrainingReport


def dpo(job: Job, source: Callable[[], Iterable[Preference]], folder: Path, say: Say = print) -> TrainingReport:
    """Train on preference pairs; see ``loop.train`` for what it raises."""
    return train(job, _trainer, source, folder, say)


def _trainer(trainee: Trainee, arguments: dict[str, Any], how: Settings) -> Any:
    trl = load("trl")
    return trl.DPOTrainer(
        model=trainee.model,
        args=one_device(trl.DPOConfig(**arguments, beta=how.beta)),
        train_dataset=trainee.rows,
        eval_dataset=trainee.validation,
        processing_class=trainee.tokenizer,
        peft_config=trainee.adapters,
        callbacks=list(trainee.callbacks),
    )
