"""What a report says about a training, finished or not: its losses over steps, and the weights that were kept."""

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

STATE = "trainer_state.json"  #: file of a checkpoint, by transformers
STAGE = "stage.json"  #: file of the weights of a stage
_NOT_FINITE = "not finite"  #: what a page shows in place of such a loss


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
    """Return whether a folder holds a training."""
    return (folder / SETTINGS).is_file() and not (folder / CONFIG).is_file()


def summarize_training(folder: Path, name: str) -> Summary:
    """Return what a report says about a training, as JSON values.

    Raises:
        InputError: a file of the training is malformed.

    """
    record = folder / "model" / RECORD
    finished = read_record(record, TrainingReport) if record.is_file() else None
    stages = [_stage(one) for one in finished.stages] if finished else list(_stages_so_far(folder))
    settings = _read(folder / SETTINGS)
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
    """Yield the stages that are finished, and the one that is trained, with the log of its last checkpoint."""
    places = (path for path in (folder / "stages").glob("*") if re.fullmatch("[0-9]+", path.name))
    for place in sorted(places, key=lambda path: int(path.name)):
        if (place / "model" / STAGE).is_file():
            yield _stage(read_record(place / "model" / STAGE, StageReport))
        elif states := [one / STATE for one in list_checkpoints(place / "checkpoints") if (one / STATE).is_file()]:
            yield _unfinished_stage(int(place.name), states[-1])


def _unfinished_stage(number: int, file: Path) -> Summary:
    try:  # transformers writes NaN and Infinity, which JSON has not
        state = msgspec.convert(json.loads(file.read_bytes()), type=_TrainerState)
    except (OSError, ValueError) as error:
        raise InputError.at(file, None, f"no state of a training ({error})") from error
    log = state.log_history
    training = [[entry.step, _shown_loss(entry.loss)] for entry in log if entry.loss is not None]
    held_out = [[entry.step, _shown_loss(entry.eval_loss)] for entry in log if entry.eval_loss is not None]
    return {
        **{"stage": number, "steps": state.global_step, "chosen_step": None, "chosen_loss": None},
        **{"stopped": f"not finished; {state.max_steps} steps are planned", "tokens": 0, "seconds": 0.0},
        **{"too_long": 0, "lost": 0, "precision": "", "training": training, "held_out": held_out},
    }


def _stage(report: StageReport) -> Summary:
    found: dict[str, Any] = {name: getattr(report, name) for name in report.__struct_fields__}
    losses = {name: [[one.step, _shown_loss(one.loss)] for one in found[name]] for name in ("training", "held_out")}
    if report.chosen_loss is None and [report.chosen_step, _NOT_FINITE] in losses["held_out"]:
        found["chosen_loss"] = _NOT_FINITE
    return found | losses


def _shown_loss(loss: float | None) -> float | str:
    """Return a loss as a page shows it: a number, or a text for one that is infinite or no number."""
    return loss if loss is not None and math.isfinite(loss) else _NOT_FINITE


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InputError.at(file, None, f"not the settings of a training ({error})") from error
