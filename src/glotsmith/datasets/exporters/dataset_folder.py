"""A whole dataset: data files in one format, and the card that belongs to them."""

from collections.abc import Iterable
from pathlib import Path

from glotsmith.datasets.card import DatasetCard, claim_folder, write_card
from glotsmith.datasets.dataset_counts import DatasetCounts
from glotsmith.datasets.exporters import get
from glotsmith.records import Example


def write_dataset(
    rows: Iterable[Example], folder: Path, card: DatasetCard, *, exporter: str = "jsonl", owned: bool = False
) -> DatasetCounts:
    """Write a dataset that ``datasets.load_dataset(folder)`` opens; without any row, just a card that says so.

    Args:
        rows: in the order in which they are to stand; read once.
        folder: of the dataset; made if need be. An earlier dataset in it is replaced, anything else is left alone.
        card: what to tell about it.
        exporter: a format (``exporters.EXPORTERS``).
        owned: the folder is the run's own, so that an earlier dataset in it is no other run's.

    Raises:
        UsageError: there is no such format, or the folder holds something else.
        StorageError: the disk is full or the folder can't be written.
        InputError: a row holds text that no file can hold.

    """
    summary, written = DatasetCounts(), get(exporter)
    claim_folder(folder, "" if owned else card.run)
    files = written.write(summary.count_rows(rows), folder)
    write_card(folder, card, summary, files)
    return summary
