"""A whole dataset: data files in one format, and the card that belongs to them."""

from collections.abc import Iterable
from pathlib import Path

from glotsmith.datasets.card import DatasetCard, claim_folder, write_card
from glotsmith.datasets.card_plots import write_plots
from glotsmith.datasets.dataset_counts import DatasetCounts
from glotsmith.datasets.exporters.formats import DATASET_FORMATS, check_format
from glotsmith.datasets.exporters.row_files import write_language_files
from glotsmith.datasets.prompt_files import write_prompts
from glotsmith.records import Example


def write_dataset(
    rows: Iterable[Example], folder: Path, card: DatasetCard, *, exporter: str = "jsonl", owned: bool = False
) -> DatasetCounts:
    """Write a dataset that ``datasets.load_dataset(folder)`` opens; without any row, just a card that says so.

    Args:
        rows: in the order of the output; read once.
        folder: of the dataset; made if need be. An earlier dataset in it is replaced, anything else is left alone.
        card: properties of the dataset for its card.
        exporter: a format (``formats.DATASET_FORMATS``).
        owned: the folder belongs to the run, which may replace an earlier dataset in it.

    Raises:
        UsageError: the format does not exist, or the folder contains other files.
        StorageError: the disk is full or the folder cannot be written.
        InputError: a row holds text that no file can hold.

    """
    check_format(exporter, DATASET_FORMATS)
    summary = DatasetCounts()
    claim_folder(folder, "" if owned else card.run)
    files = write_language_files(summary.count_rows(rows), folder, exporter)
    write_prompts(folder, card.prompts)
    plots = write_plots(folder, card, summary)
    write_card(folder, card, summary, files, plots)
    return summary
