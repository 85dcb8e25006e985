"""Verified solutions as a dataset: rows, files that ``datasets.load_dataset`` opens, and a card."""

from glotsmith.datasets.card import Card
from glotsmith.datasets.exporters.dataset_folder import write_dataset
from glotsmith.datasets.rows import LanguageFacts, example

__all__ = ["Card", "LanguageFacts", "example", "write_dataset"]
