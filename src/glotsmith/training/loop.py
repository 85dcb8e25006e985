"""Train stage by stage, in a folder that says how far it came.

settings.json   what determines the result; compared at each start
data/           the rows, split and sorted
stages/N/       checkpoints while a stage is trained; its weights once it is done
model/          the weights of the last stage, with training.json: the record
"""

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import msgspec

from glotsmith.errors import StorageError, UsageError
from glotsmith.records import Example, Preference, Record
from glotsmith.training import data, models
from glotsmith.training.needs import load
from glotsmith.training.presets import Settings
from glotsmith.training.report import StageReport, TrainingReport, device, stage_report, versions

Method = Literal["sft", "dpo"]
_NEARLY_ONE = 1 - 1e-9  #: transformers takes 1.0 for one step, and what is below for a share of all


class Job(Record, frozen=True, kw_only=True):
    """One training."""

    method: Method
    model: str  #: a folder or a hub id
    preset: str
    how: Settings


class Trainee(NamedTuple):
    """What a trainer is made of."""

    model: Any
    tokenizer: Any
    adapters: Any  #: configuration of fresh ones, or None
    rows: Any
    validation: Any  #: rows, or None
    callbacks: Sequence[Any]


Make = Callable[[Trainee, dict[str, Any], Settings], Any]  #: makes a trainer of common arguments
Say = Callable[[str], None]


def train(
    job: Job,
    make: Make,
    source: Callable[[], Iterable[Example]] | Callable[[], Iterable[Preference]],
    folder: Path,
    say: Say,
) -> TrainingReport:
    """Train, or go on where it was left; return the record.

    Raises:
        UsageError: the folder belongs to another training, the data changed, or something named is not there.
        InputError: a row can't be trained on.
        StorageError: the folder can't be written.

    """
    try:
        return _train(job, make, source, folder, say)
    except OSError as error:
        raise StorageError(f"{folder}: the training can't be stored: {error.strerror or error}") from error


def _train(job: Job, make: Make, source: Callable[[], Iterable[Any]], folder: Path, say: Say) -> TrainingReport:
    _claim(folder, job)
    tokenizer = models.tokenizer(job.model, job.how)
    prepared = data.prepare(source, job.how, folder / "data")
    _same_data(folder, prepared)
    done: list[StageReport] = []
    for number in range(len(prepared.stages)):
        stage = _Stage(job, folder, prepared, number, tokenizer)
        done.append(stage.report or stage.train(make, say))
        say(_told(done[-1], number, len(prepared.stages)))
    report = TrainingReport(
        method=job.method,
        model=job.model,
        preset=job.preset,
        settings=job.how,
        data=prepared,
        stages=tuple(done),
        versions=versions(),
        device=device(),
    )
    _finish(job, folder, tokenizer, len(done), report)
    return report


def _told(stage: StageReport, number: int, count: int) -> str:
    held = f", {stage.chosen_loss:.4f} on held-out problems" if stage.chosen_loss is not None else ""
    last = f"{stage.training[-1].loss:.4f}" if stage.training else "not logged"
    cut = f"; {stage.too_long} rows were cut at max_length" if stage.too_long else ""
    cut += f", and {stage.lost} of them lost their whole reply" if stage.lost else ""
    why = f" ({stage.stopped})" if stage.stopped else ""
    return (
        f"Stage {number + 1} of {count}: {stage.steps} steps{why}, loss {last}; "
        f"kept the weights of step {stage.chosen_step}{held}{cut}"
    )


# -------------------------------------------------------------------------------------------- folder


def _claim(folder: Path, job: Job) -> None:
    """Take a folder for a training, or go on in it.

    Raises:
        UsageError: it holds another training, or something else.

    """
    file, wanted = folder / "settings.json", json.loads(msgspec.json.encode(job))  # as it is stored: tuples as lists
    if file.is_file():
        stored = dict(_leaves(json.loads(file.read_text("utf-8"))))
        asked = dict(_leaves(wanted))
        changed = [name for name in sorted(stored.keys() | asked.keys()) if stored.get(name) != asked.get(name)]
        if changed:
            told = "; ".join(
                f"{n} was {stored.get(n, 'as by default')} and is now {asked.get(n, 'as by default')}" for n in changed
            )
            raise UsageError(f"{folder}: the settings have changed: {told}. Choose another folder, or delete this one")
        return
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: the folder holds something else: choose a new or empty one")
    folder.mkdir(parents=True, exist_ok=True)
    _write(file, wanted)


