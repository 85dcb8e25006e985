"""Write a whole dataset: data files in one format, prompts, plots and the card."""

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
    """Write a dataset that ``datasets.load_dataset(folder)`` opens; without rows, only a card that says so.

    Args:
        rows: The rows in the order of the output. They are read once.
        folder: The folder of the dataset. It is created if it does not exist. An earlier dataset in it is replaced.
        card: The content of the card.
        exporter: The format (``formats.DATASET_FORMATS``).
        owned: Whether the folder belongs to the run, which may then replace the dataset of another run in it.

    Raises:
        UsageError: The format does not exist, or the folder contains other files.
        StorageError: The disk is full or the folder cannot be written.
        InputError: A row contains text that no file can store.

    """
    check_format(exporter, DATASET_FORMATS)
    summary = DatasetCounts()
    claim_folder(folder, "" if owned else card.run)
    files = write_language_files(summary.count_rows(rows), folder, exporter)
    write_prompts(folder, card.prompts)
    plots = write_plots(folder, card, summary)
    write_card(folder, card, summary, files, plots)
    return summary
