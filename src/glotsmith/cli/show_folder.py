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
        UsageError: The folder has no results to show.
        InputError: A file in the folder cannot be read.

    """
    if (folder / CONFIG).is_file():
        return False
    if (folder / ORIGIN).is_file():
        _print_summary(benchmark_summary(folder), as_json=as_json)
    elif (folder / _SETTINGS).is_file():
        _print_summary(training_summary(folder), as_json=as_json)
    else:
        raise UsageError(f"{folder} cannot be shown: {_missing_results(folder)}. Give the folder of {_KINDS}")
    return True


def benchmark_summary(folder: Path) -> dict[str, Any]:
    """Return the origin of an evaluation set and the counts of its questions."""
    questions, impossible = _read_objects(folder / "questions.jsonl"), _read_objects(folder / "impossible.jsonl")
    return {
        "folder": "an evaluation set",
        **_read_object(folder / ORIGIN),
        "questions": dict(Counter(str(row.get("language")) for row in questions)),
        "impossible": dict(Counter(str(row.get("reason")) for row in impossible)),
        "training rows": len(_read_objects(folder / "train.jsonl")),
    }


def training_summary(folder: Path) -> dict[str, Any]:
    """Return the settings of a training and its state, with the losses of each stage if it is finished."""
    settings = {"folder": "a training", **_read_object(folder / _SETTINGS)}
    if not (folder / _RECORD).is_file():
        stages = sorted(p.parent.name for p in folder.glob("stages/*/model"))
        return {**settings, "state": f"not finished; stages done: {', '.join(stages) or 'none'}"}
    record = _read_object(folder / _RECORD)
    found = {f"stage {stage.get('stage')}": _stage_summary(stage) for stage in record.get("stages", [])}
    return {**settings, "state": "finished", **found, "device": record.get("device", "")}


def _stage_summary(stage: dict[str, Any]) -> str:
    loss = stage.get("chosen_loss")
    held_out = "" if loss is None else f", loss {loss:.4g} on the held-out problems"
    stopped = f", stopped: {stage['stopped']}" if stage.get("stopped") else ""
    steps = counted(int(stage.get("steps") or 0), "step")
    return f"{steps}, weights of step {stage.get('chosen_step')}{held_out}{stopped}"


def _missing_results(folder: Path) -> str:
    if not folder.exists():
        return "no such folder exists"
    if not folder.is_dir():
        return "it is a file"
    return "it is empty" if not any(folder.iterdir()) else f"it has no {CONFIG} and no {ORIGIN}"


def _read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise InputError.at(file, None, f"not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise InputError.at(file, None, "not a JSON object")
    return cast("dict[str, Any]", found)


def _read_objects(file: Path) -> list[dict[str, Any]]:
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


def _print_summary(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    table = Table("", "")
    for name, value in summary.items():
        table.add_row(name, Text(_format_value(value)))
    out.print(table)


def _format_value(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {_format_value(one)}" for name, one in cast("dict[str, Any]", value).items()) or "none"