def _leaves(table: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(cast(dict[str, Any], value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _same_data(folder: Path, prepared: data.Prepared) -> None:
    file = folder / "data" / "prepared.json"
    if file.is_file() and msgspec.json.decode(file.read_bytes(), type=data.Prepared) != prepared:
        raise UsageError(f"{folder}: the dataset has changed since this training began: choose another folder")
    _write(file, prepared)


def _write(file: Path, value: Any) -> None:
    draft = file.with_name(f".{file.name}.part")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    draft.replace(file)


def _finish(job: Job, folder: Path, tokenizer: Any, stages: int, report: TrainingReport) -> None:
    """Put the last stage's weights where they are looked for, whole, with the record beside them."""
    target, last = folder / "model", folder / "stages" / str(stages) / "model"
    if target.exists():
        return
    for cached in (folder / "data").glob("cache-*"):
        cached.unlink()
    draft = folder / ".model.part"
    shutil.rmtree(draft, ignore_errors=True)
    if job.how.lora_rank:
        models.save_merged(models.open_model(job.model, job.how, last), tokenizer, draft)
    else:
        shutil.copytree(last, draft, copy_function=_link)
    _write(draft / "training.json", report)
    draft.replace(target)


def _link(source: str, target: str) -> None:
    """Link a file of weights rather than copy it, where the file system can."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


# --------------------------------------------------------------------------------------------- stage


class _Stage:
    """One stage of a training."""

    def __init__(self, job: Job, folder: Path, prepared: data.Prepared, number: int, tokenizer: Any) -> None:
        self._job, self._tokenizer, self._number = job, tokenizer, number
        self._split = prepared.stages[number]
        self._data = folder / "data"
        self._validation = prepared.validation
        self._folder = folder / "stages" / str(number + 1)
        self._before = folder / "stages" / str(number) / "model" if number else None

    @property
    def report(self) -> StageReport | None:
        """What became of it; None while it is not done."""
        file = self._folder / "model" / "stage.json"
        return msgspec.json.decode(file.read_bytes(), type=StageReport) if file.is_file() else None

    def train(self, make: Make, say: Say) -> StageReport:
        """Train it, or go on from its last checkpoint, and store its weights."""
        how = self._job.how
        rows = data.open_rows(self._data / self._split.train)
        too_long = data.too_long(rows, self._tokenizer, how.max_length)
        budget = _budget(how, say)
        trainer = make(self._trainee(rows, budget), self._arguments(), how)
        trainer.remove_callback(load("transformers").PrinterCallback)
        left = len(trainer.train_dataset)
        if not left:
            raise UsageError(f"no row has anything to learn within max_length = {how.max_length} tokens: raise it")
        begun = time.monotonic()
        trainer.train(resume_from_checkpoint=self._resume(say))
        report = stage_report(trainer.state, self._split.stage, time.monotonic() - begun, budget.stopped)
        lost = self._split.rows - left if how.packing == "none" else 0
        report = msgspec.structs.replace(report, too_long=too_long, lost=lost)
        self._store(trainer, report)
        return report

    def _trainee(self, rows: Any, budget: Any) -> Trainee:
        how = self._job.how
        if how.lora_rank:
            model = models.open_model(self._job.model, how, self._before)
        else:
            model = models.open_model(str(self._before or self._job.model), how)
        return Trainee(
            model=model,
            tokenizer=self._tokenizer,
            adapters=None if self._before else models.lora(how),
            rows=rows,
            validation=data.open_rows(self._data / self._validation) if self._validation else None,
            callbacks=[budget],
        )

    def _arguments(self) -> dict[str, Any]:
        """Return what all trainers take: transformers' ``TrainingArguments``."""
        how, dpo = self._job.how, self._job.method == "dpo"
        epochs = how.dpo_epochs if dpo else how.epochs_of(self._number)
        interval = min(1 / (epochs * how.checkpoints), _NEARLY_ONE)
        when = {"eval_strategy": "steps", "eval_steps": interval} if self._validation else {"eval_strategy": "no"}
        return {
            **when,
            "output_dir": str(self._folder / "checkpoints"),
            "seed": how.seed,
            "data_seed": how.seed,
            "num_train_epochs": epochs,
            "max_steps": how.max_steps or -1,
            "per_device_train_batch_size": how.micro,
            "per_device_eval_batch_size": how.micro,
            "gradient_accumulation_steps": _accumulation(how),
            "learning_rate": how.dpo_learning_rate if dpo else how.learning_rate,
            "lr_scheduler_type": how.schedule,
            "warmup_steps": how.warmup,
            "optim": how.optimizer,
            "weight_decay": how.weight_decay,
            "max_grad_norm": how.max_grad_norm,
            "max_length": how.max_length,
            "activation_checkpointing": how.gradient_checkpointing,
            "bf16": models.has_bf16(),
            "use_cpu": not models.on_gpu(),
            "save_strategy": "steps",
            "save_steps": interval,
            "save_total_limit": 2,
            "load_best_model_at_end": bool(self._validation),
            "metric_for_best_model": "eval_loss" if self._validation else None,
            "greater_is_better": False if self._validation else None,
            "include_num_input_tokens_seen": "non_padding",
            "logging_first_step": True,
            "report_to": "none",
            "disable_tqdm": True,
        }

    def _resume(self, say: Say) -> str | None:
        """Return the last whole checkpoint; one that a kill cut short goes."""
        found = sorted(self._folder.glob("checkpoints/checkpoint-*"), key=lambda f: int(f.name.rpartition("-")[2]))
        while found and not _is_whole(found[-1]):
            shutil.rmtree(found.pop())
        if not found:
            return None
        say(f"Going on from step {found[-1].name.rpartition('-')[2]} of stage {self._number + 1}")
        return str(found[-1])

    def _store(self, trainer: Any, report: StageReport) -> None:
        draft, target = self._folder / ".model.part", self._folder / "model"
        shutil.rmtree(draft, ignore_errors=True)
        models.save(trainer, draft)
        _write(draft / "stage.json", report)
        draft.replace(target)
        shutil.rmtree(self._folder / "checkpoints", ignore_errors=True)


def _accumulation(how: Settings) -> int:
    """Return the backward passes an optimizer step.

    Raises:
        UsageError: the batch can't be shared out evenly.

    """
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    passes = how.batch / (how.micro * ranks)
    if passes != math.floor(passes):
        raise UsageError(f"a batch of {how.batch} can't be made of {ranks} x {how.micro} sequences: set micro_batch")
    return int(passes)


def _is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was written to its end, which is the trainer's state."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _budget(how: Settings, say: Say) -> Any:
    """Return the callback that tells of losses, ends a stage in time, and looks at held-out problems at its end."""

    class Budget(load("transformers").TrainerCallback):
        stopped = ""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._end = time.monotonic() + how.max_minutes * 60

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            told = {"loss": "loss", "eval_loss": "loss on held-out problems"}
            for name, words in told.items():
                if name in logs:
                    say(f"step {state.global_step} of {state.max_steps}: {words} {float(logs[name]):.4f}")

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if how.max_minutes and time.monotonic() >= self._end and state.global_step < state.max_steps:
                self.stopped = f"max_minutes = {how.max_minutes:g}"
                control.should_training_stop = True
                control.should_save = True
            if how.max_steps and state.global_step >= state.max_steps:
                self.stopped = f"max_steps = {how.max_steps}"
            if control.should_training_stop or state.global_step >= state.max_steps:
                control.should_log = True
                control.should_evaluate = args.eval_strategy != "no"

    return Budget()
