"""``glotsmith show FOLDER`` for a training or an evaluation set, and the error for other folders."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import typer
from rich.table import Table
from rich.text import Text

from glotsmith.cli.app import out
from glotsmith.cli.benchmark import ORIGIN
from glotsmith.counts import counted
from glotsmith.errors import InputError, UsageError
from glotsmith.run_folder import CONFIG

_SETTINGS, _RECORD = "settings.json", Path("model") / "training.json"
_KINDS = "a run, an evaluation, a training or an evaluation set"


def show_other(folder: Path, *, as_json: bool) -> bool:
    """Show a training or an evaluation set; return whether the folder is one.

    Raises:
        UsageError: the folder has no results to show.
        InputError: a file in it cannot be read.

    """
    if (folder / CONFIG).is_file():
        return False
    if (folder / ORIGIN).is_file():
        _show(benchmark_summary(folder), as_json=as_json)
    elif (folder / _SETTINGS).is_file():
        _show(training_summary(folder), as_json=as_json)
    else:
        raise UsageError(f"Cannot show {folder}: {_missing(folder)}. Give the folder of {_KINDS}")
    return True


def benchmark_summary(folder: Path) -> dict[str, Any]:
    """Return the origin of an evaluation set and the counts of its questions."""
    questions, impossible = _lines(folder / "questions.jsonl"), _lines(folder / "impossible.jsonl")
    return {
        "folder": "an evaluation set",
        **_table(folder / ORIGIN),
        "questions": dict(Counter(str(row.get("language")) for row in questions)),
        "impossible": dict(Counter(str(row.get("reason")) for row in impossible)),
        "training rows": len(_lines(folder / "train.jsonl")),
    }


def training_summary(folder: Path) -> dict[str, Any]:
    """Return the settings of a training and its state, with the losses of each stage if it is finished."""
    settings = {"folder": "a training", **_table(folder / _SETTINGS)}
    if not (folder / _RECORD).is_file():
        stages = sorted(p.parent.name for p in folder.glob("stages/*/model"))
        return {**settings, "state": f"not finished; stages done: {', '.join(stages) or 'none'}"}
    record = _table(folder / _RECORD)
    found = {f"stage {stage.get('stage')}": _stage(stage) for stage in record.get("stages", [])}
    return {**settings, "state": "finished", **found, "device": record.get("device", "")}


def _stage(stage: dict[str, Any]) -> str:
    loss = stage.get("chosen_loss")
    held_out = "" if loss is None else f", loss {loss:.4g} on the held-out problems"
    stopped = f", stopped: {stage['stopped']}" if stage.get("stopped") else ""
    steps = counted(int(stage.get("steps") or 0), "step")
    return f"{steps}, weights of step {stage.get('chosen_step')}{held_out}{stopped}"


def _missing(folder: Path) -> str:
    if not folder.exists():
        return "no such folder exists"
    if not folder.is_dir():
        return "it is a file"
    return "the folder is empty" if not any(folder.iterdir()) else f"the folder holds none of {CONFIG}, {ORIGIN}"


def _table(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise InputError.at(file, None, f"not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise InputError.at(file, None, "not a JSON object")
    return cast("dict[str, Any]", found)


def _lines(file: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSONL file; [] if it does not exist."""
    if not file.is_file():
        return []
    found = list[dict[str, Any]]()
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            raise InputError.at(file, number, f"not valid JSON ({error})") from error
    return found


def _show(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    table = Table("", "")
    for name, value in summary.items():
        table.add_row(name, Text(_text(value)))
    out.print(table)


def _text(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {_text(one)}" for name, one in cast("dict[str, Any]", value).items()) or "none"
