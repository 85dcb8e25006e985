"""The entry of a training in a report: its losses over the steps, and the step of the kept weights."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from glotsmith.errors import InputError
from glotsmith.report.run_summary import Summary, settings_of
from glotsmith.run_folder import CONFIG
from glotsmith.training.checkpoints import list_checkpoints
from glotsmith.training.training_folder import SETTINGS, read_record
from glotsmith.training.training_report import RECORD, StageReport, TrainingReport

STATE = "trainer_state.json"  #: file that transformers writes into a checkpoint
STAGE = "stage.json"  #: file in the folder with the weights of a stage
_NOT_FINITE = "not finite"  #: text that a page shows for a loss that is infinite or NaN


class _LogEntry(msgspec.Struct):
    step: int = 0
    loss: float | None = None
    eval_loss: float | None = None


class _TrainerState(msgspec.Struct):
    """The parts of a trainer's state that a report shows."""

    global_step: int = 0
    max_steps: int = 0
    log_history: list[_LogEntry] = []


def is_training(folder: Path) -> bool:
    """Return whether a folder contains a training."""
    return (folder / SETTINGS).is_file() and not (folder / CONFIG).is_file()


def summarize_training(folder: Path, name: str) -> Summary:
    """Return the entry of a training in a report, as JSON values.

    Raises:
        InputError: A file of the training is malformed.

    """
    record = folder / "model" / RECORD
    finished = read_record(record, TrainingReport) if record.is_file() else None
    stages = [_stage_fields(one) for one in finished.stages] if finished else list(_stages_so_far(folder))
    settings = _read_settings(folder / SETTINGS)
    return {
        "type": "training",
        "name": name,
        "finished": finished is not None,
        "settings": settings_of(settings),
        "because": {},
        "languages": [],
        "model": str(settings.get("model", "")),
        "method": str(settings.get("method", "")),
        "preset": str(settings.get("preset", "")),
        "stages": stages,
        "rows": [stage.rows for stage in finished.data.stages] if finished else [],
        "held_out_problems": len(finished.data.held_out) if finished else 0,
        "versions": finished.versions if finished else {},
        "device": finished.device if finished else "",
    }


def _stages_so_far(folder: Path) -> Iterator[Summary]:
    """Yield the finished stages and the stage in progress, with the log of its last checkpoint."""
    stage_folders = (path for path in (folder / "stages").glob("*") if re.fullmatch("[0-9]+", path.name))
    for stage in sorted(stage_folders, key=lambda path: int(path.name)):
        if (stage / "model" / STAGE).is_file():
            yield _stage_fields(read_record(stage / "model" / STAGE, StageReport))
        elif states := [one / STATE for one in list_checkpoints(stage / "checkpoints") if (one / STATE).is_file()]:
            yield _unfinished_stage(int(stage.name), states[-1])


def _unfinished_stage(number: int, file: Path) -> Summary:
    try:  # transformers writes NaN and Infinity, which are not valid JSON
        state = msgspec.convert(json.loads(file.read_bytes()), type=_TrainerState)
    except (OSError, ValueError) as error:
        raise InputError.at(file, None, f"the file is not a valid state of a training ({error})") from error
    log = state.log_history
    training = [[entry.step, _shown_loss(entry.loss)] for entry in log if entry.loss is not None]
    held_out = [[entry.step, _shown_loss(entry.eval_loss)] for entry in log if entry.eval_loss is not None]
    return {
        **{"stage": number, "steps": state.global_step, "chosen_step": None, "chosen_loss": None},
        **{"stopped": f"not finished; {state.max_steps} steps are planned", "tokens": 0, "seconds": 0.0},
        **{"too_long": 0, "lost": 0, "precision": "", "training": training, "held_out": held_out},
    }


def _stage_fields(report: StageReport) -> Summary:
    found: dict[str, Any] = {name: getattr(report, name) for name in report.__struct_fields__}
    losses = {name: [[one.step, _shown_loss(one.loss)] for one in found[name]] for name in ("training", "held_out")}
    if report.chosen_loss is None and [report.chosen_step, _NOT_FINITE] in losses["held_out"]:
        found["chosen_loss"] = _NOT_FINITE
    return found | losses


def _shown_loss(loss: float | None) -> float | str:
    """Return a loss as a page shows it: a number, or a text if it is infinite or NaN."""
    return loss if loss is not None and math.isfinite(loss) else _NOT_FINITE


def _read_settings(file: Path) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InputError.at(file, None, f"the file is not a valid settings file of a training ({error})") from error
