"""Supervised fine-tuning with TRL's SFTTrainer."""

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from glotsmith.records import Example
from glotsmith.training.budget import TrainingProgress
from glotsmith.training.loop import Notify, TrainerInput, TrainingJob, train
from glotsmith.training.models import on_gpu
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings
from glotsmith.training.ranks import use_one_device
from glotsmith.training.training_report import TrainingReport

_NO_LABEL = -100  #: label of a token without a loss, in transformers
_MOST_SCORES = 2**28  #: largest number of logits of a step: 1 GiB in float32, and the same size for the gradient


def sft(
    job: TrainingJob,
    source: Callable[[], Iterable[Example]],
    folder: Path,
    say: Notify = print,
    progress: TrainingProgress | None = None,
) -> TrainingReport:
    """Train on verified programs. Raises the exceptions of ``loop.train``."""
    return train(job, _make_trainer, source, folder, say, progress)


def _make_trainer(trainee: TrainerInput, arguments: dict[str, Any], settings: TrainingSettings) -> Any:
    trl = load("trl")
    vocabulary = trainee.model.get_input_embeddings().num_embeddings
    whole = not on_gpu() and settings.micro * settings.max_length * vocabulary <= _MOST_SCORES
    kind: Any = _with_whole_scores(trl.SFTTrainer) if whole else trl.SFTTrainer
    return kind(
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


def _with_whole_scores(trainer: Any) -> Any:
    """Return the trainer with the loss of transformers, and only with the logits that the loss uses.

    TRL computes the logits in parts, and again in the backward pass. That saves memory, but on a CPU it takes a
    fifth of the training time of a small model (``benchmarks/training_precision.py``).
    """

    class WholeScores(trainer):
        def compute_loss(self, model: Any, inputs: Any, *arguments: Any, **more: Any) -> Any:
            accepted = signature(self.accelerator.unwrap_model(model).forward).parameters
            if "logits_to_keep" in accepted and self.model_accepts_loss_kwargs:
                inputs = without_unused_logits(inputs)
            return super(trainer, self).compute_loss(model, inputs, *arguments, **more)

    return WholeScores


def without_unused_logits(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a causal model, restricted to the logits of positions whose next token has a label.

    Args:
        inputs: ``labels`` of shape [sequences, tokens], -100 for tokens without a loss, and other inputs.

    """
    labels = load("torch").nn.functional.pad(inputs["labels"], (0, 1), value=_NO_LABEL)[:, 1:]
    used = (labels != _NO_LABEL).any(dim=0).nonzero().flatten()
    return {**inputs, "logits_to_keep": used, "shift_labels": labels[:, used].contiguous()}
