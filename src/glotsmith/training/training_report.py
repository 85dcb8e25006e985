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
    loss: float | None  #: nats a token; of DPO, its own; None if it is not finite, as in a training that diverges


class StageReport(Record, frozen=True, kw_only=True):
    """The result of one stage."""

    stage: int  #: as ``Example.stage``
    steps: int  #: optimizer steps
    chosen_step: int  #: whose weights are kept: the lowest loss on the held-out problems, or the last
    chosen_loss: float | None = None  #: on the held-out problems; None without them, or if it is not finite
    tokens: int = 0  #: that the model saw
    seconds: float = 0.0  #: of the process that ended the stage
    stopped: str = ""  #: why it ended before its epochs
    too_long: int = 0  #: rows that were cut at ``max_length``
    lost: int = 0  #: of these, rows whose whole reply was cut
    precision: str = ""  #: that it computed in, with the measurement that decided it
    training: tuple[LoggedLoss, ...] = ()  #: each a mean since the one before it, or since the start of the process
    held_out: tuple[LoggedLoss, ...] = ()


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
    dequantised: str = ""  #: the GGUF file of the first weights, which are rounded


def held_out_before(model: str) -> frozenset[str]:
    """Return the held-out problems of an earlier training, from the record in the folder of its model."""
    try:
        record = msgspec.json.decode((Path(model) / RECORD).read_bytes(), type=TrainingReport)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):  # no record, or none of ours
        return frozenset()
    return frozenset(record.data.held_out)


def stage_report(state: Any, stage: int, seconds: float, stopped: str) -> StageReport:
    """Return the result of a stage from the log of its trainer."""
    log: list[Mapping[str, Any]] = state.log_history
    held_out = _losses(log, "eval_loss")
    best = state.best_global_step if held_out and state.best_global_step else None
    return StageReport(
        stage=stage,
        steps=state.global_step,
        chosen_step=best or state.global_step,
        chosen_loss=_finite(state.best_metric) if best else None,
        tokens=int(state.num_input_tokens_seen),
        seconds=round(seconds, 1),
        stopped=stopped,
        training=_losses(log, "loss"),
        held_out=held_out,
    )


def _losses(log: list[Mapping[str, Any]], name: str) -> tuple[LoggedLoss, ...]:
    return tuple(LoggedLoss(step=int(entry["step"]), loss=_finite(entry[name])) for entry in log if name in entry)


def _finite(loss: float) -> float | None:
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
