"""Formats of a dataset: one module each, and this table; and the formats of trainers (``formats.FORMATS``).

An exporter's ``write`` makes one file a language, ``data/LANGUAGE/train.EXTENSION``, the same bytes for the same rows.
"""

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from glotsmith.errors import UsageError, unknown_name
from glotsmith.records import Example

EXPORTERS = {
    "jsonl": "glotsmith.datasets.exporters.jsonl",
    "parquet": "glotsmith.datasets.exporters.parquet",
}


class Exporter(Protocol):
    """What a module of this table offers."""

    write: Callable[[Iterable[Example], Path], list[Path]]
    """Write the rows under a folder and return the files, sorted; files of an earlier export go.

    Memory does not grow with the rows; a file appears whole or not at all.

    Raises:
        StorageError: the disk is full or the folder can't be written.
        InputError: a row holds text that no file can hold.
    """


def get(name: str) -> Exporter:
    """Return the exporter of a format.

    Raises:
        UsageError: there is no such format.

    """
    if name not in EXPORTERS:
        raise UsageError(unknown_name(f"no dataset format is named {name!r}", name, EXPORTERS))
    return cast(Exporter, import_module(EXPORTERS[name]))
