"""Train the stages of a training one by one. The folder of the training stores its progress (``training_folder``)."""

import gc
import math
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from glotsmith.counts import counted
from glotsmith.errors import GlotsmithError, StorageError, UsageError
from glotsmith.records import Example, Preference, Record
from glotsmith.settings import CHANGEABLE
from glotsmith.training import checkpoints, data, models, ranks
from glotsmith.training.allocator import keep_freed_memory
from glotsmith.training.budget import LossLines, TrainingProgress, budget_callback
from glotsmith.training.needs import load
from glotsmith.training.precision import Precision, choose_precision
from glotsmith.training.presets import TrainingMethod, TrainingSettings
from glotsmith.training.training_folder import (
    PREPARED,
    claim_data,
    claim_settings,
    hold_folder,
    read_record,
    write_json,
)
from glotsmith.training.training_report import (
    RECORD,
    StageReport,
    TrainingReport,
    device,
    held_out_before,
    stage_report,
    versions,
)
from glotsmith.write_aside import draft_path, write_aside

_DISK_FULL = ("No space left", "quota exceeded", "File too large", "failed writing file")  #: in errors of libraries
_STAGE = "stage.json"  #: file with the record of a stage, in the folder of its weights
_LOG_SHARE = 0.01  #: share of all steps between two progress lines
_NEARLY_ONE = 1 - 1e-9  #: for transformers, 1.0 means one step, and lower values mean a share of all steps


class TrainingJob(Record, frozen=True, kw_only=True):
    """The method, the model and the settings of a training."""

    method: TrainingMethod
    model: str  #: a folder, a GGUF file or a hub id
    preset: Annotated[str, CHANGEABLE]  #: name of the preset; ``how`` contains its settings
    how: TrainingSettings


class TrainerInput(NamedTuple):
    """The input of a trainer."""

    model: Any
    tokenizer: Any
    adapters: Any  #: configuration of new adapters, or None
    rows: Any
    validation: Any  #: held-out rows, or None
    callbacks: Sequence[Any]


MakeTrainer = Callable[[TrainerInput, dict[str, Any], TrainingSettings], Any]  #: the dict: arguments of all trainers
Notify = Callable[[str], None]


def train(
    job: TrainingJob,
    make_trainer: MakeTrainer,
    source: Callable[[], Iterable[Example]] | Callable[[], Iterable[Preference]],
    folder: Path,
    notify: Notify,
    progress: TrainingProgress | None = None,
) -> TrainingReport:
    """Train, or resume a training, and return its record. Without ``progress``, ``notify`` gets the losses.

    Raises:
        UsageError: The folder belongs to another training, another process uses it, the data has changed, the model
            does not exist, or the device's memory is too small.
        InputError: A row cannot be trained on.
        StorageError: The folder cannot be written.

    """
    try:
        return _train(job, make_trainer, source, folder, notify, progress or LossLines(notify))
    except GlotsmithError:
        raise
    except OSError as error:
        raise StorageError(f"{folder}: the training cannot be stored: {error.strerror or error}") from error
    except Exception as error:
        if isinstance(error, load("torch").OutOfMemoryError):
            raise UsageError(
                f"the device's memory is full: set a smaller micro_batch (it is {job.how.micro}) or max_length, "
                "set gradient_checkpointing = true, or train adapters (--lora)"
            ) from error
        if any(sign in str(error) for sign in _DISK_FULL):
            raise StorageError(f"{folder}: the training cannot be stored: {error}") from error
        raise


def _train(
    job: TrainingJob,
    make: MakeTrainer,
    source: Callable[[], Iterable[Any]],
    folder: Path,
    notify: Notify,
    progress: TrainingProgress,
) -> TrainingReport:
    tokenizer = models.tokenizer(job.model, job.how)
    with hold_folder(folder) if ranks.is_first_process() else nullcontext():
        if ranks.is_first_process():
            _prepare(job, source, folder, notify)
        ranks.wait_for_all()
        if not ranks.is_first_process():
            notify, progress = _ignore_message, LossLines(_ignore_message)
        return _train_stages(job, make, folder, tokenizer, notify, progress)


def _ignore_message(_: str) -> None:
    """Do nothing: only the first process prints messages."""


def _prepare(job: TrainingJob, source: Callable[[], Iterable[Any]], folder: Path, notify: Notify) -> None:
    """Claim the folder for the training, and write the data into it."""
    claim_settings(folder, job)
    before = held_out_before(job.model)
    prepared = data.prepare_data(source, job.how, folder / "data", before)
    claim_data(folder, prepared)
    if again := len(before.intersection(prepared.held_out)):
        problems = counted(len(prepared.held_out), "problem")
        notify(f"Held out again: {again} of {problems}, on which {job.model} was not trained")


