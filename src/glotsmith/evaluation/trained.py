"""In which form a model is to be asked: as ``glotsmith train`` recorded it beside the weights."""

from pathlib import Path
from typing import NamedTuple

import msgspec

_RECORD = "training.json"  #: ``training.training_report.RECORD``; stages do not import each other
PROMPT_ENDS = ("newline", "signature")  #: of a completion prompt: behind the signature's line break, or before it


class _Settings(msgspec.Struct):
    style: str = ""
    boundary: str = ""


class _Record(msgspec.Struct):
    settings: _Settings


class PromptForm(NamedTuple):
    """How a model is asked."""

    style: str = ""  #: ``completion``, or empty where nothing is recorded of plain text
    prompt_end: str = "newline"  #: MultiPL-E's published form where nothing else is recorded


def trained_form(model: str) -> PromptForm:
    """Return the form that a model was trained on; the default where there is no record of a training."""
    try:
        found = msgspec.json.decode((Path(model) / _RECORD).read_bytes(), type=_Record).settings
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return PromptForm()
    if found.style != "plain":
        return PromptForm()
    return PromptForm("completion", "signature" if found.boundary == "signature" else "newline")
