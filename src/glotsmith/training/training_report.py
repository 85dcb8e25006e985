"""The record of a training, stored with the weights: data, settings, chosen checkpoints and losses."""

import math
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from glotsmith.records import Record
from glotsmith.training import ranks
from glotsmith.training.data import PreparedData
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings

RECORD = "training.json"  #: file name of the record, in the folder of the weights
_LIBRARIES = ("glotsmith", "torch", "transformers", "trl", "peft", "accelerate", "datasets")


class LoggedLoss(Record, frozen=True, kw_only=True):
    """The loss at a step."""

    step: int
    loss: float | None  #: nats per token, or the loss of DPO; None if it is not finite, because the training diverges


class StageReport(Record, frozen=True, kw_only=True):
    """The result of one stage."""

    stage: int  #: number of the stage, as in ``Example.stage``
    steps: int  #: number of optimizer steps
    chosen_step: int  #: step whose weights are kept: that with the lowest held-out loss, or the last one
    chosen_loss: float | None = None  #: its loss on the held-out problems; None without them, or if it is not finite
    tokens: int = 0  #: number of tokens on which the model was trained
    seconds: float = 0.0  #: time in the process that ended the stage
    stopped: str = ""  #: the limit that ended the stage before its last epoch
    too_long: int = 0  #: number of rows that were truncated at ``max_length``
    lost: int = 0  #: number of truncated rows that lost their whole reply
    precision: str = ""  #: precision of the computation, with the measurement that decided it
    training: tuple[LoggedLoss, ...] = ()  #: mean losses since the previous entry, or since the start of the process
    held_out: tuple[LoggedLoss, ...] = ()  #: losses on the held-out problems


class TrainingReport(Record, frozen=True, kw_only=True):
    """The record of a training with all its stages."""

    method: str  #: sft or dpo
    model: str  #: base model
    preset: str
    settings: TrainingSettings
    data: PreparedData
    stages: tuple[StageReport, ...] = ()
    versions: dict[str, str] = {}
    device: str = ""
    dequantised: str = ""  #: the GGUF file of the initial weights, which are rounded


def held_out_before(model: str) -> frozenset[str]:
    """Return the held-out problems of an earlier training, from the record in the folder of its model."""
    try:
        record = msgspec.json.decode((Path(model) / RECORD).read_bytes(), type=TrainingReport)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):  # no record, or not a record of glotsmith
        return frozenset()
    return frozenset(record.data.held_out)


def stage_report(state: Any, stage: int, seconds: float, stopped: str) -> StageReport:
    """Return the result of a stage from the log of its trainer."""
    log: list[Mapping[str, Any]] = state.log_history
    held_out = _logged_losses(log, "eval_loss")
    best = state.best_global_step if held_out and state.best_global_step else None
    return StageReport(
        stage=stage,
        steps=state.global_step,
        chosen_step=best or state.global_step,
        chosen_loss=_finite_or_none(state.best_metric) if best else None,
        tokens=int(state.num_input_tokens_seen),
        seconds=round(seconds, 1),
        stopped=stopped,
        training=_logged_losses(log, "loss"),
        held_out=held_out,
    )


def _logged_losses(log: list[Mapping[str, Any]], name: str) -> tuple[LoggedLoss, ...]:
    return tuple(
        LoggedLoss(step=int(entry["step"]), loss=_finite_or_none(entry[name])) for entry in log if name in entry
    )


def _finite_or_none(loss: float) -> float | None:
    """Return a loss, or None if JSON cannot represent it."""
    return float(loss) if math.isfinite(loss) else None


def versions() -> dict[str, str]:
    """Return the versions of the libraries that may change the weights."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def device() -> str:
    """Return the number and the name of the devices."""
    cuda = load("torch").cuda
    return f"{ranks.process_count()} x {cuda.get_device_name() if cuda.is_available() else 'CPU'}"
