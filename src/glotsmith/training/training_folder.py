"""The folder of a training: its owner, its content, and a lock for one process at a time.

settings.json   what determines the result; compared at each start
data/           the rows, split and sorted
stages/N/       checkpoints while a stage is trained; its weights once it is done
model/          the weights of the last stage, with training.json: the record
lock            held, with the process's number, while one is at work
"""

import json
import os
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from glotsmith import credentials
from glotsmith.errors import InputError, UsageError
from glotsmith.folder_lock import lock_folder
from glotsmith.records import Record
from glotsmith.settings import changeable_fields, leaves
from glotsmith.training.data import PreparedData
from glotsmith.write_aside import write_aside

SETTINGS, PREPARED = "settings.json", Path("data") / "prepared.json"

StoredRecord = TypeVar("StoredRecord", bound=Record)


@contextmanager
def hold_folder(folder: Path) -> Generator[None]:
    """Make a folder and hold it for this process; the lock ends with the process, however it ends.

    Raises:
        UsageError: it holds something else, is a file, or another process is at work in it.
        StorageError: it cannot be made or locked.

    """
    lock = lock_folder(folder, "training", SETTINGS)
    try:
        yield
    finally:
        os.close(lock)


def claim_settings(folder: Path, job: Record) -> None:
    """Store the settings of a training, or compare them with those that are stored.

    Before the first step, new settings replace the old ones. Fields that are
    ``CHANGEABLE`` determine no weights and may change at any time.

    Raises:
        UsageError: the folder belongs to another training.
        InputError: a stored file cannot be read.

    """
    credentials.refuse(msgspec.to_builtins(job))
    file, wanted = folder / SETTINGS, json.loads(msgspec.json.encode(job))  # as it is stored: tuples as lists
    changed = _changed(file, wanted, changeable_fields(type(job))) if file.is_file() else ""
    if changed and _has_begun(folder):
        raise UsageError(
            f"{folder}: the settings have changed: {changed}. Set them as they were, or train in another folder (-o)"
        )
    if changed:
        (folder / PREPARED).unlink(missing_ok=True)
    write_json(file, wanted)


def _changed(file: Path, wanted: dict[str, Any], changeable: Collection[str]) -> str:
    """Return how the stored settings differ from the wanted ones in what determines weights; "" if they do not."""
    try:
        there = dict(leaves(json.loads(file.read_text("utf-8"))))
    except (ValueError, AttributeError) as error:
        raise InputError.at(file, None, f"not the settings of a training ({error}): choose another folder") from error
    requested = dict(leaves(wanted))
    names = [
        name
        for name in sorted(there.keys() | requested.keys())
        if there.get(name) != requested.get(name) and name not in changeable
    ]
    return "; ".join(
        f"{n} was {there.get(n, 'as by default')} and is now {requested.get(n, 'as by default')}" for n in names
    )


def _has_begun(folder: Path) -> bool:
    """Whether there is a checkpoint, or weights."""
    return any(any(folder.glob(made)) for made in ("stages/*/checkpoints/checkpoint-*", "stages/*/model", "model"))


def claim_data(folder: Path, prepared: PreparedData) -> None:
    """Store the description of the data, or compare it with the stored one.

    Raises:
        UsageError: the dataset is another one.
        InputError: a stored file cannot be read.

    """
    file = folder / PREPARED
    if file.is_file() and read_record(file, PreparedData) != prepared and _has_begun(folder):
        raise UsageError(f"{folder}: the dataset has changed since the start of this training: choose another folder")
    write_json(file, prepared)


def read_record(file: Path, kind: type[StoredRecord]) -> StoredRecord:
    """Return the record that is stored in a file.

    Raises:
        InputError: it holds none.

    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError.at(file, None, f"not a valid record of a training ({error})") from error


def write_json(file: Path, value: Any) -> None:
    """Write a value as JSON; the file appears whole or not at all."""
    with write_aside(file) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