def _train_stages(
    job: TrainingJob, make: MakeTrainer, folder: Path, tokenizer: Any, notify: Notify, progress: TrainingProgress
) -> TrainingReport:
    if not models.on_gpu():
        keep_freed_memory()
    prepared = read_record(folder / PREPARED, data.PreparedData)
    done: list[StageReport] = []
    for number in range(len(prepared.stages)):
        stage = _Stage(job, folder, prepared, number, tokenizer)
        done.append(stage.report or stage.train(make, notify, progress))
        progress.on_stage_finished(number + 1, done[-1].steps)
        _free_memory()
        notify(_stage_sentence(done[-1], number, len(prepared.stages)))
    report = TrainingReport(
        method=job.method,
        model=job.model,
        preset=job.preset,
        settings=job.how,
        data=prepared,
        stages=tuple(done),
        versions=versions(),
        device=device(),
        dequantised=str(models.gguf_file(job.model) or ""),
    )
    if ranks.is_first_process():
        _finish(job, folder, tokenizer, len(done), report)
    ranks.wait_for_all()
    return read_record(folder / "model" / RECORD, TrainingReport)


def _free_memory() -> None:
    """Free the memory of a stage's model and optimizer, which are in reference cycles, for the next stage."""
    gc.collect()
    if models.on_gpu():
        load("torch").cuda.empty_cache()


def _loss_text(loss: float | None) -> str:
    return "not finite" if loss is None else f"{loss:.4f}"


def _stage_sentence(stage: StageReport, number: int, count: int) -> str:
    apart = f", {stage.chosen_loss:.4f} on held-out problems" if stage.chosen_loss is not None else ""
    last = _loss_text(stage.training[-1].loss) if stage.training else "not logged"
    cut = f"; {counted(stage.too_long, 'row', 'was')} truncated at max_length" if stage.too_long else ""
    cut += f", {stage.lost} of them without any of the reply" if stage.lost else ""
    why = f" ({stage.stopped})" if stage.stopped else ""
    return (
        f"Stage {number + 1} of {count}: {counted(stage.steps, 'step')}{why}, loss {last}; "
        f"kept the weights of step {stage.chosen_step}{apart}{cut}"
    )


# -------------------------------------------------------------------------------------------- result


def _finish(job: TrainingJob, folder: Path, tokenizer: Any, stages: int, report: TrainingReport) -> None:
    """Write the final folder, in one step: the result of the training and its record."""
    target, last = folder / "model", folder / "stages" / str(stages) / "model"
    if target.exists():
        return
    data.remove_caches(folder / "data")
    with write_aside(target) as draft:
        if job.how.lora_rank or job.how.trained_share < 1:
            models.save_whole(models.open_result(job.model, job.how, last), tokenizer, draft, job.how)
        else:
            shutil.copytree(last, draft, copy_function=_link)
            (draft / _STAGE).unlink()
        write_json(draft / RECORD, report)


