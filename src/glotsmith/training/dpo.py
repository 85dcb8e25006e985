"""Direct preference optimisation with TRL's DPOTrainer. The reference model is the initial model."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from glotsmith.records import Preference
from glotsmith.training.budget import TrainingProgress
from glotsmith.training.loop import Notify, TrainerInput, TrainingJob, train
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings
from glotsmith.training.ranks import use_one_device
from glotsmith.training.training_report import TrainingReport


def dpo(
    job: TrainingJob,
    source: Callable[[], Iterable[Preference]],
    folder: Path,
    say: Notify = print,
    progress: TrainingProgress | None = None,
) -> TrainingReport:
    """Train on preference pairs. Raises the exceptions of ``loop.train``."""
    return train(job, _make_trainer, source, folder, say, progress)


def _make_trainer(trainee: TrainerInput, arguments: dict[str, Any], settings: TrainingSettings) -> Any:
    trl = load("trl")
    return trl.DPOTrainer(
        model=trainee.model,
        args=use_one_device(trl.DPOConfig(**arguments, beta=settings.beta)),
        train_dataset=trainee.rows,
        eval_dataset=trainee.validation,
        processing_class=trainee.tokenizer,
        peft_config=trainee.adapters,
        callbacks=list(trainee.callbacks),
    )
