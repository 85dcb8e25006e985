"""Find the checkpoints of a stage, and the one to resume from."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from glotsmith.write_aside import write_aside

_NAME = re.compile(r"checkpoint-[0-9]+")
_STATE = "trainer_state.json"  #: the file that transformers writes last


def last_complete(folder: Path) -> Path | None:
    """Return the last complete checkpoint in a folder, and remove incomplete ones.

    A checkpoint stores the path of the best checkpoint. If the folder was moved, or has another path now,
    transformers ignores the best checkpoint without a message. Therefore the path is corrected.
    """
    for checkpoint in reversed(list_checkpoints(folder)):
        if (state := _read_state(checkpoint)) is not None:
            _correct_best_checkpoint(checkpoint, state)
            return checkpoint
        shutil.rmtree(checkpoint)
    return None


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, by step."""
    return sorted((path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)), key=step_of)


def step_of(checkpoint: Path) -> int:
    """Return the training step of a checkpoint."""
    return int(checkpoint.name.rpartition("-")[2])


def _read_state(checkpoint: Path) -> dict[str, Any] | None:
    """Return the trainer's state; None if the checkpoint is incomplete."""
    try:
        return json.loads((checkpoint / _STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _correct_best_checkpoint(checkpoint: Path, state: dict[str, Any]) -> None:
    best = state.get("best_model_checkpoint")
    current = str(checkpoint.with_name(Path(best).name)) if best else best
    if current == best:
        return
    state["best_model_checkpoint"] = current
    with write_aside(checkpoint / _STATE) as draft:
        draft.write_text(json.dumps(state, indent=2, sort_keys=True) + "\n", "utf-8")
