"""The folder of a training, which one process uses at a time.

settings.json   the settings that determine the result; compared at each start
data/           the rows, split and sorted
stages/N/       checkpoints of a stage, and its weights when it is finished
model/          the result of the training, and the record, training.json
lock            contains the id of the process that uses the folder, which locks it
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
    """Create a folder and lock it for this process. The kernel releases the lock when the process ends.

    Raises:
        UsageError: The folder contains other files, is a file, or another process uses it.
        StorageError: The folder cannot be created or locked.

    """
    lock = lock_folder(folder, "training", SETTINGS)
    try:
        yield
    finally:
        os.close(lock)


def claim_settings(folder: Path, job: Record) -> None:
    """Store the settings of a training, or compare them with the stored ones.

    Before the first checkpoint, new settings replace the old ones. ``CHANGEABLE`` fields do not determine the weights
    and may change at any time.

    Raises:
        UsageError: The folder belongs to another training.
        InputError: A stored file cannot be read.

    """
    credentials.refuse_secrets(msgspec.to_builtins(job))
    file, wanted = folder / SETTINGS, json.loads(msgspec.json.encode(job))  # tuples become lists, as in the file
    changed = _setting_differences(file, wanted, changeable_fields(type(job))) if file.is_file() else ""
    if changed and _has_begun(folder):
        raise UsageError(
            f"{folder}: the settings have changed: {changed}. Restore them, or train in another folder (-o)"
        )
    if changed:
        (folder / PREPARED).unlink(missing_ok=True)
    write_json(file, wanted)


def _setting_differences(file: Path, wanted: dict[str, Any], changeable: Collection[str]) -> str:
    """Return the differences between stored and new settings that determine weights; "" if stored are none."""
    try:
        stored = dict(leaves(json.loads(file.read_text("utf-8"))))
    except (ValueError, AttributeError) as error:
        raise InputError.at(
            file, None, f"the file is not a valid settings file of a training ({error}): choose another folder"
        ) from error
    requested = dict(leaves(wanted))
    names = [
        name
        for name in sorted(stored.keys() | requested.keys())
        if stored.get(name) != requested.get(name) and name not in changeable
    ]
    return "; ".join(
        f"{n} was {stored.get(n, 'the default')} and is now {requested.get(n, 'the default')}" for n in names
    )


def _has_begun(folder: Path) -> bool:
    """Return whether the folder has a checkpoint or weights."""
    return any(any(folder.glob(made)) for made in ("stages/*/checkpoints/checkpoint-*", "stages/*/model", "model"))


def claim_data(folder: Path, prepared: PreparedData) -> None:
    """Store the description of the data, or compare it with the stored one.

    Raises:
        UsageError: The dataset has changed.
        InputError: A stored file cannot be read.

    """
    file = folder / PREPARED
    if file.is_file() and read_record(file, PreparedData) != prepared and _has_begun(folder):
        raise UsageError(
            f"{folder}: the dataset has changed since the start of this training. Restore it, or train in another "
            "folder (-o)"
        )
    write_json(file, prepared)


def read_record(file: Path, kind: type[StoredRecord]) -> StoredRecord:
    """Return the record that is stored in a file.

    Raises:
        InputError: The file does not contain such a record.

    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError.at(file, None, f"the file is not a valid record of a training ({error})") from error


def write_json(file: Path, value: Any) -> None:
    """Write a value as JSON. The file is written completely or not at all."""
    with write_aside(file) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