def _link(source: str, target: str) -> None:
    """Link a file of weights, or copy it if the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


# --------------------------------------------------------------------------------------------- stage


def _set_checkpoint_interval(trainer: Any, settings: TrainingSettings) -> None:
    """Set the steps between two checkpoints; transformers takes a share of ``max_steps``, not of the epochs."""
    of_epoch = math.ceil(len(trainer.train_dataset) / trainer.get_total_train_batch_size(trainer.args))
    steps = min(math.ceil(of_epoch / settings.checkpoints), settings.max_steps)
    trainer.args.save_steps = trainer.args.eval_steps = steps


class _Stage:
    """One stage of a training."""

    def __init__(
        self, job: TrainingJob, folder: Path, prepared: data.PreparedData, number: int, tokenizer: Any
    ) -> None:
        self._job, self._tokenizer, self._number = job, tokenizer, number
        self._split = prepared.stages[number]
        self._data = folder / "data"
        self._validation = prepared.validation
        self._folder = folder / "stages" / str(number + 1)
        self._checkpoints = self._folder / "checkpoints"
        self._before = folder / "stages" / str(number) / "model" if number else None

    @property
    def report(self) -> StageReport | None:
        """The record of the stage; None if the stage is not finished."""
        file = self._folder / "model" / _STAGE
        return read_record(file, StageReport) if file.is_file() else None

    def train(self, make: MakeTrainer, notify: Notify, progress: TrainingProgress) -> StageReport:
        """Train the stage, or resume from its last checkpoint, and store its weights."""
        settings = self._job.how
        cut = self._open_truncated(self._split.train, "no row has")
        budget = budget_callback(settings, self._number + 1, progress)
        trainee = self._trainer_input(cut.rows, budget)
        precision = choose_precision(self._folder.parent.parent, trainee.model, settings)
        notify(f"Precision: {precision.description}")
        trainer = make(trainee, self._arguments(precision), settings)
        trainer.remove_callback(load("transformers").PrinterCallback)
        if not len(trainer.train_dataset):  # TRL may count one token more than ``truncate``
            raise self._too_short_error("no row has")
        if settings.max_steps:
            _set_checkpoint_interval(trainer, settings)
        start = time.monotonic()
        trainer.train(resume_from_checkpoint=self._resumed_checkpoint(notify))
        stopped = budget.stopped or _step_limit_note(settings, trainer.state.global_step)
        report = stage_report(trainer.state, self._split.stage, time.monotonic() - start, stopped)
        report = msgspec.structs.replace(report, too_long=cut.too_long, lost=cut.lost, precision=precision.description)
        self._store_weights(trainer, report)
        return report

    def _open_truncated(self, file: str, none_has: str) -> data.TruncatedRows:
        """Return the rows of a file as tokens, without rows that lose their whole reply by truncation."""
        settings = self._job.how
        cut = data.truncate(data.open_rows(self._data / file), self._tokenizer, settings)
        if not len(cut.rows):
            raise self._too_short_error(none_has)
        return cut._replace(rows=data.tokenize(cut.rows, self._tokenizer, settings))

    def _too_short_error(self, none_has: str) -> UsageError:
        limit = self._job.how.max_length
        return UsageError(
            f"{none_has} tokens to learn within max_length = {counted(limit, 'token')}: increase max_length"
        )

    def _trainer_input(self, rows: Any, budget: Any) -> TrainerInput:
        settings = self._job.how
        held_out = self._open_truncated(self._validation, "none of the held-out rows has") if self._validation else None
        if settings.lora_rank:
            model = models.open_model(self._job.model, settings, self._before)
        else:
            model = models.open_model(str(self._before or self._job.model), settings)
        if settings.style == "chat":
            models.end_turns(model, self._tokenizer)
        return TrainerInput(
            model=model,
            tokenizer=self._tokenizer,
            adapters=None if self._before else models.lora(settings),
            rows=rows,
            validation=held_out.rows if held_out else None,
            callbacks=[budget],
        )

    def _arguments(self, precision: Precision) -> dict[str, Any]:
        """Return the arguments that all trainers have in common (``TrainingArguments`` of transformers)."""
        settings, dpo = self._job.how, self._job.method == "dpo"
        epochs = settings.dpo_epochs if dpo else settings.epochs_of(self._split.stage)
        interval = min(1 / (epochs * settings.checkpoints), _NEARLY_ONE)
        when = {"eval_strategy": "steps", "eval_steps": interval} if self._validation else {"eval_strategy": "no"}
        return {
            **when,
            "output_dir": str(self._checkpoints),
            "seed": settings.seed,
            "data_seed": settings.seed,
            "num_train_epochs": epochs,
            "max_steps": settings.max_steps or -1,
            "per_device_train_batch_size": settings.micro,
            "per_device_eval_batch_size": settings.micro,
            "gradient_accumulation_steps": _accumulation(settings),
            "learning_rate": settings.dpo_learning_rate if dpo else settings.learning_rate,
            "lr_scheduler_type": settings.schedule,
            "warmup_steps": settings.warmup,
            "optim": settings.optimizer,
            "weight_decay": settings.weight_decay,
            "max_grad_norm": settings.max_grad_norm,
            "max_length": settings.max_length,
            "activation_checkpointing": settings.gradient_checkpointing,
            "bf16": precision.bf16,
            "use_cpu": not models.on_gpu(),
            "save_strategy": "steps",
            "save_steps": interval,
            "save_total_limit": 2,
            "load_best_model_at_end": bool(self._validation),
            "metric_for_best_model": "eval_loss" if self._validation else None,
            "greater_is_better": False if self._validation else None,
            "include_num_input_tokens_seen": "non_padding",
            "logging_first_step": True,
            "logging_steps": _LOG_SHARE,
            "report_to": "none",
            "disable_tqdm": True,
        }

    def _resumed_checkpoint(self, notify: Notify) -> str | None:
        """Return the checkpoint to resume from."""
        if ranks.is_first_process():
            checkpoints.last_complete(self._checkpoints)
        ranks.wait_for_all()
        found = checkpoints.list_checkpoints(self._checkpoints)
        if not found:
            return None
        notify(f"Resuming from step {checkpoints.step_of(found[-1])} of stage {self._number + 1}")
        return str(found[-1])

    def _store_weights(self, trainer: Any, report: StageReport) -> None:
        target = self._folder / "model"
        first = ranks.is_first_process()
        with write_aside(target) if first else nullcontext(draft_path(target)) as draft:
            ranks.wait_for_all()
            models.save(trainer, draft)  # in all processes, because each may have a part of the weights
            ranks.wait_for_all()
            if first:
                write_json(draft / _STAGE, report)
        if first:
            shutil.rmtree(self._checkpoints, ignore_errors=True)
        ranks.wait_for_all()


def _accumulation(settings: TrainingSettings) -> int:
    """Return the number of backward passes for each optimizer step.

    Raises:
        UsageError: The batch cannot be divided into equal parts.

    """
    processes = ranks.process_count()
    passes = settings.batch / (settings.micro * processes)
    if passes != math.floor(passes):
        raise UsageError(
            f"batch = {settings.batch} is not a multiple of {processes} x {settings.micro} sequences: set micro_batch"
        )
    return int(passes)


def _step_limit_note(settings: TrainingSettings, steps: int) -> str:
    return f"max_steps = {settings.max_steps}" if settings.max_steps and steps >= settings.max_steps else ""
